//! A span for each command that the driver sends, under the span of the call that needed it.
//!
//! The driver reports commands whole, with their documents. Only the names of the command and of
//! its collection are taken. Reporting copies each command and each answer, so that the driver
//! reports at all only when spans are recorded.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use mongodb::{
    error::ErrorKind,
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use tracing::{Level, Span, field};

/// The most commands under way that have a span. The driver's connections are fewer.
const MAX_OPEN_SPANS: usize = 4_096;

/// Returns the options with a span for each command, if spans are recorded.
pub(super) fn record_commands(mut options: ClientOptions) -> ClientOptions {
    if tracing::span_enabled!(Level::DEBUG) {
        let spans = CommandSpans::default();
        options.command_event_handler = Some(EventHandler::callback(move |event| {
            spans.record(&event);
        }));
    }
    options
}

/// The spans of the commands under way, by the driver's number of the request.
#[derive(Default)]
struct CommandSpans(Mutex<HashMap<i32, Span>>);

impl CommandSpans {
    fn record(&self, event: &CommandEvent) {
        match event {
            CommandEvent::Started(started) => {
                // A loop of the background has no span, and its commands get none.
                if Span::current().is_none() {
                    return;
                }
                let operation = started.command_name.as_str();
                let collection = started
                    .command
                    .get_str(match operation {
                        "getMore" => "collection",
                        other => other,
                    })
                    .unwrap_or_default();
                let span = tracing::debug_span!(
                    "db",
                    otel.name = format!("db.{operation} {collection}").trim_end(),
                    otel.kind = "client",
                    otel.status_code = field::Empty,
                    db.system.name = "mongodb",
                    db.operation.name = operation,
                    db.collection.name = collection,
                    error.type = field::Empty,
                );
                let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if open.len() < MAX_OPEN_SPANS {
                    open.insert(started.request_id, span);
                }
            }
            CommandEvent::Succeeded(succeeded) => drop(self.take(succeeded.request_id)),
            CommandEvent::Failed(failed) => {
                if let Some(span) = self.take(failed.request_id) {
                    span.record("otel.status_code", "ERROR");
                    match failed.failure.kind.as_ref() {
                        ErrorKind::Command(error) => span.record("error.type", error.code),
                        _ => span.record("error.type", "connection"),
                    };
                }
            }
            _ => {}
        }
    }

    fn take(&self, request: i32) -> Option<Span> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&request)
    }
}
