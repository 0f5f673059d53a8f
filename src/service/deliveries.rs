//! The queue of deliveries: what reached a user's device is collected here and submitted to the
//! commit path.
//!
//! Collecting coalesces. While one round is submitted, the next one collects. So a burst of
//! messages becomes one command for each conversation and receiver.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Services, operator_grant};
use crate::domain::{
    ConversationId, UserId,
    access::Converse,
    conversation_state::{DeliverCommand, MessageRef},
    message::Message,
};

/// The most deliveries that may be queued; beyond it the newest are dropped. The message of a
/// dropped delivery stays at `sent` until it is read: less than the truth, never more.
const MAX_QUEUED_DELIVERIES: usize = 200_000;
/// The pause after a round. The first delivery after a quiet time is submitted at once. Under load
/// a round becomes one command for each conversation and receiver instead of one for each message.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);
/// The most messages of one command.
const MAX_COMMAND_MESSAGES: usize = 500;

#[derive(Default)]
struct PendingDelivery {
    messages: HashMap<(ConversationId, UserId), Vec<MessageRef>>,
    count: usize,
}

/// The queue of deliveries.
#[derive(Default)]
pub(super) struct DeliveryQueue {
    pending: Mutex<PendingDelivery>,
    arrived: Notify,
}

impl Services {
    /// Records that a device of `receiver` has these messages.
    pub fn record_delivered<'a>(
        &self,
        receiver: UserId,
        messages: impl IntoIterator<Item = &'a Message>,
    ) {
        let mut pending = self
            .deliveries
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = pending.count;
        let counts =
            |message: &&Message| message.sender != receiver && message.system_notice.is_none();
        for message in messages.into_iter().filter(counts) {
            if pending.count >= MAX_QUEUED_DELIVERIES {
                metrics::counter!("wardline_refusals_total", "reason" => "deliveries_full")
                    .increment(1);
                break;
            }
            let reference = MessageRef {
                id: message.id,
                seq: message.seq,
                sender: message.sender,
            };
            pending
                .messages
                .entry((message.session, receiver))
                .or_default()
                .push(reference);
            pending.count += 1;
        }
        let some = pending.count > before;
        drop(pending);
        if some {
            self.deliveries.arrived.notify_one();
        }
    }

    pub(super) async fn run_deliveries(self: Arc<Self>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let Ok(grant) = operator_grant::<Converse>() else {
            return;
        };
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.deliveries.arrived.notified() => {}
            }
            let round = mem::take(
                &mut *self
                    .deliveries
                    .pending
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            for ((session, receiver), messages) in round.messages {
                for messages in messages.chunks(MAX_COMMAND_MESSAGES) {
                    let operation = DeliverCommand {
                        session,
                        receiver,
                        messages: messages.to_vec(),
                    };
                    // The outcome is published like every other; no caller waits for the answer.
                    if self
                        .queue
                        .submit_with_backpressure(&grant, operation)
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            }
            tokio::select! {
                () = &mut stop => return,
                () = self.clock.sleep(FLUSH_INTERVAL) => {}
            }
        }
    }
}
