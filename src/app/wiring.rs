//! The only list of the gateways.

use axum::{Router, middleware};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::gateway::{
    Gateway, GatewayRoutes,
    accounts::{Accounts, rate_limit},
    chat::{Chat, rest::Document},
    http::{AppState, operations},
};

/// Returns all gateways. One more is one more line.
#[must_use]
pub fn gateways() -> Vec<Box<dyn Gateway>> {
    vec![Box::new(Accounts), Box::new(Chat)]
}

/// Returns every documented REST call of these gateways, with the `beside` routes that need no
/// token. The calls are rate-limited when `app` is given.
pub(super) fn api(
    gateways: &[Box<dyn Gateway>],
    app: Option<&AppState>,
    beside: Router<AppState>,
) -> OpenApiRouter<AppState> {
    let mut limited = operations::documented().merge(OpenApiRouter::from(beside));
    let mut sign_in = OpenApiRouter::with_openapi(Document::openapi());
    for gateway in gateways {
        let routes: GatewayRoutes = gateway.routes();
        limited = limited.merge(routes.calls);
        sign_in = sign_in.merge(routes.sign_in);
    }
    if let Some(app) = app {
        let limit = middleware::from_fn_with_state(app.clone(), rate_limit::limit_call);
        limited = limited.layer(limit);
    }
    sign_in.merge(limited)
}
