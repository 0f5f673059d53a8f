//! The web pages that may call: one list for CORS and for the WebSocket handshake.
//!
//! A page is the service's own when its host is the host of its calls. This proves nothing about a
//! host name that a foreign server resolves to this machine (DNS rebinding). A request straight
//! from this machine, through no proxy, is therefore own only under this machine's names and those
//! that the operator lists.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};

use super::address::RequestOrigin;
use crate::config::{Environment, Settings};

/// The most refused origins that are logged.
const MAX_LOGGED_ORIGINS: usize = 64;

/// The allowed origins: the service's own, those of the settings, and in development this
/// machine's.
#[derive(Clone)]
pub struct Origins {
    listed: Arc<[String]>,
    hosts: Arc<[String]>,
    development: bool,
    logged: Arc<Mutex<BTreeSet<String>>>,
}

/// Returns a host with its port, unless that is the scheme's default: `ward.example`, `[::1]:3000`.
fn strip_default_port<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let usual = match scheme {
        "https" | "wss" => ":443",
        _ => ":80",
    };
    authority.strip_suffix(usual).unwrap_or(authority)
}

/// Returns the host of an authority, without its port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    }
}

fn is_loopback_name(name: &str) -> bool {
    let v4 = || {
        name.parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
    };
    name == "localhost" || name == "[::1]" || v4()
}

