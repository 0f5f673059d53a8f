//! The REST calls: each decodes, calls one service method, encodes.

mod audit;
mod change_requests;
mod files;
mod groups;
mod messages;
mod pagination;
mod requests;
mod revisions;
mod search;
mod sessions;
mod statistics;
mod users;

pub(super) use change_requests::{
    EditMessage, EditMessageRequest, Forward, MessageReference, ReactToMessage, ReadConversationTo,
};
pub(super) use requests::{
    HistoryRequest, JoinRequest, ReadUpTo, SendMessage, SyncRequest, TypingRequest,
};

use axum::extract::DefaultBodyLimit;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::gateway::http::{AppState, answer::WarningJson};

/// A failure, whatever the call.
#[derive(ToSchema)]
#[schema(as = Failure, rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "the shape of `http::answer::failure`, for the document only"
)]
pub struct FailureJson {
    /// Always `false`.
    success: bool,
    /// For a person, in the request's language.
    message: String,
    /// For a developer.
    error: String,
    /// Stable: clients match on it.
    #[schema(example = "VALIDATION_FAILED")]
    code: String,
    /// Bad fields and what is wrong with each; `outcome` with 503; `retryAfter` with 429.
    details: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    /// Of each bad field a stable code to put into words: `REQUIRED`, `EMPTY`, `TYPE`, `TOO_LONG`, `LENGTH`,
    /// `RANGE`, `REPEATED`, `TOGETHER`, `EMAIL`, `ID`, or one of the field's own; else `INVALID`.
    field_codes: Option<std::collections::BTreeMap<String, String>>,
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The head of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wardline",
        description = "Clinical messaging. Successes are `{\"success\": true, \"data\": …}`, failures `Failure`. \
                       The Socket.IO events stand in `asyncapi.yaml`."
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
    components(schemas(FailureJson, WarningJson, audit::AuditPaginationJson))
)]
pub struct Document;

/// Returns the routes of this gateway.
#[must_use]
pub fn calls() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::online))
        .routes(routes!(users::change))
        .routes(routes!(users::end_sessions))
        .routes(routes!(users::stats))
        .routes(routes!(statistics::overview))
        .routes(routes!(statistics::trends))
        .routes(routes!(statistics::departments))
        .routes(routes!(statistics::people))
        .routes(routes!(audit::read))
        .routes(routes!(audit::read_short))
        .routes(routes!(sessions::list, groups::change))
        .routes(routes!(sessions::open_private))
        .routes(routes!(groups::open))
        .routes(routes!(groups::info))
        .routes(routes!(groups::add))
        .routes(routes!(groups::remove, groups::change_member))
        .routes(routes!(groups::read))
        .routes(routes!(messages::unread))
        .routes(routes!(search::search))
        .routes(routes!(messages::send))
        .routes(routes!(messages::read))
        .routes(routes!(
            messages::history,
            messages::delete,
            revisions::edit
        ))
        .routes(routes!(revisions::edits))
        .routes(routes!(revisions::recall))
        .routes(routes!(revisions::react))
        .routes(routes!(revisions::unreact))
        .routes(routes!(revisions::receipts))
        .routes(routes!(revisions::forward))
        .routes(routes!(files::upload).layer(DefaultBodyLimit::disable()))
        .routes(routes!(files::fetch))
        .routes(routes!(files::thumbnail))
        .routes(routes!(files::link))
}
