//! Before the Socket.IO library sees a handshake: only the few headers it and we need remain, because it
//! keeps the request for as long as the connection lives, and with it hyper's read buffer (16 KiB a
//! connection, DESIGN.md). And the cord by which a lagging connection can be cut is laid.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header},
    middleware::{FromFnLayer, Next, from_fn_with_state},
    response::Response,
};

use hyper::upgrade::OnUpgrade;

use crate::gateway::http::{
    address::ClientAddress,
    listener::{Peer, Switch},
};

/// What the library, hyper and we need of a handshake.
const KEPT: [HeaderName; 5] = [
    header::SEC_WEBSOCKET_KEY,
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
];

/// The switches of connections that were upgraded from polling, by the session they belong to: the request
/// that made the session came over another connection.
#[derive(Default)]
pub struct Cords(Mutex<HashMap<String, Switch>>);

/// Cords that may be laid; beyond it unknown ones are forgotten.
const MAX_CORDS: usize = 100_000;

impl Cords {
    fn lay(&self, session: String, switch: Switch) {
        let mut cords = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cords.len() >= MAX_CORDS {
            cords.clear();
        }
        cords.insert(session, switch);
    }

    /// Takes the cord of a session, if it was upgraded.
    pub fn take(&self, session: &str) -> Option<Switch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session)
    }
}

type Slimming = FromFnLayer<
    fn(axum::extract::State<Arc<Cords>>, Request, Next) -> Served,
    Arc<Cords>,
    (axum::extract::State<Arc<Cords>>, Request),
>;
type Served = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// The layer.
pub fn layer(cords: Arc<Cords>) -> Slimming {
    from_fn_with_state(cords, slim_boxed)
}

fn slim_boxed(
    axum::extract::State(cords): axum::extract::State<Arc<Cords>>,
    request: Request,
    next: Next,
) -> Served {
    Box::pin(async move { slim(&cords, request, next).await })
}

async fn slim(cords: &Cords, mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/socket.io") {
        return next.run(request).await;
    }
    let query = request.uri().query().unwrap_or_default();
    let parameter = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    match (parameter("sid"), parameter("transport").as_deref()) {
        (Some(session), Some("websocket")) => {
            if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<Peer>>()
                && session.len() <= 32
            {
                cords.lay(session, peer.switch.clone());
            }
        }
        (Some(_), _) => {}
        (None, _) => {
            *request.headers_mut() = kept(request.headers());
            // A copy of its own: the parsed one is a slice of the read buffer.
            if let Ok(uri) = request.uri().to_string().parse::<Uri>() {
                *request.uri_mut() = uri;
            }
            keep_extensions(request.extensions_mut());
        }
    }
    next.run(request).await
}

/// Drops what the layers in front left for handlers of their own.
fn keep_extensions(extensions: &mut Extensions) {
    let mut all = std::mem::take(extensions);
    if let Some(upgrade) = all.remove::<OnUpgrade>() {
        extensions.insert(upgrade);
    }
    if let Some(peer) = all.remove::<ConnectInfo<Peer>>() {
        extensions.insert(peer);
    }
    if let Some(address) = all.remove::<ClientAddress>() {
        extensions.insert(address);
    }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut copy = HeaderMap::new();
    for name in KEPT {
        if let Some(value) = headers.get(&name)
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            copy.insert(name, value);
        }
    }
    // A map that was filled has room for six at least; a copy of it for those that are there.
    copy.clone()
}
