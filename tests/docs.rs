//! The documents against the code: every path and link exists, every table that repeats a list of the code equals it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use wardline::{
    app::GATEWAY_SECTIONS,
    config::to_markdown,
    domain::error::Code,
    gateway::chat::realtime::{CLIENT_EVENTS, SERVER_EVENTS},
    store::{indexes, migrations},
};

/// What only a build or a run makes.
const MADE: [&str; 5] = [
    "target/",
    "data/",
    "web/dist",
    "web/node_modules",
    "tests/api/generated",
];
/// Written by `make bench` and `make torture` of the commit they name.
const REPORTS: [&str; 2] = ["docs/BENCHMARKS.md", "docs/TORTURE.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder that end so, by their paths from the root.
fn below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            below(&path, extension, found);
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
}

/// Every document of the project, by its path from the root.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["docs", "seed"] {
        below(&root().join(folder), "md", &mut found);
    }
    for name in [
        "README",
        "CONTRIBUTING",
        "CHANGELOG",
        "SECURITY",
        "benches/limits",
        "benches/peer/README",
    ] {
        found.push(format!("{name}.md").into());
    }
    assert!(found.len() > 50, "the documents were not found");
    found
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// What stands between backticks.
fn spans(text: &str) -> Vec<&str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// Whether a span names a file or folder of the repository.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let Some((first, _)) = span.split_once('/') else {
        return [".rs", ".md", ".toml", ".yml"]
            .iter()
            .any(|end| span.ends_with(end));
    };
    span.chars().all(plain) && !first.trim_matches('.').is_empty() && root().join(first).is_dir()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let (mut named, mut missing) = (0, Vec::new());
    for document in documents()
        .iter()
        .filter(|document| !REPORTS.contains(&document.as_str()))
    {
        for span in spans(&prose(&read(document))) {
            if is_path(span) && !MADE.iter().any(|made| span.starts_with(made)) {
                named += 1;
                if !root().join(span).exists() {
                    missing.push(format!("{document} names {span}"));
                }
            }
        }
    }
    assert!(named > 200, "only {named} paths were found");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The anchor of a heading: lower case, words joined by hyphens.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .any(|own| own == wanted)
}

#[test]
fn every_relative_link_resolves() {
    let mut followed = 0;
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document).parent().unwrap().to_owned();
        for link in prose(&text)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.contains("://") {
                continue;
            }
            followed += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                root().join(&document)
            } else {
                folder.join(path)
            };
            assert!(target.exists(), "{document} links to {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                assert!(
                    has_anchor(&text, heading),
                    "{document} links to {link}: no such heading"
                );
            }
        }
    }
    assert!(followed > 100, "only {followed} links were found");
}

#[test]
fn every_document_is_reached_from_the_readme() {
    let mut reached = BTreeSet::new();
    let mut next = vec!["README.md".to_owned()];
    while let Some(document) = next.pop() {
        if !reached.insert(document.clone()) {
            continue;
        }
        let folder = root().join(&document).parent().unwrap().to_owned();
        for link in prose(&read(&document))
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap();
            if Path::new(path)
                .extension()
                .is_some_and(|extension| extension == "md")
            {
                let target = folder.join(path).canonicalize().unwrap();
                next.push(
                    target
                        .strip_prefix(root().canonicalize().unwrap())
                        .unwrap()
                        .display()
                        .to_string(),
                );
            }
        }
    }
    let all = documents()
        .into_iter()
        .filter(|document| !document.starts_with("benches/peer"));
    let lost: Vec<String> = all.filter(|document| !reached.contains(document)).collect();
    assert!(lost.is_empty(), "no link leads to {lost:?}");
}

#[test]
fn comments_name_documents_that_exist() {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "web/src", "web/test", "web/e2e"] {
        for extension in ["rs", "ts", "tsx", "js", "mjs"] {
            below(&root().join(folder), extension, &mut sources);
        }
    }
    let mut named = 0;
    for source in sources {
        let text = fs::read_to_string(root().join(&source)).unwrap();
        let words = text
            .lines()
            .filter(|line| is_comment(line))
            .flat_map(|line| {
                line.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c)))
                    .map(str::to_owned)
            });
        for word in words {
            let word = word.trim_end_matches('.');
            if word.contains('/')
                && Path::new(word)
                    .extension()
                    .is_some_and(|extension| extension == "md")
            {
                named += 1;
                let beside = root().join(&source).parent().unwrap().join(word);
                assert!(
                    root().join(word).exists() || beside.exists(),
                    "{} names {word}",
                    source.display()
                );
            }
        }
    }
    assert!(named > 3, "only {named} documents are named");
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with('*')
}

