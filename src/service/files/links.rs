//! Signed addresses, for tags of a page that cannot send a header. Each is for one user and one
//! file, and lasts five minutes. It ends with the token it was made with. It names that token and
//! its link to the account, so a change of the account's credentials ends it, too.

use std::time::Duration;

use super::super::Services;
use crate::domain::{
    Error, FileId, Result, Timestamp, TokenId, UserId,
    access::{Actor, AuthenticatedToken, CredentialVersion},
    user::{AccountKind, Role},
};

/// How long a signed address is valid.
const LINK_TTL: Duration = Duration::from_mins(5);

/// What signed addresses of a file are made of.
#[derive(Debug, Clone)]
pub struct FileLink {
    pub file: FileId,
    pub has_thumbnail: bool,
    pub proof: LinkProof,
    pub expires_at: Timestamp,
}

/// The content of a signed address.
#[derive(Debug, Clone)]
pub struct LinkProof {
    pub user: UserId,
    /// The token's text in the address: the version or time of its credentials, and its name.
    pub token: String,
    /// Milliseconds since the epoch.
    pub expires: i64,
    pub signature: String,
}

/// Returns the text to sign. No token has a line break, so neither can be taken for the other.
fn text_to_sign(file: FileId, user: UserId, token: &str, expires: i64) -> String {
    format!("wardline file address\n{file}\n{user}\n{expires}\n{token}")
}

/// Returns the token's text: `v3-1700000000000~name` for version 3 of the credentials and this
/// expiry time. A token of another issuer has its time of issue:
/// `t1690000000000-1700000000000~name`.
fn token_text(auth: &AuthenticatedToken) -> String {
    let (name, end) = (&auth.actor.token.0, auth.expires_at.0);
    match auth.issued {
        CredentialVersion::Version(version) => format!("v{version}-{end}~{name}"),
        CredentialVersion::At(at) => format!("t{}-{end}~{name}", at.0),
    }
}

fn read_token(text: &str) -> Option<(CredentialVersion, Timestamp, TokenId)> {
    let (dates, name) = text.split_once('~')?;
    let (issue, end) = dates.split_once('-')?;
    let issue = match issue.split_at_checked(1)? {
        ("v", version) => CredentialVersion::Version(version.parse().ok()?),
        ("t", at) => CredentialVersion::At(Timestamp(at.parse().ok()?)),
        _ => return None,
    };
    Some((issue, Timestamp(end.parse().ok()?), TokenId(name.into())))
}

impl Services {
    /// Returns signed addresses of a file that the caller may read.
    ///
    /// # Errors
    /// `NotFound` when the caller cannot see it.
    #[tracing::instrument(name = "files.create_link", level = "debug", skip_all, fields(file.id = %id))]
    pub async fn file_link(&self, auth: &AuthenticatedToken, id: FileId) -> Result<FileLink> {
        let actor = &auth.actor;
        let file = self
            .readable_file(actor.user, id)
            .await?
            .ok_or(Error::NotFound("file"))?;
        let expires_at = self.clock.now().plus(LINK_TTL).min(auth.expires_at);
        let token = token_text(auth);
        let signature = self
            .tokens
            .sign(&text_to_sign(id, actor.user, &token, expires_at.0))?;
        Ok(FileLink {
            file: id,
            has_thumbnail: file.thumbnail.is_some(),
            proof: LinkProof {
                user: actor.user,
                token,
                expires: expires_at.0,
                signature,
            },
            expires_at,
        })
    }

    /// Returns the authenticated token of a signed address, while the address and the owner's token
    /// are valid. What it starts ends with the token, not with the address. The right to the file
    /// is checked again when it is opened.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` for every other fault.
    #[tracing::instrument(name = "files.check_link", level = "debug", skip_all, fields(file.id = %id))]
    pub async fn check_link(&self, id: FileId, proof: &LinkProof) -> Result<AuthenticatedToken> {
        let signed = text_to_sign(id, proof.user, &proof.token, proof.expires);
        if !self.tokens.is_signed(&signed, &proof.signature) {
            return Err(Error::AuthFailed);
        }
        if Timestamp(proof.expires) <= self.clock.now() {
            return Err(Error::TokenExpired);
        }
        let (issued, expires_at, token) = read_token(&proof.token).ok_or(Error::AuthFailed)?;
        let auth = AuthenticatedToken {
            actor: Actor {
                user: proof.user,
                role: Role::User,
                account: AccountKind::STAFF,
                token,
            },
            issued,
            expires_at,
        };
        Ok(self.is_still_valid(auth).await?.auth)
    }
}
