//! Endpoints for operators and probes: health, metrics, the API's documentation.

use axum::{
    Json, Router,
    extract::{Extension, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    AppState,
    address::RequestOrigin,
    answer::{Refusal, language_of},
    extract::bearer,
    origin::Origins,
};
use crate::{
    domain::{Clock, Error, SystemClock},
    gateway::i18n::Language,
};

/// How the service is, exactly as the source shows it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when MongoDB does not answer.
    status: &'static str,
    #[schema(format = DateTime)]
    timestamp: String,
    message: &'static str,
}

/// Get the service's health
///
/// 503 with `degraded` when MongoDB does not answer within two seconds.
#[utoipa::path(get, path = "/api/health", tag = "service", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let well = app.services.is_healthy().await;
    let language = language_of(headers.get(header::ACCEPT_LANGUAGE));
    let (code, status) = if well {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    let message = match (well, language) {
        (true, Language::English) => "The chat server is running normally",
        (true, Language::Chinese) => "聊天服务器运行正常",
        (false, Language::English) => "The database does not answer",
        (false, Language::Chinese) => "数据库无响应",
    };
    (
        code,
        Json(Health {
            status,
            timestamp: SystemClock.now().to_string(),
            message,
        }),
    )
        .into_response()
}

/// Whether two secrets are equal, in a time that does not reveal how much of them is.
fn is_same(given: &str, wanted: &str) -> bool {
    let difference = given
        .bytes()
        .zip(wanted.bytes())
        .fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
    given.len() == wanted.len() && difference == 0
}

/// Returns the metrics in Prometheus's text format. It requires a direct request from this machine
/// under its own name, or the token.
async fn metrics(
    State(app): State<AppState>,
    Extension(request_origin): Extension<RequestOrigin>,
    Extension(recorder): Extension<PrometheusHandle>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let token = app.settings.telemetry.metrics_token.as_deref();
    let knows_token = token
        .zip(bearer(&headers))
        .is_some_and(|(token, given)| is_same(given, token));
    // A page of a foreign host name that resolves to this machine sends its requests from it, too.
    let is_own = request_origin.is_direct
        && Origins::new(&app.settings).is_own_host(headers.get(header::HOST));
    if !(is_own || knows_token) {
        return Err(Error::NotFound("address").into());
    }
    let depth = u32::try_from(app.services.commit_queue_depth()).unwrap_or(u32::MAX);
    ::metrics::gauge!("wardline_commit_queue_depth").set(f64::from(depth));
    let waiting = u32::try_from(app.load_meter.outgoing()).unwrap_or(u32::MAX);
    ::metrics::gauge!("wardline_waiting_bytes").set(f64::from(waiting));
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        recorder.render(),
    )
        .into_response())
}

/// Returns the health route as part of the documented API.
pub fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health))
}

/// Returns the API's documentation page, at `/docs`. All its resources are relative to the page, so
/// that it works below any path of a proxy.
pub fn docs(document: utoipa::openapi::OpenApi) -> Router<AppState> {
    let pages = SwaggerUi::new("/docs").url("/docs/openapi.json", document);
    let pages = pages.config(utoipa_swagger_ui::Config::from("openapi.json"));
    Router::from(pages).layer(middleware::from_fn(own_docs))
}

async fn own_docs(request: Request, next: Next) -> Response {
    if request.uri().path() == "/docs" {
        return (
            StatusCode::PERMANENT_REDIRECT,
            [(header::LOCATION, "docs/")],
        )
            .into_response();
    }
    let response = next.run(request).await;
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    if !is_page {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = axum::body::to_bytes(body, 1 << 20).await else {
        return Refusal::from(Error::Internal).into_response();
    };
    let page = String::from_utf8_lossy(&page)
        .replace("<title>Swagger UI</title>", "<title>Wardline API</title>");
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, page).into_response()
}

/// Returns the other routes: the short health address and the metrics.
pub fn plain(recorder: PrometheusHandle) -> Router<AppState> {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(Extension(recorder))
}
