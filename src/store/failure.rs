//! Classifies the driver's errors and decides what of them may be logged.
//!
//! The text of a MongoDB error can quote documents and keys, so logs contain only its kind, code
//! and labels. Text from the driver itself is logged unchanged.

use mongodb::{
    bson::Document,
    error::{Error, ErrorKind, WriteFailure},
};

use crate::domain;

/// MongoDB's error code for a duplicate key.
const DUPLICATE_KEY: i32 = 11_000;
/// "Document failed validation".
const DOCUMENT_VALIDATION_FAILURE: i32 = 121;

/// Returns the numeric code of a failed command or write, when there is one.
#[must_use]
pub fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        ErrorKind::InsertMany(many) => many
            .write_errors
            .as_ref()
            .and_then(|errors| errors.first())
            .map(|first| first.code),
        _ => error.get_custom::<FailedStatement>().map(|failed| failed.0),
    }
}

/// The code of the first failed statement of a raw `update` command.
struct FailedStatement(i32);

/// Returns the first failure of a raw `update` command, which reports its failures inside its
/// reply.
///
/// # Errors
/// The first write error.
pub(super) fn check_reply(reply: &Document) -> mongodb::error::Result<()> {
    let first = reply
        .get_array("writeErrors")
        .ok()
        .and_then(|errors| errors.first()?.as_document());
    match first {
        None => Ok(()),
        Some(error) => Err(Error::custom(FailedStatement(
            error.get_i32("code").unwrap_or_default(),
        ))),
    }
}

/// Returns whether a unique index refused the write.
#[must_use]
pub fn is_duplicate_key(error: &Error) -> bool {
    code(error) == Some(DUPLICATE_KEY)
}

/// Returns whether the document itself was refused (its shape or its size), so that a retry is
/// useless.
#[must_use]
pub fn is_poison(error: &Error) -> bool {
    // 121 DocumentValidationFailure, 10334 BSONObjectTooLarge, 17280 KeyTooLong, 2 BadValue
    matches!(
        code(error),
        Some(DOCUMENT_VALIDATION_FAILURE | 10_334 | 17_280 | 2)
    ) || matches!(
        &*error.kind,
        ErrorKind::BsonSerialization(_) | ErrorKind::InvalidArgument { .. }
    )
}

/// Returns whether MongoDB was unavailable, as opposed to refusing.
#[must_use]
pub fn is_unavailable(error: &Error) -> bool {
    // Stepping down, shutting down, not primary, interrupted; see MongoDB's list of error codes.
    const UNAVAILABLE_CODES: [i32; 12] = [
        6, 7, 89, 91, 189, 262, 9_001, 10_107, 11_600, 11_602, 13_435, 13_436,
    ];
    matches!(
        &*error.kind,
        ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
    ) || code(error).is_some_and(|code| UNAVAILABLE_CODES.contains(&code))
}

/// Returns whether the call did not reach a server at all.
#[must_use]
pub fn was_never_sent(error: &Error) -> bool {
    matches!(
        &*error.kind,
        ErrorKind::ServerSelection { .. } | ErrorKind::DnsResolve { .. }
    )
}

/// Returns the message of an error of the driver itself. No server wrote it, so it quotes no
/// document.
#[must_use]
pub(super) fn driver_message(error: &Error) -> Option<String> {
    match &*error.kind {
        ErrorKind::InvalidArgument { message, .. }
        | ErrorKind::Authentication { message, .. }
        | ErrorKind::DnsResolve { message, .. }
        | ErrorKind::Internal { message, .. }
        | ErrorKind::ConnectionPoolCleared { message, .. }
        | ErrorKind::InvalidResponse { message, .. }
        | ErrorKind::InvalidTlsConfig { message, .. }
        | ErrorKind::Transaction { message, .. }
        | ErrorKind::IncompatibleServer { message, .. } => Some(message.clone()),
        ErrorKind::Io(io) => Some(format!("io {:?}", io.kind())),
        ErrorKind::SessionsNotSupported | ErrorKind::MissingResumeToken | ErrorKind::Shutdown => {
            Some(error.kind.to_string())
        }
        ErrorKind::GridFs(kind) => Some(format!("{kind:?}")),
        _ => None,
    }
}

/// Returns what may be logged of an error: the driver's own message, but never a server's, which
/// may quote documents.
#[must_use]
pub fn describe(error: &Error) -> String {
    let kind = match &*error.kind {
        ErrorKind::Command(command) => format!("command {} {}", command.code, command.code_name),
        ErrorKind::Write(_) | ErrorKind::InsertMany(_) => format!("write {:?}", code(error)),
        ErrorKind::ServerSelection { .. } => "no server".to_owned(),
        ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_) => "undecodable document".to_owned(),
        _ => driver_message(error).unwrap_or_else(|| format!("other {:?}", code(error))),
    };
    let labels: Vec<&str> = error.labels().iter().map(String::as_str).collect();
    if labels.is_empty() {
        kind
    } else {
        format!("{kind} [{}]", labels.join(", "))
    }
}

/// Returns the error for the caller; the cause is logged.
#[must_use]
pub fn to_domain(error: &Error) -> domain::Error {
    let cause = describe(error);
    if is_unavailable(error) {
        tracing::warn!(cause, "the database is not available");
        domain::Error::Unavailable
    } else {
        tracing::error!(cause, "the database refused a call");
        domain::Error::Internal
    }
}
