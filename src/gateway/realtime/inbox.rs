//! The inbox of a connection: a bounded queue of inputs in the order of arrival. One task works it
//! off and ends when the queue is empty.
//!
//! Sends are pipelined: each is queued for commit at once, in order, and answered when committed.
//! Any other command waits for the sends before it, so that a client reads its own writes.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracing::Instrument;

use super::{
    Connection,
    dialect::{Dialect, Input, Responder},
};
use crate::{
    domain::{Error, message::Draft},
    gateway::http::{error::RequestError, load_meter::HeldBytes},
    service::{PendingSend, audit},
};

/// The most inputs that may wait.
const MAX_QUEUED_INPUTS: usize = 2_500;
/// The most bytes that may wait.
const MAX_QUEUED_BYTES: usize = 8 << 20;
/// An input counts once more for each full multiple of this size.
const BYTES_PER_EXTRA_EVENT: usize = 8 << 10;
/// The most sends of one connection that may wait for their commit.
const MAX_SENDS_IN_FLIGHT: usize = 256;

/// One input as received.
struct QueuedInput {
    input: Input,
    responder: Responder,
    /// Its bytes in the user's load, until it is answered.
    held: HeldBytes,
}

#[derive(Default)]
struct InputQueue {
    inputs: VecDeque<QueuedInput>,
    bytes: usize,
    is_served: bool,
}

/// The inputs that wait.
#[derive(Default)]
pub(super) struct Inbox(Mutex<InputQueue>);

impl Inbox {
    /// Adds an input. Returns `Ok(true)` if no task serves the inbox yet.
    fn push(&self, queued: QueuedInput) -> Result<bool, Box<QueuedInput>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.inputs.len() >= MAX_QUEUED_INPUTS
            || queue.bytes + queued.input.len() > MAX_QUEUED_BYTES
        {
            return Err(Box::new(queued));
        }
        queue.bytes += queued.input.len();
        queue.inputs.push_back(queued);
        metrics::gauge!("wardline_inbox_depth").increment(1.0);
        Ok(!std::mem::replace(&mut queue.is_served, true))
    }

    fn pop(&self) -> Option<QueuedInput> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queued = queue.inputs.pop_front()?;
        queue.bytes -= queued.input.len();
        metrics::gauge!("wardline_inbox_depth").decrement(1.0);
        Some(queued)
    }

    /// Returns whether the task may end: `false` if an input has arrived meanwhile.
    fn rest(&self) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.inputs.is_empty() {
            // An idle connection keeps no buffer.
            *queue = InputQueue::default();
        }
        queue.inputs.is_empty()
    }
}

/// Takes an input of a client, or refuses it. A transport calls it in the order of arrival. It does
/// not wait.
pub fn accept<D: Dialect>(dialect: &Arc<D>, responder: Responder, input: Input) {
    let connection = &responder.connection;
    let refuse = |responder: &Responder, input: &Input, reason: &'static str, error: Error| {
        metrics::counter!("wardline_refusals_total", "reason" => reason).increment(1);
        dialect.refuse(responder, dialect.ticket(input), error.into());
    };
    // A long input counts as several.
    let weight = 1 + input.len() / BYTES_PER_EXTRA_EVENT;
    let limits = &connection.app.limits;
    if let Err(limited) = limits.spend_events(connection.actor.user, weight) {
        return refuse(&responder, &input, "event_rate", limited);
    }
    let held = match connection.load_account.hold_incoming(input.len()) {
        Ok(held) => held,
        Err(limited) => return refuse(&responder, &input, "inboxes_full", limited),
    };
    let connection = Arc::clone(connection);
    match connection.inbox.push(QueuedInput {
        input,
        responder,
        held,
    }) {
        Ok(true) => {
            let span = tracing::info_span!("socket", id = connection.id().map(|id| id.number));
            let origin = connection.origin.clone();
            let (dialect, work) = (Arc::clone(dialect), Arc::clone(&connection));
            tokio::spawn(audit::within(origin, serve((dialect, work))).instrument(span));
        }
        Ok(false) => {}
        Err(queued) => {
            let retry_after = Duration::from_secs(1);
            let error = Error::RateLimited { retry_after };
            refuse(&queued.responder, &queued.input, "inbox_full", error);
        }
    }
}

