//! The upgrade of a request to a WebSocket (RFC 6455, 4.2.1).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
};

/// A request that is no valid upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefusedUpgrade {
    pub status: StatusCode,
    /// What the request should have had.
    wanted: Option<(HeaderName, HeaderValue)>,
}

impl RefusedUpgrade {
    /// Returns the headers of the refusal.
    pub fn headers(&self) -> HeaderMap {
        self.wanted.clone().into_iter().collect()
    }
}

/// Checks that a request is a valid upgrade.
///
/// # Errors
/// The status and headers of the refusal.
pub(super) fn check_upgrade(request: &Request) -> Result<(), RefusedUpgrade> {
    let lists = |name: HeaderName, wanted: &str| {
        let lines = request
            .headers()
            .get_all(name)
            .into_iter()
            .filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    let required = |name: HeaderName, value: &'static str| RefusedUpgrade {
        status: StatusCode::UPGRADE_REQUIRED,
        wanted: Some((name, HeaderValue::from_static(value))),
    };
    let upgrades = lists(header::UPGRADE, "websocket") && lists(header::CONNECTION, "upgrade");
    if !upgrades || request.version() != Version::HTTP_11 {
        return Err(required(header::UPGRADE, "websocket"));
    }
    let version = request.headers().get(header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != "13") {
        return Err(required(header::SEC_WEBSOCKET_VERSION, "13"));
    }
    let mut keys = request
        .headers()
        .get_all(header::SEC_WEBSOCKET_KEY)
        .into_iter();
    let is_good = keys.next().is_some_and(|key| is_key(key.as_bytes())) && keys.next().is_none();
    if is_good {
        Ok(())
    } else {
        Err(RefusedUpgrade {
            status: StatusCode::BAD_REQUEST,
            wanted: None,
        })
    }
}

/// Whether `key` is the base64 of 16 bytes.
fn is_key(key: &[u8]) -> bool {
    let (text, padding) = key.split_at(key.len().min(22));
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len() == 22 && padding == b"==" && text.iter().all(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in [
            &b"x"[..],
            b"",
            b"==",
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZQ===",
            b"dGhl IHNhbXBsZSBub25jZ==",
        ] {
            assert!(!is_key(key), "{}", String::from_utf8_lossy(key));
        }
    }
}
