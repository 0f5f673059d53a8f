//! The step after the commit: publishes the events in commit order, then answers the callers.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Services;
use crate::{
    domain::{
        ConversationId, UserId,
        conversation_state::{Outcome, ReadOutcome, Revision},
        event::{Audience, DeliveryStatus, Event},
    },
    hub::EncodingCache,
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

impl Services {
    fn publish_committed(&self, committed: &Committed) {
        let (session, version) = (committed.session, committed.version);
        match &committed.outcome {
            Outcome::Sent { message, .. } => self.record_written(message),
            Outcome::Repeated { .. } => {}
            _ => self.record_changed(session),
        }
        match &committed.outcome {
            Outcome::Sent {
                message,
                receivers,
                unread,
            } => {
                let (to_sender, to_others) = (
                    Audience::Users(vec![message.sender]),
                    Audience::Users(receivers.clone()),
                );
                let encodings = EncodingCache::default();
                self.hub.publish_with_cache(
                    &to_sender,
                    &Event::MessageSent(Arc::clone(message)),
                    &encodings,
                );
                self.hub.publish_with_cache(
                    &to_others,
                    &Event::MessageReceived(Arc::clone(message)),
                    &encodings,
                );
                self.record_unread(session, version, unread);
            }
            Outcome::Read(read) if read.moved => self.publish_read(session, version, read),
            Outcome::Read(_) | Outcome::Repeated { .. } => {}
            Outcome::Delivered {
                messages,
                in_group: true,
                ..
            } => self.queue_counts(session, messages),
            Outcome::Delivered {
                receiver,
                messages,
                at,
                in_group: false,
            } => {
                for message in messages {
                    let event = Event::MessageStatus {
                        message: message.id,
                        session,
                        status: DeliveryStatus::Delivered,
                        receiver: *receiver,
                        at: *at,
                    };
                    self.hub
                        .publish(&Audience::Users(vec![message.sender]), &event);
                }
            }
            Outcome::Deleted {
                tombstone,
                fresh,
                audience,
                unread,
            } => {
                if *fresh {
                    let everybody = Audience::Users(audience.clone());
                    self.hub
                        .publish(&everybody, &Event::MessageDeleted(tombstone.clone()));
                    self.record_unread(session, version, unread);
                }
            }
            Outcome::Revised {
                message,
                how,
                fresh,
                audience,
            } => {
                if *fresh {
                    let message = Arc::clone(message);
                    let event = match how.clone() {
                        Revision::Edited => Event::MessageUpdated(message),
                        Revision::Reacted { by, emoji, on } => Event::MessageReaction {
                            message,
                            user: by,
                            emoji,
                            on,
                        },
                    };
                    self.hub.publish(&Audience::Users(audience.clone()), &event);
                }
            }
            Outcome::GroupUpdated(change) => self.publish_group_update(session, version, change),
        }
    }

    fn publish_read(&self, session: ConversationId, version: u64, read: &ReadOutcome) {
        let event = Event::MessageRead {
            message: read.up_to.id,
            session,
            reader: read.reader,
            read_at: read.at,
            seq: read.up_to.seq,
        };
        let mut audience = read.others.clone();
        audience.push(read.reader);
        let audience = match read.origin {
            Some(origin) => Audience::UsersExcept(audience, origin),
            None => Audience::Users(audience),
        };
        self.hub.publish(&audience, &event);
        if read.in_group {
            self.queue_counts(session, &read.messages);
        }
        for message in read.messages.iter().filter(|_| !read.in_group) {
            let event = Event::MessageStatus {
                message: message.id,
                session,
                status: DeliveryStatus::Read,
                receiver: read.reader,
                at: read.at,
            };
            self.hub
                .publish(&Audience::Users(vec![message.sender]), &event);
        }
        self.record_unread(session, version, &[(read.reader, read.unread)]);
    }

    pub(super) fn record_unread(
        &self,
        session: ConversationId,
        version: u64,
        counts: &[(UserId, u64)],
    ) {
        for (user, count) in counts {
            if self.hub.is_connected(*user) {
                self.record_unread_change(*user, session, version, *count);
            }
        }
    }
}
