//! `/api/chat/files`

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;

use crate::{
    domain::{FileId, Result, access::AuthenticatedToken, file::StoredFile},
    gateway::{
        accounts::file_reader::FileReader,
        chat::json::{FileJson, FileLinkJson},
        http::{
            AppState,
            answer::{Answer, Outcome, Refusal},
            error::RequestError,
            extract::{Caller, PathId},
            form::{self, Form, RefusedForm},
            serve::{Content, serve},
        },
    },
    service::{Upload, Version},
};

/// The most fields of the form; all but `file` are skipped.
const MAX_FORM_FIELDS: usize = 16;

/// The form of an upload.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape that `receive` reads, for the document only"
)]
pub struct UploadForm {
    /// One file, with its name.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// Upload a file
///
/// At most `MAX_UPLOAD`; all files of a user together at most `UPLOAD_QUOTA`. The type is found by
/// the content. Pictures (PNG, GIF, WebP of at most 64 million pixels, JPEG) lose their metadata of
/// place, time and device. They get a thumbnail, except a JPEG of more than 200 million pixels.
/// HEIC becomes a JPEG; other kinds of pictures are refused. A file that no message names is
/// removed after a day. Four uploads of a user at once, 32 in all.
#[utoipa::path(post, path = "/api/chat/files", tag = "files",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileJson), (status = 400, description = "No file, two, an empty one, one without a name, or a damaged picture (`FILE_REJECTED`)"),
        (status = 413, description = "Too large (`MESSAGE_TOO_LARGE`), or no room left (`FILE_REJECTED`)"),
        (status = 415, description = "No form, or a kind of picture that is not taken (`FILE_REJECTED`)"),
        (status = 429, description = "Too many uploads at once")))]
pub async fn upload(
    State(app): State<AppState>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Refusal> {
    let declared = form::declared_length(&request);
    let (request, leftover) = form::split(request);
    let received = tokio::select! {
        received = receive(&app, &caller, declared, request, &leftover) => received,
        // The rest of the body is not read: the connection closes after the answer.
        error = app.services.ended(&caller) => return Err(error.into()),
    };
    match received {
        Ok(file) => Ok(Answer::created(FileJson::from(file)).into_response()),
        Err(error) => {
            leftover.drain().await;
            Err(error.into())
        }
    }
}

async fn receive(
    app: &AppState,
    auth: &AuthenticatedToken,
    declared: Option<u64>,
    request: Request,
    leftover: &RefusedForm,
) -> Result<StoredFile, RequestError> {
    let mut form = Form::of(request, leftover, app.settings.timings.upload_stall).await?;
    let mut upload: Option<Upload> = None;
    for _ in 0..MAX_FORM_FIELDS {
        let Some(mut part) = form.next().await? else {
            let upload = upload.ok_or_else(|| form::bad_file("is required"))?;
            return Ok(upload.finish().await?);
        };
        if part.name() != "file" {
            continue;
        }
        if upload.is_some() {
            return Err(form::bad_file("must be one file"));
        }
        let mut coming = app.services.begin_upload(auth, declared).await?;
        coming.name(&part.file_name())?;
        loop {
            let piece = tokio::select! {
                piece = part.piece() => piece?,
                error = coming.wait_for_slot_loss() => return Err(error.into()),
            };
            let Some(bytes) = piece else { break };
            coming.write(bytes).await?;
        }
        upload = Some(coming);
    }
    Err(RequestError::malformed("the form has too many fields"))
}

/// Download a file
///
/// For its uploader, and for every user who may read a message that names it; for all others it is
/// not there. With a token, or under a signed address. `Range`, `If-Range` and `If-None-Match`
/// work. Pictures, sounds and films that browsers show safely come inline, everything else as an
/// attachment; content that a browser would run comes as bytes.
#[utoipa::path(get, path = "/api/chat/files/{id}", tag = "files",
    params(("id" = String, Path, description = "the file"), ("user" = Option<String>, Query), ("token" = Option<String>, Query),
        ("expires" = Option<i64>, Query), ("signature" = Option<String>, Query, description = "with user, token and expires: a signed address")),
    security(("bearer" = []), ()),
    responses((status = 200, description = "The file", content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/pdf"),
            (Vec<u8> = "audio/*"), (Vec<u8> = "image/*"), (Vec<u8> = "text/plain"), (Vec<u8> = "video/*"))),
        (status = 206, description = "A part of it", content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/pdf"),
            (Vec<u8> = "audio/*"), (Vec<u8> = "image/*"), (Vec<u8> = "text/plain"), (Vec<u8> = "video/*"))),
        (status = 304, description = "The client has it"), (status = 404, description = "Not there for the caller"),
        (status = 416, description = "A part that it does not have")))]
pub async fn fetch(State(app): State<AppState>, visitor: FileReader) -> Result<Response, Refusal> {
    serve_file(&app, visitor, Version::Whole).await
}

/// Download a thumbnail
#[utoipa::path(get, path = "/api/chat/files/{id}/thumbnail", tag = "files",
    params(("id" = String, Path, description = "the file"), ("user" = Option<String>, Query), ("token" = Option<String>, Query),
        ("expires" = Option<i64>, Query), ("signature" = Option<String>, Query, description = "with user, token and expires: a signed address")),
    security(("bearer" = []), ()),
    responses((status = 200, description = "A JPEG or PNG of at most 320 pixels on each side", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 206, description = "A part of it", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 304, description = "The client has it"), (status = 416, description = "A part that it does not have"),
        (status = 404, description = "Not there for the caller, or no picture")))]
pub async fn thumbnail(
    State(app): State<AppState>,
    visitor: FileReader,
) -> Result<Response, Refusal> {
    serve_file(&app, visitor, Version::Thumbnail).await
}

async fn serve_file(
    app: &AppState,
    FileReader(headers, id, actor): FileReader,
    version: Version,
) -> Result<Response, Refusal> {
    let open = app.services.open_file(&actor, id, version).await?;
    let tag = match version {
        Version::Whole => open.file.digest.clone(),
        Version::Thumbnail => format!("{}-small", open.file.digest),
    };
    let content = Content {
        tag: &tag,
        mime: &open.mime,
        name: &open.file.name,
        size: open.size,
    };
    Ok(serve(&headers, &content, |range| {
        app.services.read_file(&actor, &open, range)
    })?)
}

/// Create signed links to a file
///
/// For tags of a page, which send no header. They are valid for five minutes and end with the
/// caller's token. The caller's right to the file is checked at each use.
#[utoipa::path(get, path = "/api/chat/files/{id}/link", tag = "files", params(("id" = String, Path, description = "the file")),
    responses((status = 200, body = FileLinkJson), (status = 404, description = "Not there for the caller")))]
pub async fn link(
    State(app): State<AppState>,
    Caller(caller): Caller,
    PathId(file): PathId<FileId>,
) -> Outcome<FileLinkJson> {
    Ok(Answer::ok(
        app.services.file_link(&caller, file).await?.into(),
    ))
}
