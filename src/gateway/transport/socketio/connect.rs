//! Connecting. A socket is authenticated before it is accepted. Its inbox exists before its client
//! learns of the acceptance. It joins the hub before any event can be sent to it.

use std::{pin::Pin, sync::Arc, time::Duration};

use serde_json::Value as Json;
use socketioxide::{
    adapter::LocalAdapter,
    extract::TryData,
    handler::{ConnectHandler, FromConnectParts, MessageHandler, Value},
    socket::Socket,
};

use super::{http::Transport, session_registry::SessionEntry, sink::SocketSink};
use crate::{
    domain::{Error, Result},
    gateway::{
        http::{answer::language_of, audit_context, extract::bearer, load_meter::LoadOwner},
        realtime::{
            Arrival, Connection, ConnectionOptions, Dialect, FrameSink, Input, Responder, accept,
            authenticate,
        },
    },
    hub::Hub,
    service::Authentication,
};

/// An aborted connection sends nothing more after this time.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// A dialect that Socket.IO carries.
pub trait SocketIoDialect: Dialect {
    /// Reads what the client chose, from the payload of its handshake.
    ///
    /// # Errors
    /// When an option has a value that does not exist.
    fn options(&self, payload: &Json) -> Result<ConnectionOptions>;
}

/// The connect handler of the namespace `/`.
pub(super) struct ConnectAuthenticator<D> {
    pub transport: Transport,
    pub hub: Arc<Hub>,
    pub dialect: Arc<D>,
}

impl<D> Clone for ConnectAuthenticator<D> {
    fn clone(&self) -> Self {
        Self {
            transport: self.transport.clone(),
            hub: Arc::clone(&self.hub),
            dialect: Arc::clone(&self.dialect),
        }
    }
}

impl<D: SocketIoDialect> ConnectAuthenticator<D> {
    /// Authenticates the socket and installs its inbox.
    async fn authenticate(
        &self,
        socket: Arc<Socket<LocalAdapter>>,
        payload: Option<&Value>,
    ) -> Result<()> {
        let headers = &socket.req_parts().headers;
        let payload = match TryData::<Json>::from_connect_parts(&socket, &payload.cloned()) {
            Ok(TryData(Ok(payload))) => payload,
            Ok(TryData(Err(_))) | Err(_) => Json::Null,
        };
        let token = match payload.get("token") {
            Some(Json::String(token)) => token.clone(),
            None | Some(Json::Null) => bearer(headers).ok_or(Error::AuthFailed)?.to_owned(),
            // A token that is an object (for instance a database operator) is a bad token.
            Some(_) => return Err(Error::AuthFailed),
        };
        let app = &self.transport.app;
        let Authentication { auth, profile } = authenticate(app, &token).await?;
        let user = auth.actor.user;
        let extensions = &socket.req_parts().extensions;
        let entry = extensions
            .get::<Arc<SessionEntry>>()
            .ok_or(Error::Internal)?;
        let load_account = app.load_meter.load_account(LoadOwner::Person(user));
        let arrival = Arrival {
            app: app.clone(),
            hub: Arc::clone(&self.hub),
            auth,
            profile,
            language: language_of(headers.get(axum::http::header::ACCEPT_LANGUAGE)),
            origin: audit_context::origin_of(extensions, headers),
            options: self.dialect.options(&payload)?,
            load: Arc::clone(&entry.load),
            load_account: Arc::clone(&load_account),
        };
        let connection = Connection::new(arrival, D::NAME, self.dialect.policy())?;
        entry.signed_in(user);
        let (weak, session) = (Arc::downgrade(&connection), Arc::downgrade(entry));
        entry.load.set_owner(load_account, move || {
            match (weak.upgrade(), session.upgrade()) {
                (Some(connection), _) => connection.disconnect_slow_consumer(),
                // The client signed in again on the same session.
                (None, Some(entry)) => {
                    entry.cut();
                }
                (None, None) => {}
            }
        });
        socket.extensions.insert(Arc::clone(&connection));
        socket.on_fallback(EventIntake {
            dialect: Arc::clone(&self.dialect),
            connection: Arc::clone(&connection),
            entry: Arc::clone(entry),
        });
        socket.on_disconnect(async move || connection.leave());
        Ok(())
    }
}

/// Receives every event of a socket. The library calls it in order and does not wait. A usual
/// handler is a future, which the library would spawn; this one has none.
struct EventIntake<D> {
    dialect: Arc<D>,
    connection: Arc<Connection>,
    entry: Arc<SessionEntry>,
}

impl<D: Dialect> MessageHandler<LocalAdapter, ()> for EventIntake<D> {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, value: Value, ack: Option<i64>) {
        let responder = Responder {
            connection: Arc::clone(&self.connection),
            sink: Arc::new(SocketSink {
                socket,
                entry: Arc::clone(&self.entry),
            }),
        };
        let input = match &value {
            Value::Str(text, _) => Input::Event {
                text: text.as_str().to_owned(),
                ack,
            },
            Value::Bytes(bytes) => Input::Binary(bytes.clone()),
        };
        accept(&self.dialect, responder, input);
    }
}

impl<D: SocketIoDialect> ConnectHandler<LocalAdapter, ()> for ConnectAuthenticator<D> {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, _: Option<Value>) {
        let entry = socket.req_parts().extensions.get::<Arc<SessionEntry>>();
        let connection = socket.extensions.get::<Arc<Connection>>();
        if let (Some(connection), Some(entry)) = (connection, entry.cloned()) {
            let sink: Arc<dyn FrameSink> = Arc::new(SocketSink { socket, entry });
            connection.join_hub(&self.dialect, sink);
        }
    }

    fn call_middleware<'a>(
        &'a self,
        socket: Arc<Socket<LocalAdapter>>,
        auth: &'a Option<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Box<dyn std::fmt::Display + Send>>> + Send + 'a>>
    {
        Box::pin(async move {
            let Err(error) = self.authenticate(Arc::clone(&socket), auth.as_ref()).await else {
                return Ok(());
            };
            metrics::counter!("wardline_refusals_total", "reason" => "handshake").increment(1);
            // The official client does not reconnect by itself after a `connect_error`. It does
            // after a broken connection.
            if matches!(error, Error::Unavailable)
                && let Some(entry) = socket.req_parts().extensions.get::<Arc<SessionEntry>>()
            {
                self.transport.part(entry);
                tokio::time::sleep(CLOSE_GRACE).await;
            }
            // The client sees this as the `message` of `connect_error`.
            let code: Box<dyn std::fmt::Display + Send> = Box::new(error.code().as_str());
            Err(code)
        })
    }
}
