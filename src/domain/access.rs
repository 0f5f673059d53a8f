//! Who may do what. A person acts only as themselves; an admin may also look, never speak for others.

use super::{Error, Result, Timestamp, UserId, ids::TokenId, user::Role};

/// Somebody whose token was checked: every verb of a service takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
    pub token: TokenId,
}

/// A token that was checked: whose it is, for what it was issued, and until when it holds.
#[derive(Debug, Clone)]
pub struct AuthenticatedToken {
    pub actor: Actor,
    pub issued: CredentialVersion,
    pub expires_at: Timestamp,
}

/// What ties a token to the credentials of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialVersion {
    /// Issued by this service, to somebody who knew this version of the credentials.
    Version(u64),
    /// Issued by somebody else who has the secret, at this moment.
    At(Timestamp),
}

/// What decides which tokens of an account hold, and with which rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    pub role: Role,
    pub is_active: bool,
    /// Raised with every change of the password or the standing, in the same write.
    pub version: u64,
    /// When that was last.
    pub changed_at: Timestamp,
}

impl Credentials {
    /// Returns whether a token holds. Clocks decide nothing where a version was issued.
    #[must_use]
    pub fn admit(&self, issue: CredentialVersion) -> bool {
        self.is_active
            && match issue {
                CredentialVersion::Version(version) => version == self.version,
                CredentialVersion::At(at) => at > self.changed_at,
            }
    }
}

impl Actor {
    /// The caller must be the person they name.
    ///
    /// # Errors
    /// `Forbidden`, for admins too.
    pub fn must_be(&self, named: UserId) -> Result<()> {
        if self.user == named { Ok(()) } else { Err(Error::Forbidden("a person acts only as themselves")) }
    }

    /// The caller may see what concerns `subject`: themselves, or an admin. `true` says that it is
    /// another's, so that the look is put on record.
    ///
    /// # Errors
    /// `Forbidden` for anybody else.
    pub fn may_look_at(&self, subject: UserId) -> Result<bool> {
        match (self.user == subject, self.role) {
            (true, _) => Ok(false),
            (false, Role::Admin) => Ok(true),
            (false, Role::Doctor | Role::Nurse | Role::User) => {
                Err(Error::Forbidden("this belongs to another person"))
            }
        }
    }

    /// The caller runs the house.
    ///
    /// # Errors
    /// `Forbidden` for everybody but admins.
    pub fn must_be_admin(&self) -> Result<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Doctor | Role::Nurse | Role::User => Err(Error::Forbidden("this is for admins")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role) -> Actor {
        Actor { user: UserId::generate(), role, token: TokenId::generate() }
    }

    #[test]
    fn a_change_of_credentials_ends_what_was_issued_before() {
        let changed_at = Timestamp(5_000);
        let now = Credentials { role: Role::Nurse, is_active: true, version: 3, changed_at };
        assert!(
            now.admit(CredentialVersion::Version(3)) && now.admit(CredentialVersion::At(Timestamp(5_001)))
        );
        for before in
            [CredentialVersion::Version(2), CredentialVersion::Version(4), CredentialVersion::At(changed_at)]
        {
            assert!(!now.admit(before), "{before:?}");
        }
        assert!(!Credentials { is_active: false, ..now }.admit(CredentialVersion::Version(3)));
    }

    #[test]
    fn an_admin_may_look_but_never_speak_for_others() {
        let admin = actor(Role::Admin);
        let other = UserId::generate();
        assert!(admin.must_be(other).is_err());
        assert!(admin.may_look_at(other).unwrap());
        assert!(!admin.may_look_at(admin.user).unwrap());
    }

    #[test]
    fn others_see_only_their_own() {
        for role in [Role::Doctor, Role::Nurse, Role::User] {
            let person = actor(role);
            assert!(person.may_look_at(UserId::generate()).is_err());
            assert!(!person.may_look_at(person.user).unwrap());
            assert!(person.must_be_admin().is_err());
        }
    }
}
