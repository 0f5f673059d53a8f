//! Signed addresses: for tags of a page that cannot send a header. Each is one person's, for one file, for
//! five minutes, and ends with the token it was made with: it names that token and what ties it to the
//! account, so that a change of the account's credentials ends it, too.

use std::time::Duration;

use super::super::Services;
use crate::domain::{
    Error, FileId, Result, Timestamp, TokenId, UserId,
    access::{Actor, AuthenticatedToken, CredentialVersion},
    file,
    user::Role,
};

/// How long a signed address holds.
const LINK_TTL: Duration = Duration::from_mins(5);

/// Signed addresses of a file.
#[derive(Debug, Clone)]
pub struct FileLink {
    pub url: String,
    pub thumbnail_url: Option<String>,
    pub expires_at: Timestamp,
}

/// What a signed address says.
#[derive(Debug, Clone)]
pub struct LinkProof {
    pub user: UserId,
    /// As it stands in the address: what the token was issued for, and its name.
    pub token: String,
    /// Milliseconds since the epoch.
    pub expires: i64,
    pub signature: String,
}

/// What is signed. No token's text has a line break in it, so that neither can stand for the other.
fn words(file: FileId, user: UserId, token: &str, expires: i64) -> String {
    format!("wardline file address\n{file}\n{user}\n{expires}\n{token}")
}

/// The token of an address: `v3-1700000000000~name` for one of the credentials' version 3 that ends at this time,
/// `t1690000000000-1700000000000~name` for another issuer's by its time.
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
    /// Signed addresses of a file that the caller may have.
    ///
    /// # Errors
    /// `NotFound` when it is not there for the caller.
    pub async fn file_link(&self, auth: &AuthenticatedToken, id: FileId) -> Result<FileLink> {
        let actor = &auth.actor;
        let file = self.readable_file(actor.user, id).await?.ok_or(Error::NotFound("file"))?;
        let expires_at = self.clock.now().plus(LINK_TTL).min(auth.expires_at);
        let token = token_text(auth);
        let signature = self.tokens.sign(&words(id, actor.user, &token, expires_at.0))?;
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("user", &actor.user.to_string())
            .append_pair("token", &token)
            .append_pair("expires", &expires_at.0.to_string())
            .append_pair("signature", &signature)
            .finish();
        let address = file::url(id);
        Ok(FileLink {
            url: format!("{address}?{query}"),
            thumbnail_url: file.thumbnail.map(|_| format!("{address}/thumbnail?{query}")),
            expires_at,
        })
    }

    /// By what right a signed address is followed, as long as it and its owner's token hold: what it begins ends
    /// with the token, not with the address. Whether they may have the file is asked again when it is opened.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` for every other fault.
    pub async fn check_link(&self, id: FileId, proof: &LinkProof) -> Result<AuthenticatedToken> {
        let signed = words(id, proof.user, &proof.token, proof.expires);
        if !self.tokens.is_signed(&signed, &proof.signature) {
            return Err(Error::AuthFailed);
        }
        if Timestamp(proof.expires) <= self.clock.now() {
            return Err(Error::TokenExpired);
        }
        let (issued, expires_at, token) = read_token(&proof.token).ok_or(Error::AuthFailed)?;
        let auth = AuthenticatedToken {
            actor: Actor { user: proof.user, role: Role::User, token },
            issued,
            expires_at,
        };
        Ok(self.still_holds(auth).await?.auth)
    }
}