/// Words of the first version's private vocabulary, each with the term to use instead.
const OLD_WORDS: [(&str, &str); 27] = [
    ("belief", "token cache, cached"),
    ("buried", "tombstone"),
    ("cord", "transport aborter"),
    ("cords", "transport aborters"),
    ("door", "app state, gateway"),
    ("doors", "gateways"),
    ("hand on", "pass on"),
    ("lobby", "session registry"),
    ("newcomer", "new member, new client"),
    ("newcomers", "new members, new clients"),
    ("no bell", "muted"),
    ("on record", "audited"),
    ("one's own", "the user's own"),
    ("outlet", "outbox"),
    ("outlets", "outboxes"),
    ("purse", "quota"),
    ("purses", "quotas"),
    ("put on the line", "write"),
    ("seat", "membership, member"),
    ("seated", "member"),
    ("seats", "memberships, members"),
    ("somebody", "a user"),
    ("steps aside", "is away"),
    ("the house", "the organisation"),
    ("the way down", "shutdown"),
    ("tidings", "event"),
    ("whoever", "the user, the caller"),
];
/// Generated, written by earlier commits, fixed by the source, or the texts of users.
const FREE_TO_USE_OLD_WORDS: [&str; 8] = [
    "docs/BENCHMARKS.md",
    "docs/TORTURE.md",
    "docs/contracts/",
    "docs/glossary.md",
    "tests/docs.rs",
    "web/src/admin/texts/",
    "web/src/i18n/",
    "web/src/types/openapi.d.ts",
];

/// The words of a line in lower case, those of an identifier apart.
fn spoken(line: &str) -> String {
    let mut text = String::new();
    let mut previous = ' ';
    for c in line.chars() {
        if previous.is_lowercase() && c.is_uppercase() {
            text.push(' ');
        }
        match c {
            '_' => text.push(' '),
            '’' => text.push('\''),
            _ => text.extend(c.to_lowercase()),
        }
        previous = c;
    }
    text
}

