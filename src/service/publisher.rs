//! The step after the commit: publishes the events in commit order, then answers the callers.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Services;
use crate::{
    domain::{
        UserId,
        conversation_state::{
            DeliveryOutcome, MessageRef, Outcome, ReadOutcome, RemovalOutcome, Revision,
            RevisionOutcome, SendOutcome,
        },
        event::{DeliveryStatus, Envelope, Event, MessageEvent, ReceiptEvent, Scope, Tombstone},
    },
    store::commit::Committed,
};

/// Publishes one lane's batches until the lane ends.
pub(super) async fn run(services: Arc<Services>, mut batches: mpsc::Receiver<Vec<Committed>>) {
    while let Some(batch) = batches.recv().await {
        for committed in batch {
            services.publish_committed(&committed);
            metrics::histogram!("wardline_delivery_seconds")
                .record(committed.since.elapsed().as_secs_f64());
            metrics::gauge!("wardline_outbox_depth").decrement(1.0);
            committed.answer();
        }
    }
}

/// Returns the event of a message that was deleted or recalled.
fn removed(tombstone: &Tombstone) -> MessageEvent {
    if tombstone.is_recall {
        MessageEvent::Recalled(tombstone.clone())
    } else {
        MessageEvent::Deleted(tombstone.clone())
    }
}

impl Services {
    fn publish_committed(&self, committed: &Committed) {
        let scope = Scope {
            conversation: committed.session,
            version: committed.version,
        };
        match &committed.outcome {
            Outcome::Send(SendOutcome::Sent { message, .. }) => self.record_written(message),
            Outcome::Send(SendOutcome::Repeated { .. }) => {}
            _ => self.record_changed(scope.conversation),
        }
        match &committed.outcome {
            Outcome::Send(SendOutcome::Sent {
                message,
                receivers,
                unread,
                origin,
            }) => {
                let mut audience = Vec::with_capacity(receivers.len() + 1);
                audience.push(message.sender);
                audience.extend(receivers);
                let event = Event::Message(MessageEvent::Created(Arc::clone(message)));
                self.publish(Envelope::of(scope, audience, event).from_origin(*origin));
                self.record_unread(scope, unread);
            }
            Outcome::Read(read) if read.moved => self.publish_read(scope, read),
            Outcome::Read(_) | Outcome::Send(SendOutcome::Repeated { .. }) => {}
            Outcome::Delivered(DeliveryOutcome {
                messages,
                in_group: true,
                ..
            }) => self.queue_counts(scope, messages),
            Outcome::Delivered(DeliveryOutcome {
                receiver,
                messages,
                at,
                in_group: false,
            }) => {
                for message in messages {
                    let event = ReceiptEvent::StatusChanged {
                        message: message.id,
                        session: scope.conversation,
                        status: DeliveryStatus::Delivered,
                        receiver: *receiver,
                        at: *at,
                    };
                    self.publish_receipt(scope, message, event);
                }
            }
            Outcome::Deleted(RemovalOutcome {
                tombstone,
                change,
                audience,
                unread,
            }) => {
                if change.is_some() {
                    let event = Event::Message(removed(tombstone));
                    self.publish(Envelope::of(scope, audience.clone(), event));
                    self.record_unread(scope, unread);
                }
            }
            Outcome::Revised(RevisionOutcome {
                message,
                how,
                change,
                audience,
            }) => {
                if change.is_some() {
                    let message = Arc::clone(message);
                    let event = match how.clone() {
                        Revision::Edited => MessageEvent::Edited(message),
                        Revision::Reacted { by, emoji, on } => MessageEvent::ReactionChanged {
                            message,
                            user: by,
                            emoji,
                            on,
                        },
                    };
                    self.publish(Envelope::of(scope, audience.clone(), Event::Message(event)));
                }
            }
            Outcome::GroupUpdated(change) => self.publish_group_update(scope, change),
        }
    }

    /// Publishes one envelope.
    pub(super) fn publish(&self, envelope: Envelope) {
        self.bus.publish(&[envelope]);
    }

    fn publish_receipt(&self, scope: Scope, message: &MessageRef, event: ReceiptEvent) {
        self.publish(Envelope::of(
            scope,
            vec![message.sender],
            Event::Receipt(event),
        ));
    }

    fn publish_read(&self, scope: Scope, read: &ReadOutcome) {
        let event = ReceiptEvent::ReadUpTo {
            message: read.up_to.id,
            session: scope.conversation,
            reader: read.reader,
            read_at: read.at,
            seq: read.up_to.seq,
        };
        let mut audience = read.others.clone();
        audience.push(read.reader);
        self.publish(Envelope::of(scope, audience, Event::Receipt(event)).from_origin(read.origin));
        if read.in_group {
            self.queue_counts(scope, &read.messages);
        }
        for message in read.messages.iter().filter(|_| !read.in_group) {
            let event = ReceiptEvent::StatusChanged {
                message: message.id,
                session: scope.conversation,
                status: DeliveryStatus::Read,
                receiver: read.reader,
                at: read.at,
            };
            self.publish_receipt(scope, message, event);
        }
        self.record_unread(scope, &[(read.reader, read.unread)]);
    }

    pub(super) fn record_unread(&self, scope: Scope, counts: &[(UserId, u64)]) {
        for (user, count) in counts {
            if self.hub.is_connected(*user) {
                self.record_unread_change(*user, scope.conversation, scope.version, *count);
            }
        }
    }
}
