//! The inbox of a socket: events in the order they came, bounded, worked off by one task that lives only
//! while there is something to do.
//!
//! Sends are pipelined: each is queued for commit at once, in order, and answered when committed. Any other
//! event waits for the sends before it, so that a client reads its own writes.

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
    answer::Answering,
    connect::Guest,
    events::{self, ClientEvent},
};
use crate::{
    domain::Error,
    gateway::http::scales::Held,
    service::{PendingSend, audit},
};

/// Events that may wait.
const MAX_EVENTS: usize = 2_500;
/// Bytes that may wait.
const MAX_BYTES: usize = 8 << 20;
/// An event counts once more for each so many bytes.
const LONG: usize = 8 << 10;
/// Sends of one socket that may be on their way to the commit.
const IN_FLIGHT: usize = 256;

/// One event as it came: `["name", arguments…]`.
struct Raw {
    text: String,
    answering: Answering,
    /// Its weight, until it is answered.
    held: Held,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Raw>,
    bytes: usize,
    is_served: bool,
}

/// What waits to be worked off.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Queue>);

impl Inbox {
    /// Puts an event in. `Ok(true)` says that nobody is working it off yet.
    fn push(&self, raw: Raw) -> Result<bool, Raw> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.len() >= MAX_EVENTS || queue.bytes + raw.text.len() > MAX_BYTES {
            return Err(raw);
        }
        queue.bytes += raw.text.len();
        queue.events.push_back(raw);
        metrics::gauge!("wardline_inbox_depth").increment(1.0);
        Ok(!std::mem::replace(&mut queue.is_served, true))
    }

    fn pop(&self) -> Option<Raw> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = queue.events.pop_front()?;
        queue.bytes -= raw.text.len();
        metrics::gauge!("wardline_inbox_depth").decrement(1.0);
        Some(raw)
    }

    /// Nothing is left: the task may end. `false` when something came meanwhile.
    fn rest(&self) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.is_empty() {
            // An idle connection keeps no buffer.
            *queue = Queue::default();
        }
        queue.events.is_empty()
    }
}

/// Takes every event of a socket in. The library calls it in order and waits for nothing; it is the
/// future of a handler that it would spawn, and this has none.
pub(super) struct Intake(pub Arc<Guest>);

impl MessageHandler<LocalAdapter, ()> for Intake {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, value: Value, ack: Option<i64>) {
        let guest = &self.0;
        let answering = Answering::new(&socket, ack, guest);
        let Value::Str(text, _) = &value else {
            return answering.refuse("", &Error::Malformed("binary frames are not events".to_owned()));
        };
        let text = text.as_str().to_owned();
        // A long event counts as several.
        if let Err(limited) = guest.door.limits.spend(guest.actor.user, 1 + text.len() / LONG) {
            metrics::counter!("wardline_refusals_total", "reason" => "event_rate").increment(1);
            return answering.refuse(&events::name_of(&text), &limited);
        }
        let held = match guest.purse.take_in(text.len()) {
            Ok(held) => held,
            Err(limited) => {
                metrics::counter!("wardline_refusals_total", "reason" => "inboxes_full").increment(1);
                return answering.refuse(&events::name_of(&text), &limited);
            }
        };
        match guest.inbox.push(Raw { text, answering, held }) {
            Ok(true) => {
                let span = tracing::info_span!("socket", id = %socket.id);
                let work = audit::within(guest.origin.clone(), serve(Arc::clone(guest)));
                tokio::spawn(work.instrument(span));
            }
            Ok(false) => {}
            Err(raw) => {
                metrics::counter!("wardline_refusals_total", "reason" => "inbox_full").increment(1);
                let retry_after = std::time::Duration::from_secs(1);
                raw.answering.refuse(&events::name_of(&raw.text), &Error::RateLimited { retry_after });
            }
        }
    }
}

async fn serve(guest: Arc<Guest>) {
    guest.arrival().await;
    let mut on_their_way: VecDeque<(PendingSend, Answering, Held)> = VecDeque::new();
    loop {
        if on_their_way.len() >= IN_FLIGHT {
            finish_first(&guest, &mut on_their_way).await;
        }
        let Some(raw) = guest.inbox.pop() else {
            if on_their_way.is_empty() {
                if guest.inbox.rest() {
                    return;
                }
            } else {
                finish_first(&guest, &mut on_their_way).await;
            }
            continue;
        };
        let (name, event) = events::decode(&raw.text);
        // What waited behind the end of its token is not done any more.
        if guest.door.services.is_ended_here(&guest.pass) {
            raw.answering.refuse(&name, &Error::AuthFailed);
            continue;
        }
        // Nobody is there to read a page: the rest of what was asked for costs nothing any more.
        if matches!(name.as_str(), "chat:history" | "chat:sync") && !raw.answering.socket.connected() {
            continue;
        }
        match event {
            Ok(ClientEvent::Send(draft)) => match guest.door.services.begin_send(&guest.actor, draft).await {
                Ok(pending) => on_their_way.push_back((pending, raw.answering, raw.held)),
                Err(error) => raw.answering.refuse(&name, &error),
            },
            Ok(event) => {
                while !on_their_way.is_empty() {
                    finish_first(&guest, &mut on_their_way).await;
                }
                Box::pin(events::handle(&guest, &name, event, raw.answering)).await;
            }
            Err(error) => raw.answering.refuse(&name, &error),
        }
    }
}

async fn finish_first(guest: &Guest, on_their_way: &mut VecDeque<(PendingSend, Answering, Held)>) {
    if let Some((pending, answering, _held)) = on_their_way.pop_front() {
        events::answer_send(guest, pending, answering).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A send that finds an empty inbox starts this future, which is moved several times on its way to a worker.
    #[test]
    fn what_works_an_inbox_off_is_small() {
        fn size_of_future<Given, Fut>(_: impl Fn(Given) -> Fut) -> usize {
            size_of::<Fut>()
        }
        let size = size_of_future(serve);
        assert!(size <= 2 << 10, "{size} bytes");
    }
}