/// A send that waits for its commit, and who is answered.
type SendInFlight<D> = (PendingSend, <D as Dialect>::Ticket, Responder, HeldBytes);

async fn serve<D: Dialect>((dialect, connection): (Arc<D>, Arc<Connection>)) {
    connection.wait_until_joined().await;
    let mut in_flight: VecDeque<SendInFlight<D>> = VecDeque::new();
    loop {
        if in_flight.len() >= MAX_SENDS_IN_FLIGHT {
            finish_oldest_send(&*dialect, &mut in_flight).await;
        }
        let Some(queued) = connection.inbox.pop() else {
            if in_flight.is_empty() {
                if connection.inbox.rest() {
                    return;
                }
            } else {
                finish_oldest_send(&*dialect, &mut in_flight).await;
            }
            continue;
        };
        let QueuedInput {
            input,
            responder,
            held,
        } = queued;
        let (ticket, command) = dialect.decode(&input);
        drop(input);
        // Inputs that waited when the token ended are refused.
        if connection.app.services.is_ended_here(&connection.auth) {
            dialect.refuse(&responder, ticket, Error::AuthFailed.into());
            continue;
        }
        // The client is gone and cannot read a page. The rest of its requests is skipped at no
        // cost.
        if D::is_read_only(&ticket) && !responder.sink.is_open() {
            continue;
        }
        let command = match command {
            Ok(command) => command,
            Err(error) => {
                refuse_undecodable(&*dialect, &responder, ticket, error);
                continue;
            }
        };
        let (draft, ticket) = match prepare(&dialect, &responder, ticket, command) {
            Step::Send(draft, ticket) => (draft, ticket),
            Step::Handle(handled) => {
                while !in_flight.is_empty() {
                    finish_oldest_send(&*dialect, &mut in_flight).await;
                }
                handled.await;
                continue;
            }
        };
        let services = &connection.app.services;
        let begun = services
            .begin_send(&connection.actor, draft, connection.id())
            .await;
        match begun {
            Ok(pending) => in_flight.push_back((pending, ticket, responder, held)),
            Err(error) => dialect.answer_send(&responder, ticket, Err(error)),
        }
    }
}

/// What a command leads to: a send that is to be queued, or work that waits for earlier sends.
#[expect(
    clippy::large_enum_variant,
    reason = "most commands are sends: a box would cost each an allocation"
)]
enum Step<Ticket, Handled> {
    Send(Draft, Ticket),
    Handle(Pin<Box<Handled>>),
}

/// Returns the next step. It is no part of [`serve`], whose future would keep the decoded command
/// for as long as it waits.
fn prepare<D: Dialect>(
    dialect: &Arc<D>,
    responder: &Responder,
    ticket: D::Ticket,
    command: D::Command,
) -> Step<D::Ticket, impl Future<Output = ()> + use<D>> {
    match D::into_send(command, &responder.connection.actor) {
        Ok(draft) => Step::Send(draft, ticket),
        Err(command) => {
            let (dialect, to) = (Arc::clone(dialect), responder.clone());
            let handled = async move { dialect.handle(&to, ticket, command).await };
            Step::Handle(Box::pin(handled))
        }
    }
}

fn refuse_undecodable<D: Dialect>(
    dialect: &D,
    responder: &Responder,
    ticket: D::Ticket,
    error: RequestError,
) {
    dialect.refuse(responder, ticket, error);
    if dialect.policy().closes_on_flood && responder.connection.count_bad_frame() {
        responder.connection.disconnect_flooding();
    }
}

async fn finish_oldest_send<D: Dialect>(dialect: &D, in_flight: &mut VecDeque<SendInFlight<D>>) {
    if let Some((pending, ticket, responder, _held)) = in_flight.pop_front() {
        let services = &responder.connection.app.services;
        let sent = services.finish_send(pending).await;
        dialect.answer_send(&responder, ticket, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::chat::realtime::ChatDialect;

    /// A send to an empty inbox starts this future, which is moved several times on its way to a
    /// worker.
    #[test]
    fn what_works_an_inbox_off_is_small() {
        fn size_of_future<Given, Fut>(_: impl Fn(Given) -> Fut) -> usize {
            size_of::<Fut>()
        }
        let size = size_of_future(serve::<ChatDialect>);
        assert!(size <= 2_560, "{size} bytes");
    }
}
