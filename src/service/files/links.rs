//! Signed addresses: for tags of a page that cannot send a header. Each is one person's, for one file, for
//! five minutes, and ends with the token it was made with.

use std::time::Duration;

use super::super::Services;
use crate::domain::{
    Error, FileId, Result, Timestamp, TokenId, UserId,
    access::{Actor, Pass},
    file,
};

/// How long a signed address holds.
const LIFETIME: Duration = Duration::from_mins(5);

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
    pub token: String,
    /// Milliseconds since the epoch.
    pub expires: i64,
    pub signature: String,
}

/// What is signed. No token's text has a line break in it, so that neither can stand for the other.
fn words(file: FileId, user: UserId, token: &str, expires: i64) -> String {
    format!("wardline file address\n{file}\n{user}\n{expires}\n{token}")
}

impl Services {
    /// Signed addresses of a file that the caller may have.
    ///
    /// # Errors
    /// `NotFound` when it is not there for the caller.
    pub async fn file_link(&self, pass: &Pass, id: FileId) -> Result<FileLink> {
        let actor = &pass.actor;
        let file = self.readable_file(actor.user, id).await?.ok_or(Error::NotFound("file"))?;
        let expires_at = self.clock.now().plus(LIFETIME).min(pass.expires_at);
        let signature = self.tokens.sign(&words(id, actor.user, &actor.token.0, expires_at.0))?;
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("user", &actor.user.to_string())
            .append_pair("token", &actor.token.0)
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

    /// Whoever a signed address was made for, as long as it and their token hold. Whether they may have the
    /// file is asked again when it is opened.
    ///
    /// # Errors
    /// `TokenExpired`; `AuthFailed` for every other fault.
    pub async fn check_link(&self, id: FileId, proof: &LinkProof) -> Result<Actor> {
        let signed = words(id, proof.user, &proof.token, proof.expires);
        if !self.tokens.is_signed(&signed, &proof.signature) {
            return Err(Error::AuthFailed);
        }
        let expires_at = Timestamp(proof.expires);
        if expires_at <= self.clock.now() {
            return Err(Error::TokenExpired);
        }
        // A new password ends what was made before it.
        let made_at = expires_at.minus(LIFETIME);
        self.still_holds(proof.user, TokenId(proof.token.as_str().into()), made_at).await
    }
}
