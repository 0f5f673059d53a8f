//! The design rules, over the `use` lines and paths of every source file (docs/architecture/README.md).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which rooms a room may know.
fn may_know(room: &str) -> Option<&'static [&'static str]> {
    Some(match room {
        "domain" => &[],
        "config" | "store" | "hub" | "bus" => &["domain"],
        "telemetry" => &["config"],
        "service" => &["domain", "config", "store", "hub", "bus"],
        "gateway" => &["domain", "config", "service", "hub"],
        "app" => &[
            "domain",
            "config",
            "store",
            "hub",
            "bus",
            "service",
            "gateway",
            "telemetry",
        ],
        "main" => &["app", "config", "domain", "service", "telemetry"],
        _ => return None,
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file by its path below `src`, without comments and without its tests.
fn files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 40, "the sources were not found");
    let code = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default()
            .to_owned();
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    found
        .iter()
        .filter(|path| !path.ends_with("conversation_state_tests.rs"))
        .map(|path| {
            (
                path.strip_prefix(&root).unwrap().display().to_string(),
                code(path),
            )
        })
        .collect()
}

fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

/// The paths that `code` names below `prefix`, braces unfolded: `crate::{a, b::c}` names `a` and `b::c`.
fn named(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (start, _) in code.match_indices(prefix) {
        unfold(&code[start + prefix.len()..], "", &mut names);
    }
    names
}

/// Reads one path, or a group in braces, and answers what follows it.
fn unfold<'a>(text: &'a str, before: &str, names: &mut BTreeSet<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = unfold(rest, before, names).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                Some(more) => return more.trim_start().strip_prefix('}').unwrap_or_default(),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    let path = if before.is_empty() {
        text[..end].to_owned()
    } else {
        format!("{before}::{}", &text[..end])
    };
    if let Some(rest) = text[end..].strip_prefix("::") {
        return unfold(rest, &path, names);
    }
    names.insert(path);
    &text[end..]
}

#[test]
fn paths_are_read_through_braces() {
    let code = "use crate::{\n  domain::{Error, ids::UserId},\n  hub::Hub,\n};\nlet x = crate::service::y();";
    let names: Vec<String> = named(code, "crate::").into_iter().collect();
    assert_eq!(
        names,
        [
            "domain::Error",
            "domain::ids::UserId",
            "hub::Hub",
            "service::y"
        ]
    );
}

#[test]
fn no_room_knows_one_above_it() {
    for (file, code) in files() {
        if file == "lib.rs" {
            continue;
        }
        let own = room(&file);
        let allowed =
            may_know(own).unwrap_or_else(|| panic!("{file}: a module that no layer is known for"));
        let prefix = if own == "main" {
            "wardline::"
        } else {
            "crate::"
        };
        for name in named(&code, prefix) {
            let other = name.split("::").next().unwrap_or_default();
            assert!(
                other == own || allowed.contains(&other),
                "{file} knows {name}"
            );
        }
    }
}

#[test]
fn store_and_hub_speak_no_protocol_and_gateways_no_mongodb() {
    let foreign = [
        (
            "domain",
            &[
                "bson",
                "mongodb",
                "axum",
                "tokio",
                "socketioxide",
                "tracing",
            ][..],
        ),
        ("store", &["axum", "socketioxide", "serde_json::json"][..]),
        ("hub", &["axum", "socketioxide", "mongodb"][..]),
        ("service", &["axum", "socketioxide", "mongodb", "bson"][..]),
        ("gateway", &["mongodb", "bson"][..]),
    ];
    for (file, code) in files() {
        for (_, crates) in foreign.iter().filter(|(own, _)| *own == room(&file)) {
            for name in *crates {
                assert!(!code.contains(&format!("{name}::")), "{file} uses {name}");
            }
        }
    }
}

