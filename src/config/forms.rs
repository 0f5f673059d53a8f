//! The forms of single values, for all sections. A value that would silently be read as something
//! else has none of them.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use super::Environment;

/// A secret with fewer different bytes is a pattern.
const MIN_DISTINCT_BYTES: usize = 8;
/// The form of a duration, as problems and the table of settings say it.
pub const DURATION: &str = "a duration such as 12h or 90s, in d, h, m and s";
/// The form of any text.
pub const TEXT: &str = "text";
/// The form of the path of a file that holds a secret.
pub(super) const SECRET_FILE: &str = "a path";
/// A longer duration is a typing error.
const MAX_DURATION: Duration = Duration::from_hours(24 * 366 * 10);

/// Returns an origin as a browser sends it: any scheme with a host, without the default port.
pub(super) fn origin(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let mut letters = scheme.bytes();
    let is_scheme = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    // A page from a file has no origin that distinguishes it from another page.
    if !is_scheme || scheme == "file" || !is_authority(authority) {
        return None;
    }
    let usual = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => return Some(text),
    };
    Some(text.strip_suffix(usual).unwrap_or(&text).to_owned())
}

/// Whether a text is a host's name or address, optionally with a port. Letters outside of ASCII
/// never occur in a header.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (
                "v6",
                rest.strip_prefix(':')
                    .or_else(|| rest.is_empty().then_some("1")),
            ),
            _ => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("1")),
        },
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !host.is_empty() && host.bytes().all(is_name) && port.is_some_and(is_port)
}

/// Returns a host name of this service, optionally with a port.
pub(super) fn host(text: &str) -> Option<String> {
    is_authority(text).then(|| text.to_ascii_lowercase())
}

/// Parses a number of bytes, at least one.
pub fn bytes(text: &str) -> Option<u64> {
    let upper = text.to_ascii_uppercase();
    let (number, unit) = [
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
        ("", 1),
    ]
    .into_iter()
    .find_map(|(suffix, unit)| upper.strip_suffix(suffix).map(|number| (number, unit)))?;
    let bytes = number.trim().parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=1 << 50).contains(&bytes).then_some(bytes)
}

/// Parses a duration of at least a second. Months and years have no fixed length, and `M` would be
/// read as months where a minute is meant.
pub fn duration(text: &str) -> Option<Duration> {
    let mut units = text.split(|c: char| !c.is_alphabetic());
    if units.any(|unit| unit.starts_with(['M', 'y', 'Y']) || unit.starts_with("month")) {
        return None;
    }
    humantime::parse_duration(text)
        .ok()
        .filter(|time| (Duration::from_secs(1)..=MAX_DURATION).contains(time))
}

/// Returns a valid name for the service's database.
pub(super) fn database(text: &str) -> Option<String> {
    let is_name = (1..=38).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (is_name && !["admin", "local", "config"].contains(&text.to_ascii_lowercase().as_str()))
        .then(|| text.to_owned())
}

/// Returns the database that the path of an address names. Returns `None` for `admin`, which names
/// the database of the account.
pub(super) fn database_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let before_options = rest.split('?').next()?;
    let (_, path) = before_options.rsplit_once('/')?;
    (!path.is_empty() && path != "admin").then_some(path)
}

/// Returns the log filter: levels, for all or for a part of the program. A word that is no level
/// would be read as a part's name and silence everything. A filter that names only parts still lets
/// errors through.
pub(super) fn log_filter(text: &str) -> Option<String> {
    let is_level = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["error", "warn", "info", "debug", "trace", "off"].contains(&word.as_str())
    };
    let is_part = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-'))
    };
    let mut for_all = false;
    if text.split(',').all(|directive| directive.trim().is_empty()) {
        return None;
    }
    for directive in text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
    {
        match directive.rsplit_once('=') {
            None if is_level(directive) => for_all = true,
            Some((part, level)) if is_part(part) && is_level(level) => {}
            _ => return None,
        }
    }
    Some(if for_all {
        text.to_owned()
    } else {
        format!("error,{text}")
    })
}

/// Parses `on` or `off`.
#[must_use]
pub fn on_or_off(text: &str) -> Option<bool> {
    one_of(text, [("on", true), ("off", false)])
}

/// Parses `open` or `closed`.
#[must_use]
pub fn open_or_closed(text: &str) -> Option<bool> {
    one_of(text, [("open", true), ("closed", false)])
}

/// Returns the value of the word that the text is.
pub fn one_of<T>(text: &str, words: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
    let mut words = words.into_iter();
    words.find_map(|(word, value)| (word == text).then_some(value))
}

/// Parses a port number.
#[must_use]
pub fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}

/// Parses a name, which may be any text.
#[must_use]
pub fn name(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Parses a path.
#[must_use]
pub fn path(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text))
}

/// Returns what is wrong with a secret that is used in this environment.
pub(super) fn find_pattern(secret: &str, environment: Environment) -> Option<String> {
    let distinct = secret.bytes().collect::<BTreeSet<u8>>().len();
    (environment == Environment::Production && distinct < MIN_DISTINCT_BYTES)
        .then(|| format!("must have at least {MIN_DISTINCT_BYTES} different bytes"))
}
