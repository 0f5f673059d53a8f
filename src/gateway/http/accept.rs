//! Weights of what a client accepts (RFC 9110, 12.4.2 and 12.5.1).

use axum::http::{HeaderMap, header};

/// Entries of a list header that are looked at.
const MAX_ENTRIES: usize = 32;

/// The weight among an entry's parameters, 1 when none is given. A weight that is none counts as 0.
#[must_use]
pub fn weight(parameters: &str) -> f32 {
    for parameter in parameters.split(';') {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            let value = value.trim().parse::<f32>();
            return value.ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0);
        }
    }
    1.0
}

/// How well a media range fits a type: not at all, any, any of its kind, itself.
fn fit(range: &str, wanted: &str) -> u8 {
    let range = range.trim();
    let kind = wanted.split('/').next().unwrap_or_default();
    match range.split_once('/') {
        _ if range.eq_ignore_ascii_case(wanted) => 3,
        Some((of, "*")) if of.eq_ignore_ascii_case(kind) => 2,
        Some(("*", "*")) => 1,
        _ => 0,
    }
}

/// What `Accept` says of a type: its weight, and how expressly. The most specific range decides.
fn asked(headers: &HeaderMap, wanted: &str) -> (f32, u8) {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, 0);
    for entry in lines.flat_map(|line| line.split(',')).take(MAX_ENTRIES) {
        let (range, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let fit = fit(range, wanted);
        if fit > best.1 {
            best = (weight(parameters), fit);
        }
    }
    best
}

/// Whether a client wants a table rather than JSON: it is weighed higher, or as high and asked for more expressly.
/// Of two that are asked for alike the first counts.
#[must_use]
pub fn prefers_csv(headers: &HeaderMap) -> bool {
    let (csv, json) = (asked(headers, "text/csv"), asked(headers, "application/json"));
    if csv.0 <= 0.0 || csv.0 < json.0 {
        return false;
    }
    if csv.0 > json.0 || csv.1 != json.1 {
        return csv.0 > json.0 || csv.1 > json.1;
    }
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).take(MAX_ENTRIES).find_map(|entry| {
        let range = entry.split(';').next().unwrap_or_default();
        let (csv, json) = (fit(range, "text/csv"), fit(range, "application/json"));
        (csv != json).then_some(csv > json)
    }) == Some(true)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_table_is_what_the_weights_say() {
        let csv = |line: &'static str| {
            prefers_csv(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(line))]))
        };
        for line in [
            "text/csv",
            "TEXT/CSV",
            "text/csv;charset=utf-8",
            "application/json;q=0.5, text/csv",
            "text/csv, */*",
            "*/*;q=0.1, text/csv; header=present; Q=0.2",
            "text/*",
            "text/csv, application/json",
            "application/json;q=0, text/csv;q=0.001",
        ] {
            assert!(csv(line), "{line}");
        }
        for line in [
            "application/json, text/csv;q=0.1",
            "text/csv;q=0",
            "text/csv;q=0, */*",
            "text/csv;q=0.000, text/*",
            "text/*;q=0.3, application/json;q=0.4",
            "*/*",
            "",
            "application/json, text/csv",
            "text/csv;q=nonsense",
            "text/csvx",
            "image/png",
        ] {
            assert!(!csv(line), "{line}");
        }
    }
}