/// Ids and times have a form of their own in documents; without the mark serde writes their text.
/// The search index is no document: its position is JSON.
#[test]
fn ids_and_times_of_rows_have_their_form_in_documents() {
    let values = [
        "UserId",
        "ConversationId",
        "MessageId",
        "FileId",
        "AuditEntryId",
        "OnlineSocketId",
        "Timestamp",
    ];
    let is_value = |kind: &str| {
        kind.split(|c: char| !c.is_alphanumeric())
            .any(|word| values.contains(&word))
    };
    let mut marked = 0;
    for (file, code) in files() {
        if room(&file) != "store" || file == "store/search/writer_task.rs" {
            continue;
        }
        for block in code.split("derive(").skip(1) {
            let (traits, rest) = block.split_once(")]").unwrap();
            let body = rest.split("\n}").next().unwrap_or_default();
            if !(traits.contains("Serialize") || traits.contains("Deserialize")) {
                continue;
            }
            let mut attributes = String::new();
            for line in body.lines().map(str::trim) {
                let field = line
                    .strip_suffix(',')
                    .and_then(|line| line.split_once(": "));
                match field.filter(|(name, _)| !name.contains(['(', '"'])) {
                    Some((_, kind)) if is_value(kind) => {
                        let is_marked = attributes.contains("with = \"crate::store::bson_form\"");
                        assert!(is_marked, "{file}: {line} has no form in documents");
                        marked += 1;
                        attributes.clear();
                    }
                    Some(_) => attributes.clear(),
                    None => attributes.push_str(line),
                }
            }
        }
    }
    assert!(marked > 80, "only {marked} fields were found");
}

/// Each gateway makes its own addresses of files. What older programs stored is in the migrations.
#[test]
fn only_gateways_make_addresses() {
    for (file, code) in files() {
        let is_below = ["domain", "store", "hub", "service"].contains(&room(&file));
        if is_below && !file.starts_with("store/migrations/") {
            assert!(!code.contains("\"/api/"), "{file} names an address");
        }
    }
}

#[test]
fn a_gateway_knows_no_other_gateway() {
    for (file, code) in files() {
        let Some(own) = file
            .strip_prefix("gateway/")
            .and_then(|rest| rest.split('/').next())
        else {
            continue;
        };
        for name in named(&code, "crate::gateway::")
            .into_iter()
            .chain(named(&code, "gateway::"))
        {
            let other = name.split("::").next().unwrap_or_default();
            assert!(
                other == own
                    || other.starts_with(char::is_uppercase)
                    || ["accounts", "http", "i18n", "realtime", "transport"].contains(&other)
                    || ["mod.rs", "i18n.rs"].contains(&own),
                "{file} knows the gateway {other}"
            );
        }
    }
}

/// Whether a file of the gateways belongs to live connections: to their common layer, to what
/// carries them, or to a dialect.
fn knows_connections(file: &str) -> bool {
    file.starts_with("gateway/realtime/")
        || file.starts_with("gateway/transport/")
        || file.contains("/realtime/")
}

#[test]
fn only_one_transport_knows_the_socket_io_library() {
    for (file, code) in files() {
        if !file.starts_with("gateway/transport/socketio/") {
            let names = ["socketioxide", "engineioxide"];
            assert!(
                !names.iter().any(|name| code.contains(name)),
                "{file} knows the library of Socket.IO"
            );
        }
    }
}

#[test]
fn transports_know_no_gateway_and_dialects_no_wire() {
    let gateways = ["chat", "web"];
    for (file, code) in files() {
        if file.starts_with("gateway/transport/") || file.starts_with("gateway/realtime/") {
            for name in named(&code, "crate::gateway::") {
                let part = name.split("::").next().unwrap_or_default();
                assert!(!gateways.contains(&part), "{file} knows the gateway {part}");
            }
        }
    }
}

#[test]
fn only_config_reads_the_environment_and_only_sockets_know_the_hub() {
    for (file, code) in files() {
        if room(&file) != "config" {
            for call in ["env::var(", "env::var_os(", "env::vars("] {
                assert!(!code.contains(call), "{file} reads the environment");
            }
        }
        // What is not a live connection has no business with the hub.
        if room(&file) == "gateway" && !knows_connections(&file) {
            let names = named(&code, "crate::");
            assert!(
                !names.iter().any(|name| name.starts_with("hub")),
                "{file} knows the hub"
            );
        }
    }
}

#[test]
fn background_work_waits_on_the_clock() {
    // A sign-in waits for its answer's sake, and so does no background loop.
    let exempt = ["app/system_clock.rs", "service/throttle.rs"];
    for (file, code) in files() {
        if ["app", "service"].contains(&room(&file)) && !exempt.contains(&file.as_str()) {
            for call in ["time::sleep", "time::interval", "MissedTickBehavior"] {
                assert!(
                    !code.contains(call),
                    "{file} waits by {call}, not on the Clock"
                );
            }
        }
    }
}