impl Origins {
    /// Creates the list from the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            listed: settings.listen.origins.clone().into(),
            hosts: settings.listen.public_hosts.clone().into(),
            development: settings.general.environment == Environment::Development,
            logged: Arc::default(),
        }
    }

    /// Whether a host is a name of this service on its own machine.
    #[must_use]
    pub fn is_own_host(&self, host: Option<&HeaderValue>) -> bool {
        let Some(host) = host.and_then(|host| host.to_str().ok()) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let name = name_of(&host);
        is_loopback_name(name) || self.hosts.iter().any(|ours| *ours == host || ours == name)
    }

    /// Whether a page of `origin` may make a request with this `request_origin`.
    #[must_use]
    pub fn allows(
        &self,
        origin: &HeaderValue,
        headers: &HeaderMap,
        request_origin: Option<&RequestOrigin>,
    ) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let origin = origin.to_ascii_lowercase();
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let authority = strip_default_port(authority, scheme);
        let asked = headers.get(header::HOST);
        let host = match request_origin.and_then(|request_origin| request_origin.host.as_deref()) {
            Some(host) => Some(host.to_owned()),
            None if request_origin.is_some_and(|request_origin| request_origin.is_direct)
                && !self.is_own_host(asked) =>
            {
                None
            }
            None => asked
                .and_then(|host| host.to_str().ok())
                .map(str::to_ascii_lowercase),
        };
        // A page that calls over TLS was loaded over TLS. A page of the same host without TLS may
        // come from anybody.
        let is_pretended = scheme != "https"
            && request_origin.is_some_and(|request_origin| request_origin.is_secure);
        let own = !is_pretended
            && host.is_some_and(|host| strip_default_port(&host, scheme) == authority);
        let listed = self.listed.iter().any(|listed| {
            listed
                .split_once("://")
                .is_some_and(|(s, a)| s == scheme && strip_default_port(a, s) == authority)
        });
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        let this_machine = is_loopback_name(name_of(authority))
            && authority
                .rsplit_once(':')
                .is_none_or(|(_, port)| port.ends_with(']') || is_port(port));
        own || listed || (self.development && this_machine)
    }

    /// Whether a request may open a socket: one without an origin (no browser), or from an allowed
    /// page.
    #[must_use]
    pub fn allows_upgrade(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let is_allowed = self.allows(origin, headers, extensions.get::<RequestOrigin>());
        if !is_allowed {
            self.log_refused_origin(origin, headers.get(header::HOST));
        }
        is_allowed
    }

    /// Logs each refused origin once, with the settings that allow it if it is the service's own.
    fn log_refused_origin(&self, origin: &HeaderValue, host: Option<&HeaderValue>) {
        let text = |value: &HeaderValue| -> String {
            String::from_utf8_lossy(value.as_bytes())
                .chars()
                .filter(|c| !c.is_control())
                .take(120)
                .collect()
        };
        let (origin, host) = (text(origin), host.map(text).unwrap_or_default());
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() >= MAX_LOGGED_ORIGINS || !logged.insert(origin.clone()) {
            return;
        }
        tracing::warn!(
            origin,
            host,
            "a page of another origin was refused a live connection. If it is this service's own page, let the proxy \
             say which host was asked (proxy_set_header Host $host and X-Forwarded-For, with TRUSTED_PROXIES), or \
             set FRONTEND_URL to this origin"
        );
    }

    /// Returns the predicate for tower-http's CORS layer.
    pub fn predicate(
        self,
    ) -> impl Fn(&HeaderValue, &Parts) -> bool + Clone + Send + Sync + 'static {
        move |origin, parts| {
            self.allows(
                origin,
                &parts.headers,
                parts.extensions.get::<RequestOrigin>(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(listed: &[&str], hosts: &[&str], development: bool) -> Origins {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Origins {
            listed: owned(listed),
            hosts: owned(hosts),
            development,
            logged: Arc::default(),
        }
    }

    fn request_origin(is_direct: bool, host: Option<&str>) -> RequestOrigin {
        RequestOrigin {
            is_direct,
            is_secure: false,
            host: host.map(str::to_owned),
        }
    }

    fn allows(
        origins: &Origins,
        origin: &'static str,
        host: &'static str,
        request_origin: &RequestOrigin,
    ) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
        origins.allows(
            &HeaderValue::from_static(origin),
            &headers,
            Some(request_origin),
        )
    }

    #[test]
    fn in_development_this_machine_is_itself_and_nobody_who_looks_like_it() {
        let origins = origins(&[], &[], true);
        let allows =
            |origin: &'static str| allows(&origins, origin, "x", &request_origin(false, None));
        assert!(
            allows("http://localhost:5173")
                && allows("http://127.0.0.1:3000")
                && allows("http://[::1]:3000")
        );
        assert!(allows("http://localhost") && allows("http://[::1]"));
        for foreign in [
            "http://127.0.0.1:3900@evil.example",
            "http://127.0.0.1:3900.evil.example",
            "http://localhost.evil.example",
            "http://localhost:99999",
        ] {
            assert!(!allows(foreign), "{foreign}");
        }
    }

    #[test]
    fn only_listed_pages_and_our_own_may_call() {
        let origins = origins(
            &["https://ward.example", "capacitor://localhost"],
            &[],
            false,
        );
        let allows = |origin: &'static str| {
            allows(
                &origins,
                origin,
                "chat.example:3000",
                &request_origin(false, None),
            )
        };
        assert!(allows("https://ward.example") && allows("http://chat.example:3000"));
        assert!(allows("https://ward.example:443") && allows("capacitor://localhost"));
        for foreign in [
            "https://evil.example",
            "https://ward.example.evil.example",
            "http://ward.example",
            "null",
            "file://",
            "http://localhost:5173",
        ] {
            assert!(!allows(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_name_that_was_turned_to_this_machine_is_not_our_own() {
        let strict = origins(&[], &["chat.hospital.example", "ward.example:8443"], false);
        let straight = request_origin(true, None);
        assert!(!allows(
            &strict,
            "http://evil.example:3000",
            "evil.example:3000",
            &straight
        ));
        assert!(!allows(
            &strict,
            "http://localhost.evil.example:3000",
            "localhost.evil.example:3000",
            &straight
        ));
        for ours in [
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
        ] {
            assert!(
                allows(
                    &strict,
                    ours,
                    ours.strip_prefix("http://").unwrap(),
                    &straight
                ),
                "{ours}"
            );
        }
        assert!(allows(
            &strict,
            "http://chat.hospital.example:3000",
            "chat.hospital.example:3000",
            &straight
        ));
        assert!(allows(
            &strict,
            "https://ward.example:8443",
            "ward.example:8443",
            &straight
        ));
        assert!(!allows(
            &strict,
            "https://ward.example:1",
            "ward.example:1",
            &straight
        ));
        // From another machine, or through a proxy, nothing changes.
        assert!(allows(
            &strict,
            "http://chat.example:3000",
            "chat.example:3000",
            &request_origin(false, None)
        ));
    }

    #[test]
    fn a_trusted_proxy_says_which_host_was_asked() {
        let strict = origins(&[], &[], false);
        let behind = request_origin(false, Some("chat.hospital.example"));
        assert!(allows(
            &strict,
            "https://chat.hospital.example",
            "127.0.0.1:3000",
            &behind
        ));
        assert!(!allows(
            &strict,
            "http://127.0.0.1:3000",
            "127.0.0.1:3000",
            &behind
        ));
        assert!(allows(
            &strict,
            "https://chat.hospital.example",
            "x",
            &request_origin(false, Some("chat.hospital.example:443"))
        ));
        assert!(!allows(
            &strict,
            "https://evil.example",
            "127.0.0.1:3000",
            &behind
        ));
    }

    #[test]
    fn behind_tls_a_page_without_it_is_another_origin() {
        let strict = origins(&[], &[], false);
        let secure = |host: Option<&str>| RequestOrigin {
            is_secure: true,
            ..request_origin(false, host)
        };
        for request_origin in [secure(Some("chat.hospital.example")), secure(None)] {
            let allows = |origin: &'static str| {
                allows(&strict, origin, "chat.hospital.example", &request_origin)
            };
            assert!(
                allows("https://chat.hospital.example")
                    && allows("https://chat.hospital.example:443")
            );
            assert!(
                !allows("http://chat.hospital.example")
                    && !allows("http://chat.hospital.example:443")
            );
        }
        // No proxy reports the host: it may omit it, or there is none.
        let silent = request_origin(false, None);
        for origin in [
            "https://chat.hospital.example",
            "http://chat.hospital.example",
        ] {
            assert!(
                allows(&strict, origin, "chat.hospital.example", &silent),
                "{origin}"
            );
        }
        let listed = origins(&["http://chat.hospital.example"], &[], false);
        assert!(
            allows(&listed, "http://chat.hospital.example", "x", &secure(None)),
            "the operator says so"
        );
    }
}
