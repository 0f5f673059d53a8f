//! Deliveries: what reached somebody's device is gathered here and carried into the commit path.
//!
//! Gathering coalesces: while one round is being queued, the next collects, so a burst of messages
//! becomes one operation for each session and receiver.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::Services;
use crate::domain::{
    SessionId, UserId,
    ledger::{MessageRef, Operation},
    message::Message,
};

/// Deliveries that may wait to be queued; beyond it the newest are forgotten. A forgotten one leaves its
/// message at `sent` until it is read: less than the truth, never more.
const WAITING: usize = 200_000;
/// After a round the next one waits so long. The first of a quiet time goes at once; under load a round
/// becomes one step for each session and receiver instead of one for each message.
const PAUSE: Duration = Duration::from_millis(200);
/// The most messages of one operation.
const AT_ONCE: usize = 500;

#[derive(Default)]
struct Pending {
    messages: HashMap<(SessionId, UserId), Vec<MessageRef>>,
    count: usize,
}

/// Where deliveries are gathered.
#[derive(Default)]
pub(super) struct Desk {
    pending: Mutex<Pending>,
    arrived: Notify,
}

impl Services {
    /// A device of `receiver` has these messages.
    pub fn note_delivered<'a>(&self, receiver: UserId, messages: impl IntoIterator<Item = &'a Message>) {
        let mut pending = self.deliveries.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let before = pending.count;
        let counts = |message: &&Message| message.sender != receiver && message.note.is_none();
        for message in messages.into_iter().filter(counts) {
            if pending.count >= WAITING {
                metrics::counter!("wardline_refusals_total", "reason" => "deliveries_full").increment(1);
                break;
            }
            let reference = MessageRef { id: message.id, seq: message.seq, sender: message.sender };
            pending.messages.entry((message.session, receiver)).or_default().push(reference);
            pending.count += 1;
        }
        let some = pending.count > before;
        drop(pending);
        if some {
            self.deliveries.arrived.notify_one();
        }
    }

    pub(super) async fn carry_deliveries(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.deliveries.arrived.notified() => {}
            }
            let round =
                mem::take(&mut *self.deliveries.pending.lock().unwrap_or_else(PoisonError::into_inner));
            for ((session, receiver), messages) in round.messages {
                for messages in messages.chunks(AT_ONCE) {
                    let operation = Operation::Deliver { session, receiver, messages: messages.to_vec() };
                    // What comes of it is published like every outcome; nobody waits for the answer.
                    if self.queue.submit_when_room(operation).await.is_err() {
                        return;
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
