//! Which web pages may call: one list for CORS and for the WebSocket handshake.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};

use crate::config::{Environment, Settings};

/// The allowed origins: the service's own, those of the settings, and in development this machine's.
#[derive(Clone)]
pub struct Origins {
    listed: Arc<[String]>,
    development: bool,
}

impl Origins {
    /// From the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            listed: settings.origins.clone().into(),
            development: settings.environment == Environment::Development,
        }
    }

    /// Whether a page of `origin` may call `host`.
    #[must_use]
    pub fn allows(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        let Some((_, authority)) = origin.split_once("://") else {
            return false;
        };
        let own =
            host.and_then(|host| host.to_str().ok()).is_some_and(|host| host.eq_ignore_ascii_case(authority));
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !name.is_empty() && !port.ends_with(']') => (name, port),
            _ => (authority, "80"),
        };
        let this_machine = matches!(name, "localhost" | "127.0.0.1" | "[::1]") && port.parse::<u16>().is_ok();
        own || self.listed.contains(&origin) || (self.development && this_machine)
    }

    /// Whether a request without a browser, or from an allowed page, may open a socket.
    #[must_use]
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        headers.get(header::ORIGIN).is_none_or(|origin| self.allows(origin, headers.get(header::HOST)))
    }

    /// For tower-http's CORS layer.
    pub fn predicate(self) -> impl Fn(&HeaderValue, &Parts) -> bool + Clone + Send + Sync + 'static {
        move |origin, parts| self.allows(origin, parts.headers.get(header::HOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_development_this_machine_is_itself_and_nobody_who_looks_like_it() {
        let origins = Origins { listed: [].into(), development: true };
        let allows = |origin: &'static str| origins.allows(&HeaderValue::from_static(origin), None);
        assert!(
            allows("http://localhost:5173") && allows("http://127.0.0.1:3000") && allows("http://[::1]:3000")
        );
        for foreign in [
            "http://127.0.0.1:3900@evil.example",
            "http://127.0.0.1:3900.evil.example",
            "http://localhost.evil.example",
        ] {
            assert!(!allows(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_listed_pages_and_our_own_may_call() {
        let origins = Origins { listed: ["https://ward.example".to_owned()].into(), development: false };
        let allows = |origin: &'static str| {
            origins.allows(
                &HeaderValue::from_static(origin),
                Some(&HeaderValue::from_static("chat.example:3000")),
            )
        };
        assert!(allows("https://ward.example") && allows("http://chat.example:3000"));
        for foreign in
            ["https://evil.example", "https://ward.example.evil.example", "null", "http://localhost:5173"]
        {
            assert!(!allows(foreign), "{foreign}");
        }
    }
}
