//! The common parts of the REST API's description, written once. They are the envelope around each
//! success, the failures, unique operation ids, and the bounds of each field and parameter
//! (`bounds`).
//!
//! The handlers' own annotations describe what is in the envelope. The result describes the actual
//! answers: a client that is generated from it reads `data`.

mod bounds;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The subjects of the calls.
const TAGS: [(&str, &str); 8] = [
    (
        "accounts",
        "Signing in and out, and the caller's own account",
    ),
    ("users", "The directory, and accounts in an admin's hands"),
    (
        "sessions",
        "Private sessions and groups, and who is in them",
    ),
    (
        "messages",
        "Messages, what becomes of them, and who has read them",
    ),
    ("files", "Files of messages"),
    ("statistics", "Counters and trends"),
    ("audit", "The audit log: who did what to whom"),
    ("service", "How the service is"),
];

/// Calls that may return warnings beside `data`.
const OPERATIONS_WITH_WARNINGS: [&str; 3] = ["messages.send", "messages.edit", "messages.forward"];

/// A status, its meaning, and the calls to which it applies.
type Failure = (&'static str, &'static str, fn(&OperationTraits) -> bool);

/// The failures that any call may have: status, meaning, and the calls to which it applies.
const COMMON_FAILURES: [Failure; 11] = [
    (
        "400",
        "The input is malformed or not valid; `details` names every bad field",
        |_| true,
    ),
    (
        "401",
        "No token, a bad one, or one that has ended",
        |call| !call.is_open || call.reads_password,
    ),
    ("403", "The caller may not do this", |_| true),
    ("404", "Absent, or not visible to the caller", |_| true),
    ("405", "The path has no such method", |_| true),
    (
        "409",
        "This conflicts with what is there, or comes too late",
        |call| call.changes,
    ),
    ("413", "More than is allowed", |call| call.changes),
    ("415", "The body's type is not taken", |call| call.changes),
    (
        "429",
        "Too many calls; `Retry-After` says when to come again",
        |_| true,
    ),
    ("500", "A defect of the service", |_| true),
    (
        "503",
        "The database is not reachable; `details.outcome` says what became of a change",
        |_| true,
    ),
];

/// The traits that decide which failures a call may have.
struct OperationTraits {
    is_open: bool,
    reads_password: bool,
    changes: bool,
}

/// Completes the description of every call.
///
/// # Errors
/// When the result is no `OpenAPI` document, which is a defect of the service.
pub fn complete(document: OpenApi) -> serde_json::Result<OpenApi> {
    let mut whole = serde_json::to_value(document)?;
    whole["info"]["license"] =
        json!({ "name": "Proprietary", "identifier": "LicenseRef-Proprietary" });
    whole["servers"] =
        json!([{ "url": "/", "description": "the service that hands this document out" }]);
    whole["tags"] = TAGS
        .map(|(name, description)| json!({ "name": name, "description": description }))
        .into();
    if let Some(paths) = whole["paths"].as_object_mut() {
        for (path, calls) in paths {
            for (method, call) in calls.as_object_mut().into_iter().flatten() {
                complete_call(path, method, call);
            }
        }
    }
    if let Some(schemas) = whole["components"]["schemas"].as_object_mut() {
        schemas.insert("Pagination".to_owned(), pagination());
        for (name, schema) in schemas {
            bounds::schema(name, schema);
            bounds::describe_free_maps(schema);
        }
    }
    serde_json::from_value(whole)
}

/// Returns the schema of a page's position in its list.
fn pagination() -> Value {
    let natural = |least: u64| json!({ "type": "integer", "format": "int64", "minimum": least });
    json!({
        "type": "object",
        "description": "Where a page stands in its list.",
        "required": ["page", "limit", "total", "current", "totalCount", "pages", "hasMore"],
        "properties": {
            "page": natural(1), "limit": natural(1), "total": natural(0), "pages": natural(0),
            "current": { "type": "integer", "format": "int64", "minimum": 1,
                "description": "The same as `page`." },
            "totalCount": { "type": "integer", "format": "int64", "minimum": 0,
                "description": "The same as `total`." },
            "hasMore": { "type": "boolean" },
            "nextCursor": { "type": "string",
                "description": "`cursor` of the next page; absent at the end, and in lists without cursors." },
        },
    })
}

