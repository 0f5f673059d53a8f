//! Access rules. A user acts only as themselves; an admin may also read others' data, but never act
//! for others.

use super::{Error, Result, Timestamp, UserId, ids::TokenId, user::Role};

/// The caller: a user whose token was checked. Every operation of a service takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
    pub token: TokenId,
}

/// A checked token: its user, its issue, and its expiry.
#[derive(Debug, Clone)]
pub struct AuthenticatedToken {
    pub actor: Actor,
    pub issued: CredentialVersion,
    pub expires_at: Timestamp,
}

/// The link between a token and the credentials of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialVersion {
    /// Issued by this service, for this version of the credentials.
    Version(u64),
    /// Issued by another holder of the secret, at this time.
    At(Timestamp),
}

/// The data that decide which tokens of an account are valid, and with which rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    pub role: Role,
    pub is_active: bool,
    /// Raised with every change of the password or the account status, in the same write.
    pub version: u64,
    /// The time of the last change.
    pub changed_at: Timestamp,
}

impl Credentials {
    /// Returns whether a token is valid. Clocks decide nothing where a version was issued.
    #[must_use]
    pub fn is_token_valid(&self, issue: CredentialVersion) -> bool {
        self.is_active
            && match issue {
                CredentialVersion::Version(version) => version == self.version,
                CredentialVersion::At(at) => at > self.changed_at,
            }
    }
}

impl Actor {
    /// Checks that the caller is the user they name.
    ///
    /// # Errors
    /// `Forbidden`, for admins too.
    pub fn require_self(&self, named: UserId) -> Result<()> {
        if self.user == named {
            Ok(())
        } else {
            Err(Error::Forbidden("a person acts only as themselves"))
        }
    }

    /// Checks that the caller may read data about `subject`: the user or an admin. `true` means
    /// that the data are another user's, so the read must be audited.
    ///
    /// # Errors
    /// `Forbidden` for all others.
    pub fn authorize_read(&self, subject: UserId) -> Result<bool> {
        match (self.user == subject, self.role) {
            (true, _) => Ok(false),
            (false, Role::Admin) => Ok(true),
            (false, Role::Doctor | Role::Nurse | Role::User) => {
                Err(Error::Forbidden("this belongs to another person"))
            }
        }
    }

    /// Checks that the caller is an admin.
    ///
    /// # Errors
    /// `Forbidden` for all but admins.
    pub fn require_admin(&self) -> Result<()> {
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
        Actor {
            user: UserId::generate(),
            role,
            token: TokenId::generate(),
        }
    }

    #[test]
    fn a_change_of_credentials_ends_what_was_issued_before() {
        let changed_at = Timestamp(5_000);
        let now = Credentials {
            role: Role::Nurse,
            is_active: true,
            version: 3,
            changed_at,
        };
        assert!(
            now.is_token_valid(CredentialVersion::Version(3))
                && now.is_token_valid(CredentialVersion::At(Timestamp(5_001)))
        );
        for before in [
            CredentialVersion::Version(2),
            CredentialVersion::Version(4),
            CredentialVersion::At(changed_at),
        ] {
            assert!(!now.is_token_valid(before), "{before:?}");
        }
        assert!(
            !Credentials {
                is_active: false,
                ..now
            }
            .is_token_valid(CredentialVersion::Version(3))
        );
    }

    #[test]
    fn an_admin_may_look_but_never_speak_for_others() {
        let admin = actor(Role::Admin);
        let other = UserId::generate();
        assert!(admin.require_self(other).is_err());
        assert!(admin.authorize_read(other).unwrap());
        assert!(!admin.authorize_read(admin.user).unwrap());
    }

    #[test]
    fn others_see_only_their_own() {
        for role in [Role::Doctor, Role::Nurse, Role::User] {
            let person = actor(role);
            assert!(person.authorize_read(UserId::generate()).is_err());
            assert!(!person.authorize_read(person.user).unwrap());
            assert!(person.require_admin().is_err());
        }
    }
}
