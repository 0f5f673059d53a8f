//! What operators and probes ask: health, metrics, the API's documentation.

use axum::{
    Json, Router,
    extract::{Extension, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Door,
    address::ClientAddress,
    answer::{Refusal, language_of},
    extract::bearer,
};
use crate::domain::{Clock, Error, SystemClock, error::Language};

/// How the service is, exactly as the source shows it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when MongoDB does not answer.
    status: &'static str,
    #[schema(format = DateTime)]
    timestamp: String,
    message: &'static str,
}

/// Whether the service and its database are well
///
/// 503 with `degraded` when MongoDB does not answer within two seconds.
#[utoipa::path(get, path = "/api/health", tag = "service", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(door): State<Door>, headers: HeaderMap) -> Response {
    let well = door.services.is_healthy().await;
    let language = language_of(headers.get(header::ACCEPT_LANGUAGE));
    let (code, status) =
        if well { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "degraded") };
    let message = match (well, language) {
        (true, Language::English) => "The chat server is running normally",
        (true, Language::Chinese) => "聊天服务器运行正常",
        (false, Language::English) => "The database does not answer",
        (false, Language::Chinese) => "数据库无响应",
    };
    (code, Json(Health { status, timestamp: SystemClock.now().to_string(), message })).into_response()
}

/// Prometheus's text format; for loopback, or whoever has the token.
async fn metrics(
    State(door): State<Door>,
    Extension(address): Extension<ClientAddress>,
    Extension(recorder): Extension<PrometheusHandle>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let token = door.settings.metrics_token.as_deref();
    let knows_token = token.is_some() && bearer(&headers) == token;
    if !(address.0.is_loopback() || knows_token) {
        return Err(Error::NotFound("address").into());
    }
    let depth = u32::try_from(door.services.commit_queue_depth()).unwrap_or(u32::MAX);
    ::metrics::gauge!("wardline_commit_queue_depth").set(f64::from(depth));
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()).into_response())
}

/// Health as part of the documented API.
pub fn documented() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(health))
}

/// The rest: the short health address and the metrics.
pub fn plain(recorder: PrometheusHandle) -> Router<Door> {
    Router::new().route("/health", get(health)).route("/metrics", get(metrics)).layer(Extension(recorder))
}