fn complete_call(path: &str, method: &str, call: &mut Value) {
    let tag = call["tags"][0].as_str().unwrap_or("service").to_owned();
    let name = call["operationId"].as_str().unwrap_or(method).to_owned();
    let id = format!("{tag}.{}", camel_case(&name));
    call["operationId"] = json!(id);
    // `get_mut` is used wherever a value may be absent: an index would insert a null.
    if call.get("description").is_none() {
        call["description"] = call["summary"].clone();
    }
    for parameter in call
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        bounds::parameter(path, parameter);
    }
    let has = |name: &str| {
        call.get("parameters")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|one| one["name"] == name))
    };
    let beside = beside(&id, &has);
    let is_open = call
        .get("security")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().all(|one| one == &json!({})));
    let traits = OperationTraits {
        is_open,
        reads_password: path.starts_with("/api/auth/"),
        changes: !matches!(method, "get" | "head"),
    };
    let Some(responses) = call["responses"].as_object_mut() else {
        return;
    };
    for (status, response) in responses.iter_mut() {
        complete_response(path, status, response, &beside);
    }
    for (status, description, applies) in COMMON_FAILURES {
        if applies(&traits) {
            responses
                .entry(status)
                .or_insert_with(|| json!({ "description": description }));
        }
    }
    for (status, response) in responses {
        // Health answers 503 in its own form.
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            response["content"] = failure();
        }
        if matches!(status.as_str(), "429" | "503") && !path.ends_with("/health") {
            let schema = json!({ "type": "integer", "minimum": 1 });
            response["headers"] =
                json!({ "Retry-After": { "description": "Seconds", "schema": schema } });
        }
    }
}

/// Returns the members beside `data` in the successes of a call.
fn beside(id: &str, has: &impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut fields = Map::new();
    if has("page") {
        fields.insert(
            "pagination".to_owned(),
            json!({ "$ref": "#/components/schemas/Pagination" }),
        );
    }
    // The audit log is paged by a cursor, not by page numbers.
    if has("before") {
        fields.insert(
            "pagination".to_owned(),
            json!({ "$ref": "#/components/schemas/AuditPagination" }),
        );
    }
    if OPERATIONS_WITH_WARNINGS.contains(&id) {
        let each = json!({ "$ref": "#/components/schemas/Warning" });
        let description = "What the caller should know although it was done.";
        fields.insert(
            "warnings".to_owned(),
            json!({ "type": "array", "description": description, "items": each }),
        );
    }
    if id == "messages.search" {
        let description = "True while the index is behind: there may be more than this.";
        fields.insert(
            "indexing".to_owned(),
            json!({ "type": "boolean", "description": description }),
        );
    }
    fields
}

fn failure() -> Value {
    json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Failure" } } })
}

fn complete_response(path: &str, status: &str, response: &mut Value, beside: &Map<String, Value>) {
    let is_success = status.starts_with('2');
    if response["description"].as_str().is_none_or(str::is_empty) {
        response["description"] = json!(match status {
            "201" => "Made",
            status if status.starts_with('2') => "Success",
            "503" => "MongoDB does not answer",
            _ => "Failure",
        });
    }
    // Health keeps the form of its source; bytes and tables have no envelope.
    if !is_success || path.ends_with("/health") {
        return;
    }
    match response.get_mut("content").and_then(Value::as_object_mut) {
        None => {
            let nothing = json!({ "type": "null" });
            response["content"] =
                json!({ "application/json": { "schema": envelope(nothing, beside) } });
        }
        Some(kinds) => {
            for (kind, content) in kinds {
                match (kind.as_str(), content.get_mut("schema")) {
                    ("application/json", Some(schema)) => *schema = envelope(schema.take(), beside),
                    ("text/csv", _) => {}
                    _ => content["schema"] = json!({ "type": "string", "format": "binary" }),
                }
            }
        }
    }
}

/// Returns the schema of every success around its `data`.
fn envelope(data: Value, beside: &Map<String, Value>) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "success".to_owned(),
        json!({ "type": "boolean", "enum": [true] }),
    );
    properties.insert(
        "message".to_owned(),
        json!({ "type": "string", "description": "For a person." }),
    );
    properties.insert("data".to_owned(), data);
    properties.extend(beside.clone());
    let mut required = vec!["success", "data"];
    if properties.contains_key("pagination") {
        required.push("pagination");
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        all.extend(letters);
        all
    })
}
