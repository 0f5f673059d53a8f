//! Who reads a file: by token, or by a signed address.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use super::file_address;
use crate::{
    domain::{
        Error, FileId,
        access::{Actor, AuthenticatedToken},
    },
    gateway::http::{
        AppState,
        answer::Refusal,
        extract::{Caller, PathId, Query, bearer},
        fields::{Fields, FromFields},
    },
    service::{LinkProof, audit},
};

/// A request for a file, with its reader: authenticated by token, or by a signed address.
pub struct FileReader(pub HeaderMap, pub FileId, pub Actor);

/// The signature in a signed address.
struct LinkSignature(Option<LinkProof>);

impl FromFields for LinkSignature {
    fn read(fields: &mut Fields) -> Option<Self> {
        let Some(signature) = fields.text("signature") else {
            return Some(Self(None));
        };
        let (user, token) = (fields.required("user"), fields.required_text("token"));
        let expires = fields.integer("expires");
        if expires.is_none() {
            fields.problem("expires", "is required");
        }
        Some(Self(Some(LinkProof {
            user: user?,
            token: token?,
            expires: expires?,
            signature,
        })))
    }
}

impl FileReader {
    /// Returns the authenticated token of the address's signer, if the address is signed and valid.
    pub async fn signer(parts: &Parts, app: &AppState) -> Option<AuthenticatedToken> {
        let file = parts
            .uri
            .path()
            .strip_prefix(file_address::PREFIX)?
            .split('/')
            .next()?
            .parse()
            .ok()?;
        let Query(LinkSignature(proof)) = Query::<LinkSignature>::of(parts.uri.query()).ok()?;
        app.services.check_link(file, &proof?).await.ok()
    }
}

impl FromRequestParts<AppState> for FileReader {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        // The caller is authenticated before the id is parsed: a caller without a token learns
        // nothing about the form of ids.
        if bearer(&parts.headers).is_some() {
            let actor = Caller::from_request_parts(parts, app).await?.0.actor;
            let PathId(file) = PathId::<FileId>::from_request_parts(parts, app).await?;
            return Ok(Self(parts.headers.clone(), file, actor));
        }
        let Query(LinkSignature(proof)) =
            Query::<LinkSignature>::from_request_parts(parts, app).await?;
        let proof = proof.ok_or(Error::AuthFailed)?;
        let PathId(file) = PathId::<FileId>::from_request_parts(parts, app).await?;
        let actor = app.services.check_link(file, &proof).await?.actor;
        audit::record_actor(&actor);
        Ok(Self(parts.headers.clone(), file, actor))
    }
}
