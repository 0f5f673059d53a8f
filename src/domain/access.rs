//! Access rules: who acts ([`Principal`]), what is allowed (`policy`), and the proof of it
//! ([`Grant`]). A user acts only as themselves; an admin may also read others' data, but never act
//! for others.

mod permission;
mod policy;
mod principal;

pub use permission::{
    Action, ChangeAccount, ChangeCredentials, ChangeProfile, ChangesAccount, Converse,
    CreateAccount, EndSessions, Facts, Grant, OpenConversation, Permission, authorize,
};
pub use principal::{Principal, Scope};

use super::{
    Timestamp, UserId,
    ids::TokenId,
    user::{AccountKind, Role},
};

/// The caller: a user whose token was checked. Every operation of a service takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Role,
    pub account: AccountKind,
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
    pub account: AccountKind,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_credentials_ends_what_was_issued_before() {
        let changed_at = Timestamp(5_000);
        let now = Credentials {
            role: Role::Nurse,
            account: AccountKind::STAFF,
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
}