#[test]
fn events_and_errors_are_matched_without_a_wildcard() {
    for (file, name) in [
        (
            "gateway/chat/realtime/encode.rs",
            "fn payload_of(event: &Event)",
        ),
        ("gateway/http/answer.rs", "pub fn status(error: &Error)"),
        ("domain/error.rs", "pub fn code(&self)"),
    ] {
        let files = files();
        let code = &files[file];
        let body = code
            .split(name)
            .nth(1)
            .unwrap_or_else(|| panic!("{file} has no {name}"));
        let body = &body[..body
            .find("\n}\n")
            .or_else(|| body.find("\n    }\n"))
            .unwrap_or(body.len())];
        let body = if name.starts_with("pub fn code") {
            &body[..body.find("\n    }\n").unwrap()]
        } else {
            body
        };
        assert!(!body.contains("_ =>"), "{file}: {name} has a wildcard");
    }
}

/// The fields of each package of `Cargo.lock`.
fn packages() -> Vec<BTreeMap<String, String>> {
    let lock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    lock.split("[[package]]")
        .skip(1)
        .map(|package| package.lines().filter_map(field).collect())
        .collect()
}

#[test]
fn every_crate_comes_from_one_registry_with_its_checksum() {
    let packages = packages();
    assert!(packages.len() > 100, "the lock file was not read");
    let mut sources = BTreeSet::new();
    for package in packages
        .iter()
        .filter(|package| package["name"] != "wardline")
    {
        let source = package.get("source").cloned().unwrap_or_default();
        assert!(
            source.starts_with("registry+"),
            "{} comes from {source:?}",
            package["name"]
        );
        let checksum = package.get("checksum").map_or(0, String::len);
        assert_eq!(checksum, 64, "{} has no checksum", package["name"]);
        sources.insert(source);
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

/// It follows tags within tags without bound.
#[test]
fn the_reader_of_nested_tags_is_not_built_in() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let symphonia = manifest
        .lines()
        .find(|line| line.starts_with("symphonia = "))
        .unwrap();
    assert!(
        symphonia.contains("default-features = false"),
        "{symphonia}"
    );
    for feature in ["\"id3v2\"", "\"all\"", "\"all-meta\""] {
        assert!(!symphonia.contains(feature), "{feature}");
    }
}

/// What the sources, tests and benches say, without comments.
fn said_in(folders: &[&str]) -> String {
    let mut found = Vec::new();
    for folder in folders {
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut found,
        );
    }
    let texts = found.iter().map(|path| fs::read_to_string(path).unwrap());
    let code = |text: String| {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    texts.map(code).collect()
}

/// The crates that a section of `Cargo.toml` names.
fn dependencies(section: &str) -> Vec<String> {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest.split(&format!("\n[{section}]\n")).nth(1).unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

#[test]
fn every_dependency_is_used() {
    for (section, folders) in [
        ("dependencies", &["src"][..]),
        ("dev-dependencies", &["src", "tests", "benches"][..]),
    ] {
        let (code, names) = (said_in(folders), dependencies(section));
        assert!(names.len() > 3, "no [{section}] was found");
        for name in names {
            let is_its_own = |at: usize| {
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
            };
            let is_used = code
                .match_indices(&format!("{name}::"))
                .any(|(at, _)| is_its_own(at));
            assert!(is_used, "{name} of [{section}] is used nowhere");
        }
    }
}

/// One version of Rust is written down in three places.
#[test]
fn the_toolchain_is_pinned_alike_everywhere() {
    let read =
        |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let after = |text: &str, mark: &str| {
        let rest = text
            .split(mark)
            .nth(1)
            .unwrap_or_else(|| panic!("there is no {mark}"))
            .to_owned();
        rest.split(['"', '-']).next().unwrap().to_owned()
    };
    let pin = after(&read("rust-toolchain.toml"), "\nchannel = \"");
    let oldest = after(&read("Cargo.toml"), "\nrust-version = \"");
    assert_eq!(pin.rsplit_once('.').unwrap().0, oldest, "Cargo.toml");
    assert_eq!(
        pin,
        after(&read("Dockerfile"), "\nFROM rust:"),
        "Dockerfile"
    );
}
