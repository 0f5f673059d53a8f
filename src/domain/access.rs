//! Who may do what. A person acts only as themselves; an admin may also look, never speak for others.

use super::{Error, Result, Timestamp, UserId, ids::TokenId, user::Role};

/// Somebody whose token was checked: every verb of a service takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
    pub token: TokenId,
}

/// A token that was checked: whose it is, and from when to when it holds.
#[derive(Debug, Clone)]
pub struct Pass {
    pub actor: Actor,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
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
