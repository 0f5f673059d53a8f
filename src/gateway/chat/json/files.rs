//! Files.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{FileId, Timestamp, file::StoredFile},
    gateway::chat::file_address,
    service::FileLink,
};

/// A file that was taken in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = File)]
pub struct FileJson {
    #[schema(value_type = String, example = "64b7f0c2a1b2c3d4e5f60718")]
    file_id: FileId,
    /// What a message of type image, file or voice names.
    #[schema(example = "/api/chat/files/64b7f0c2a1b2c3d4e5f60718")]
    file_url: String,
    /// Without folders and control characters.
    file_name: String,
    /// Bytes, as stored.
    file_size: u64,
    /// By its content.
    mime_type: String,
    /// Pixels, upright; of pictures, which also have `{fileUrl}/thumbnail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// Seconds, of what sounds, where it can be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

impl From<StoredFile> for FileJson {
    fn from(stored: StoredFile) -> Self {
        Self {
            file_id: stored.id,
            file_url: file_address::of(stored.id),
            file_name: stored.name,
            file_size: stored.size,
            mime_type: stored.mime,
            width: stored.dimensions.map(|dimensions| dimensions.width),
            height: stored.dimensions.map(|dimensions| dimensions.height),
            duration: stored.duration,
        }
    }
}

/// Addresses of a file that need no header.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileLink)]
pub struct FileLinkJson {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<FileLink> for FileLinkJson {
    fn from(link: FileLink) -> Self {
        let (address, proof) = (file_address::of(link.file), link.proof);
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("user", &proof.user.to_string())
            .append_pair("token", &proof.token)
            .append_pair("expires", &proof.expires.to_string())
            .append_pair("signature", &proof.signature)
            .finish();
        Self {
            url: format!("{address}?{query}"),
            thumbnail_url: link
                .has_thumbnail
                .then(|| format!("{address}/thumbnail?{query}")),
            expires_at: link.expires_at,
        }
    }
}
