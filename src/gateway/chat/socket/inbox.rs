//! The inbox of a socket: a bounded queue of events in the order of arrival. One task works it off
//! and ends when the queue is empty.
//!
//! Sends are pipelined: each is queued for commit at once, in order, and answered when committed.
//! Any other event waits for the sends before it, so that a client reads its own writes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use socketioxide::{
    adapter::LocalAdapter,
    handler::{MessageHandler, Value},
    socket::Socket,
};

use tracing::Instrument;

use super::{
    connect::Connection,
    events::{self, ClientEvent},
    responder::EventResponder,
};
use crate::{
    domain::Error,
    gateway::http::{error::RequestError, load_meter::HeldBytes},
    service::{PendingSend, audit},
};

/// The most events that may wait.
const MAX_QUEUED_EVENTS: usize = 2_500;
/// The most bytes that may wait.
const MAX_QUEUED_BYTES: usize = 8 << 20;
/// An event counts once more for each full multiple of this size.
const BYTES_PER_EXTRA_EVENT: usize = 8 << 10;
/// The most sends of one socket that may wait for their commit.
const MAX_SENDS_IN_FLIGHT: usize = 256;

/// One event as received: `["name", arguments…]`.
struct RawEvent {
    text: String,
    answering: EventResponder,
    /// Its bytes in the user's load, until it is answered.
    held: HeldBytes,
}

#[derive(Default)]
struct EventQueue {
    events: VecDeque<RawEvent>,
    bytes: usize,
    is_served: bool,
}

/// The events that wait.
#[derive(Default)]
pub(super) struct Inbox(Mutex<EventQueue>);

impl Inbox {
    /// Adds an event. Returns `Ok(true)` if no task serves the inbox yet.
    fn push(&self, raw: RawEvent) -> Result<bool, RawEvent> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.len() >= MAX_QUEUED_EVENTS
            || queue.bytes + raw.text.len() > MAX_QUEUED_BYTES
        {
            return Err(raw);
        }
        queue.bytes += raw.text.len();
        queue.events.push_back(raw);
        metrics::gauge!("wardline_inbox_depth").increment(1.0);
        Ok(!std::mem::replace(&mut queue.is_served, true))
    }

    fn pop(&self) -> Option<RawEvent> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = queue.events.pop_front()?;
        queue.bytes -= raw.text.len();
        metrics::gauge!("wardline_inbox_depth").decrement(1.0);
        Some(raw)
    }

    /// Returns whether the task may end: `false` if an event has arrived meanwhile.
    fn rest(&self) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.is_empty() {
            // An idle connection keeps no buffer.
            *queue = EventQueue::default();
        }
        queue.events.is_empty()
    }
}

/// Receives every event of a socket. The library calls it in order and does not wait. A usual
/// handler is a future, which the library would spawn; this one has none.
pub(super) struct EventIntake(pub Arc<Connection>);

impl MessageHandler<LocalAdapter, ()> for EventIntake {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, value: Value, ack: Option<i64>) {
        let connection = &self.0;
        let answering = EventResponder::new(&socket, ack, connection);
        let Value::Str(text, _) = &value else {
            return answering.refuse("", RequestError::malformed("binary frames are not events"));
        };
        let text = text.as_str().to_owned();
        // A long event counts as several.
        if let Err(limited) = connection.app.limits.spend_events(
            connection.actor.user,
            1 + text.len() / BYTES_PER_EXTRA_EVENT,
        ) {
            metrics::counter!("wardline_refusals_total", "reason" => "event_rate").increment(1);
            return answering.refuse(&events::name_in(&text), limited);
        }
        let held = match connection.load_account.hold_incoming(text.len()) {
            Ok(held) => held,
            Err(limited) => {
                metrics::counter!("wardline_refusals_total", "reason" => "inboxes_full")
                    .increment(1);
                return answering.refuse(&events::name_in(&text), limited);
            }
        };
        match connection.inbox.push(RawEvent {
            text,
            answering,
            held,
        }) {
            Ok(true) => {
                let span = tracing::info_span!("socket", id = %socket.id);
                let work = audit::within(connection.origin.clone(), serve(Arc::clone(connection)));
                tokio::spawn(work.instrument(span));
            }
            Ok(false) => {}
            Err(raw) => {
                metrics::counter!("wardline_refusals_total", "reason" => "inbox_full").increment(1);
                let retry_after = std::time::Duration::from_secs(1);
                raw.answering.refuse(
                    &events::name_in(&raw.text),
                    Error::RateLimited { retry_after },
                );
            }
        }
    }
}

async fn serve(connection: Arc<Connection>) {
    connection.wait_until_joined().await;
    let mut sends_in_flight: VecDeque<(PendingSend, EventResponder, HeldBytes)> = VecDeque::new();
    loop {
        if sends_in_flight.len() >= MAX_SENDS_IN_FLIGHT {
            finish_oldest_send(&connection, &mut sends_in_flight).await;
        }
        let Some(raw) = connection.inbox.pop() else {
            if sends_in_flight.is_empty() {
                if connection.inbox.rest() {
                    return;
                }
            } else {
                finish_oldest_send(&connection, &mut sends_in_flight).await;
            }
            continue;
        };
        let (name, event) = events::decode(&raw.text);
        // Events that waited when the token ended are refused.
        if connection.app.services.is_ended_here(&connection.auth) {
            raw.answering.refuse(&name, Error::AuthFailed);
            continue;
        }
        // The client is gone and cannot read a page. The rest of its requests is skipped at no
        // cost.
        if matches!(name.as_str(), "chat:history" | "chat:sync")
            && !raw.answering.socket.connected()
        {
            continue;
        }
        match event {
            Ok(ClientEvent::SendMessage(draft)) => {
                match connection
                    .app
                    .services
                    .begin_send(&connection.actor, draft, connection.id())
                    .await
                {
                    Ok(pending) => sends_in_flight.push_back((pending, raw.answering, raw.held)),
                    Err(error) => raw.answering.refuse(&name, error),
                }
            }
            Ok(event) => {
                while !sends_in_flight.is_empty() {
                    finish_oldest_send(&connection, &mut sends_in_flight).await;
                }
                Box::pin(events::handle(&connection, &name, event, raw.answering)).await;
            }
            Err(error) => raw.answering.refuse(&name, error),
        }
    }
}

async fn finish_oldest_send(
    connection: &Connection,
    sends_in_flight: &mut VecDeque<(PendingSend, EventResponder, HeldBytes)>,
) {
    if let Some((pending, answering, _held)) = sends_in_flight.pop_front() {
        events::answer_send(connection, pending, answering).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A send to an empty inbox starts this future, which is moved several times on its way to a
    /// worker.
    #[test]
    fn what_works_an_inbox_off_is_small() {
        fn size_of_future<Given, Fut>(_: impl Fn(Given) -> Fut) -> usize {
            size_of::<Fut>()
        }
        let size = size_of_future(serve);
        assert!(size <= 2 << 10, "{size} bytes");
    }
}
