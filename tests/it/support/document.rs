//! Checks that every answer that a test receives matches `schemas/openapi.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value, json};

/// An operation of the document: method and path template.
type Call = (String, String);

/// The document, strict: a field that it does not name is refused.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value =
        serde_json::from_str(include_str!("../../../schemas/openapi.json")).unwrap();
    // A part of a larger schema sees its own fields only, so the larger one is strict for it.
    document["components"]["parts"] = document["components"]["schemas"].clone();
    close(&mut document["components"]["schemas"]);
    close(&mut document["paths"]);
    document
});

static VALIDATORS: Mutex<BTreeMap<(Call, String), Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// By service: the successes seen.
static SEEN: Mutex<BTreeMap<String, BTreeSet<(Call, String)>>> = Mutex::new(BTreeMap::new());

fn close(node: &mut Value) {
    match node {
        Value::Array(entries) => entries.iter_mut().for_each(close),
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let parts = map.get_mut("allOf").and_then(Value::as_array_mut);
            let has_parts = parts.is_some();
            for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
                part.remove("unevaluatedProperties");
                if let Some(Value::String(target)) = part.get_mut("$ref") {
                    *target = target.replace("/schemas/", "/parts/");
                }
            }
            if has_parts || map.get("properties").is_some_and(Value::is_object) {
                map.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        _ => {}
    }
}

/// The operation that a request calls, if there is one: a path without parameters precedes others.
fn call_of(method: &str, path: &str) -> Option<(Call, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(a, b)| a == b || a.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fitting = paths.iter().filter(|(template, _)| fits(template));
    let (template, methods) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    let operation = methods.get(method.to_lowercase())?;
    Some(((method.to_owned(), template.clone()), operation))
}

/// Panics unless the document has an answer for this call.
#[track_caller]
pub fn check(
    service: &str,
    (method, path): (&str, &str),
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) {
    let Some((call, operation)) = call_of(method, path) else {
        return;
    };
    let status = status.to_string();
    let response = &operation["responses"][&status];
    assert!(
        response.is_object(),
        "{method} {path}: {status} is not in the document"
    );
    let Some(kinds) = response["content"].as_object() else {
        assert!(
            body.is_empty(),
            "{method} {path}: the document knows no content of {status}"
        );
        return seen(service, call, status);
    };
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    assert!(
        is_known(kinds, kind),
        "{method} {path}: {status} as `{kind}` is not in the document"
    );
    if kind == "application/json" {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let validator = validator(&call, &status, &kinds[kind]["schema"]);
        let problems: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            problems.is_empty(),
            "{method} {path}: {status}: {problems:#?}\n{body:#}"
        );
    }
    seen(service, call, status);
}

fn is_known(kinds: &Map<String, Value>, kind: &str) -> bool {
    kinds.keys().any(|known| {
        known == kind
            || known
                .strip_suffix('*')
                .is_some_and(|of| kind.starts_with(of))
    })
}

fn validator(call: &Call, status: &str, schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    let made = validators
        .entry((call.clone(), status.to_owned()))
        .or_insert_with(|| {
            let whole = json!({ "components": DOCUMENT["components"], "allOf": [schema] });
            Arc::new(jsonschema::draft202012::new(&whole).expect("a JSON Schema"))
        });
    Arc::clone(made)
}

fn seen(service: &str, call: Call, status: String) {
    if status.starts_with('2') {
        SEEN.lock()
            .unwrap()
            .entry(service.to_owned())
            .or_default()
            .insert((call, status));
    }
}

/// The successes of the document that a service has not returned yet.
pub fn unseen(service: &str) -> Vec<String> {
    let seen = SEEN
        .lock()
        .unwrap()
        .get(service)
        .cloned()
        .unwrap_or_default();
    let mut unseen = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let call = (method.to_uppercase(), path.clone());
            for status in operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .filter(|s| s.starts_with('2'))
            {
                if !seen.contains(&(call.clone(), status.clone())) {
                    unseen.push(format!("{} {path} {status}", call.0));
                }
            }
        }
    }
    unseen
}
