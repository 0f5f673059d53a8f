//! Weights of what a client accepts (RFC 9110, 12.4.2 and 12.5.1).

use axum::http::{HeaderMap, header};

/// The most entries of a list header that are read.
const MAX_HEADER_ENTRIES: usize = 32;

/// Returns the weight among an entry's parameters, 1 when none is given. An invalid weight counts
/// as 0.
#[must_use]
pub fn weight(parameters: &str) -> f32 {
    for parameter in parameters.split(';') {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            let value = value.trim().parse::<f32>();
            return value
                .ok()
                .filter(|weight| (0.0..=1.0).contains(weight))
                .unwrap_or(0.0);
        }
    }
    1.0
}

/// Returns how closely a media range matches a type: not at all, any, any of its kind, exactly.
fn specificity(range: &str, wanted: &str) -> u8 {
    let range = range.trim();
    let kind = wanted.split('/').next().unwrap_or_default();
    match range.split_once('/') {
        _ if range.eq_ignore_ascii_case(wanted) => 3,
        Some((of, "*")) if of.eq_ignore_ascii_case(kind) => 2,
        Some(("*", "*")) => 1,
        _ => 0,
    }
}

/// Returns the weight of a type in `Accept`, and how closely its range matches. The most specific
/// range decides.
fn accept_weight(headers: &HeaderMap, wanted: &str) -> (f32, u8) {
    let lines = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut best = (0.0, 0);
    for entry in lines
        .flat_map(|line| line.split(','))
        .take(MAX_HEADER_ENTRIES)
    {
        let (range, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let specificity = specificity(range, wanted);
        if specificity > best.1 {
            best = (weight(parameters), specificity);
        }
    }
    best
}

/// Whether a client prefers a table to JSON: by a higher weight, or by an equal one and a more
/// specific range. Of two equal ones the first counts.
#[must_use]
pub fn prefers_csv(headers: &HeaderMap) -> bool {
    let (csv, json) = (
        accept_weight(headers, "text/csv"),
        accept_weight(headers, "application/json"),
    );
    if csv.0 <= 0.0 || csv.0 < json.0 {
        return false;
    }
    if csv.0 > json.0 || csv.1 != json.1 {
        return csv.0 > json.0 || csv.1 > json.1;
    }
    let lines = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .take(MAX_HEADER_ENTRIES)
        .find_map(|entry| {
            let range = entry.split(';').next().unwrap_or_default();
            let (csv, json) = (
                specificity(range, "text/csv"),
                specificity(range, "application/json"),
            );
            (csv != json).then_some(csv > json)
        })
        == Some(true)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_table_is_what_the_weights_say() {
        let csv = |line: &'static str| {
            prefers_csv(&HeaderMap::from_iter([(
                header::ACCEPT,
                HeaderValue::from_static(line),
            )]))
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