/// Whether a word or phrase stands in a text, not within longer words.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[test]
fn the_old_words_are_gone() {
    let mut files = Vec::new();
    let kinds = [
        ("rs", &["src", "tests", "benches"][..]),
        ("ts", &["web/src"][..]),
        ("tsx", &["web/src"][..]),
    ];
    for (extension, folders) in kinds.into_iter().chain([("md", &["docs"][..])]) {
        for folder in folders {
            below(&root().join(folder), extension, &mut files);
        }
    }
    files.extend(
        [
            "README.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "schemas/asyncapi.yaml",
        ]
        .map(PathBuf::from),
    );
    assert!(files.len() > 300, "the files were not found");
    let mut found = Vec::new();
    for file in files.iter().filter_map(|path| path.to_str()) {
        if FREE_TO_USE_OLD_WORDS
            .iter()
            .any(|free| file.starts_with(free))
        {
            continue;
        }
        for (number, line) in read(file).lines().enumerate() {
            let line = spoken(line);
            for (word, term) in OLD_WORDS.iter().filter(|(word, _)| has_word(&line, word)) {
                found.push(format!("{file}:{}: \"{word}\"; use: {term}", number + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "old words (the terms are those of docs/glossary.md): {found:#?}"
    );
}

/// The cells of every table row.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// `| Step | File | Look for |`: the file holds what the table says.
#[test]
fn the_tables_of_the_how_tos_are_true() {
    let mut found = Vec::new();
    below(&root().join("docs/how-to"), "md", &mut found);
    let mut steps = 0;
    for page in found.iter().map(|path| path.display().to_string()) {
        let text = read(&page);
        for cells in rows(&text)
            .iter()
            .filter(|cells| cells.len() == 3 && cells[1] != "File")
        {
            let [file, sign] = [cells[1], cells[2]].map(|cell| {
                let inner = cell
                    .strip_prefix('`')
                    .and_then(|rest| rest.strip_suffix('`'));
                inner.unwrap_or_else(|| panic!("{page}: {cell} is not one piece of code"))
            });
            assert!(read(file).contains(sign), "{page}: {file} has no {sign}");
            steps += 1;
        }
    }
    assert!(steps > 60, "only {steps} steps were found");
}

#[test]
fn the_settings_are_those_of_the_code() {
    let page = "docs/operations/configuration.md";
    assert!(
        read(page) == to_markdown(GATEWAY_SECTIONS),
        "{page} is not that of the code: cargo run -- settings > {page}"
    );
}

#[test]
fn the_indexes_are_those_of_the_code() {
    let text = read("docs/architecture/database.md");
    let text = text
        .split("## Indexes")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let written: BTreeSet<(String, String)> = rows(text)
        .iter()
        .filter(|cells| cells[0] != "Collection")
        .map(|cells| (cells[0].to_owned(), cells[1].replace('`', "")))
        .collect();
    let known = indexes::all()
        .into_iter()
        .map(|index| (index.collection.to_owned(), index.name.to_owned()));
    assert_eq!(written, known.collect());
}

#[test]
fn the_format_is_that_of_the_code() {
    let sentence = format!(
        "The format is a number in `meta`, now {}.",
        migrations::newest_format()
    );
    assert!(
        read("docs/architecture/database.md").contains(&sentence),
        "{sentence}"
    );
}

#[test]
fn the_contract_names_every_event_and_code() {
    let text = read("docs/contracts/chat.md");
    let named = |first: &str| -> BTreeSet<String> {
        let row = rows(&text)
            .into_iter()
            .find(|cells| cells[0] == first)
            .unwrap();
        spans(row[1]).into_iter().map(str::to_owned).collect()
    };
    let all = |events: &[&str]| {
        events
            .iter()
            .map(|event| (*event).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(named("client"), all(&CLIENT_EVENTS));
    assert_eq!(named("server"), all(&SERVER_EVENTS));
    let codes = text.split("## Error codes").nth(1).unwrap();
    let written: BTreeSet<&str> = rows(codes)
        .iter()
        .map(|cells| cells[0].trim_matches('`'))
        .filter(|code| *code != "Code")
        .collect();
    assert_eq!(
        written,
        Code::ALL.iter().map(|code| code.as_str()).collect()
    );
}

#[test]
fn every_metric_is_listed_and_no_other() {
    let name = |text: &str| {
        let end = text
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(text.len());
        format!("wardline_{}", &text[..end])
    };
    let mut sources = Vec::new();
    below(&root().join("src"), "rs", &mut sources);
    let mut known = BTreeSet::new();
    for source in sources {
        let text = fs::read_to_string(root().join(source)).unwrap();
        known.extend(text.split("!(\"wardline_").skip(1).map(name));
    }
    let page = read("docs/operations/monitoring.md");
    let written: BTreeSet<String> = page.split("`wardline_").skip(1).map(name).collect();
    assert!(known.len() > 15, "the metrics were not found");
    assert_eq!(written, known);
}

#[test]
fn the_index_of_the_architecture_stays_short() {
    let words = read("docs/architecture/README.md")
        .split_whitespace()
        .count();
    assert!(words <= 1_500, "{words} words");
}

/// Links, paths and headings are found where they are, and only there.
#[test]
fn the_reader_of_documents_reads() {
    assert_eq!(spans("a `src/lib.rs` and `x`"), ["src/lib.rs", "x"]);
    assert!(is_path("src/lib.rs") && is_path("src/no/such.rs") && is_path("CHANGELOG.md"));
    assert!(
        !is_path("/api/chat/files/") && !is_path("DATA_DIR/search/x") && !is_path("message:send")
    );
    assert_eq!(prose("a\n```\ncode\n```\nb"), "a\n\nb");
    assert_eq!(anchor(" Error codes"), "error-codes");
    assert_eq!(spoken("fn SeatOf_one’s"), "fn seat of one's");
    assert!(has_word("a seat's row", "seat") && !has_word("a seating, unseat", "seat"));
    assert!(has_anchor("# One\n## The way: down", "the-way-down") && !has_anchor("# One", "two"));
}
