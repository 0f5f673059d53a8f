//! The REST calls: each decodes, calls one verb, encodes.

mod auth;
mod changes;
mod files;
mod groups;
mod input;
mod messages;
mod revisions;
mod search;
mod sessions;
mod statistics;
mod users;

pub(super) use changes::{EditOf, Edited, Forward, MessageOf, ReactionTo, ReadTo};
pub(super) use input::{HistoryOf, Join, ReadUpTo, Send, Sync, Typing};

use axum::extract::DefaultBodyLimit;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::gateway::http::{Door, limits};

/// A failure, whatever the call.
#[derive(ToSchema)]
#[schema(as = Failure)]
#[expect(dead_code, reason = "the shape of `http::answer::failure`, for the document only")]
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
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document's head.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wardline",
        description = "Clinical messaging. Successes are `{\"success\": true, \"data\": …}`, failures `Failure`. \
                       The Socket.IO events stand in `asyncapi.yaml`."
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
    components(schemas(FailureJson))
)]
pub struct Document;

/// The open calls, under the stricter limit.
#[must_use]
pub fn sign_in() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(auth::register)).routes(routes!(auth::login))
}

/// All others.
#[must_use]
pub fn calls() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::online))
        .routes(routes!(users::change))
        .routes(routes!(users::stats))
        .routes(routes!(statistics::overview))
        .routes(routes!(statistics::trends))
        .routes(routes!(statistics::departments))
        .routes(routes!(statistics::people))
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
        .routes(routes!(messages::history, messages::delete, revisions::edit))
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

/// Both, with their limits by address unless these are off.
#[must_use]
pub fn routes(rate_limit: bool) -> (OpenApiRouter<Door>, Vec<limits::Chore>) {
    match (rate_limit, limits::sign_in(), limits::rest()) {
        (true, Some(sign_in_limit), Some(rest_limit)) => {
            let calls = sign_in().layer(sign_in_limit.layer).merge(calls()).layer(rest_limit.layer);
            (calls, vec![sign_in_limit.forget_quiet, rest_limit.forget_quiet])
        }
        _ => (sign_in().merge(calls()), Vec::new()),
    }
}
