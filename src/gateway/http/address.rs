//! The client's address: the peer's own, or the one that a trusted proxy reports; and what else a
//! proxy reports.
//!
//! Proxies write addresses in many forms. An unreadable address is never replaced by that of the
//! proxy. The request then has no address: it shares the limits of all such requests and gets no
//! right that depends on an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, header::HeaderName};
use ipnet::IpNet;

static FORWARDED: HeaderName = HeaderName::from_static("forwarded");
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// Other headers that proxies, balancers and content networks add, beside those that begin with
/// `x-forwarded`.
const PROXY_HEADERS: [&str; 12] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-envoy-external-address",
    "cf-connecting-ip",
    "true-client-ip",
    "fastly-client-ip",
    "cdn-loop",
    "x-amzn-trace-id",
];

/// The value for an unknown address.
const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The client's address, as far as it can be trusted; an extension of every request. Unspecified
/// (`0.0.0.0`) where a trusted proxy sent an unreadable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// How a request arrived; an extension of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOrigin {
    /// Whether the request comes from this machine and has no header of a proxy.
    pub is_direct: bool,
    /// Whether a trusted proxy reports that it received the request over TLS.
    pub is_secure: bool,
    /// The host that the client requested, as a trusted proxy reports it.
    pub host: Option<String>,
}

/// Returns the client's address. From the right of the proxies' entries, it is the first that is
/// not a trusted proxy. The entries on the left may be forged by the client, and the headers of an
/// untrusted peer are ignored. Only one header is used: `X-Forwarded-For`, else `Forwarded`, else
/// `X-Real-IP`.
#[must_use]
pub fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.ip().to_canonical();
    if !is_trusted(&peer) {
        return ClientAddress(peer);
    }
    let chain = if headers.contains_key(&FORWARDED_FOR) {
        lines(headers, &FORWARDED_FOR, |line| {
            line.split(',').map(parse_node).collect()
        })
    } else if headers.contains_key(&FORWARDED) {
        lines(headers, &FORWARDED, forwarded)
    } else if headers.contains_key(&REAL_IP) {
        lines(headers, &REAL_IP, |line| vec![parse_node(line)])
    } else {
        return ClientAddress(peer);
    };
    let mut client = peer;
    for entry in chain.into_iter().rev() {
        let Some(address) = entry else {
            return ClientAddress(UNKNOWN_ADDRESS);
        };
        client = address;
        if !is_trusted(&client) {
            break;
        }
    }
    ClientAddress(client)
}

/// Returns how a request arrived, by its peer and by what trusted proxies report.
#[must_use]
pub fn request_origin(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> RequestOrigin {
    let peer = peer.ip().to_canonical();
    let is_mark = |name: &HeaderName| {
        name.as_str().starts_with("x-forwarded") || PROXY_HEADERS.contains(&name.as_str())
    };
    let is_trusted = trusted.iter().any(|network| network.contains(&peer));
    // The last entry is that of the known proxy; earlier entries may come from the client.
    let last = |name: &HeaderName| {
        let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        line.rsplit(',')
            .next()
            .map(|entry| entry.trim().to_ascii_lowercase())
    };
    let last_forwarded = |wanted: &str| {
        let line = headers
            .get_all(&FORWARDED)
            .iter()
            .next_back()?
            .to_str()
            .ok()?;
        let element = split(line, ',')?.pop()?;
        parameter(element, wanted)
            .ok()?
            .map(|value| value.to_ascii_lowercase())
    };
    let said = |name: &HeaderName, parameter: &str| {
        if is_trusted {
            last(name).or_else(|| last_forwarded(parameter))
        } else {
            None
        }
    };
    RequestOrigin {
        is_direct: peer.is_loopback() && !headers.keys().any(is_mark),
        is_secure: said(&FORWARDED_PROTO, "proto")
            .is_some_and(|scheme| scheme == "https" || scheme == "wss"),
        host: said(&FORWARDED_HOST, "host").filter(|host| !host.is_empty()),
    }
}

/// Returns the entries of a header's lines, in order; an unreadable one is `None`.
fn lines(
    headers: &HeaderMap,
    name: &HeaderName,
    read: impl Fn(&str) -> Vec<Option<IpAddr>>,
) -> Vec<Option<IpAddr>> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.to_str().map_or_else(|_| vec![None], &read))
        .collect()
}

/// Returns the `for` of each element of a `Forwarded` header (RFC 7239).
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let Some(elements) = split(line, ',') else {
        return vec![None];
    };
    elements
        .into_iter()
        .map(|element| parse_node(&parameter(element, "for").ok()??))
        .collect()
}

/// An unreadable element.
struct InvalidForwarded;

/// Returns the value of a parameter of an element, unquoted, if there is one.
fn parameter(element: &str, wanted: &str) -> Result<Option<String>, InvalidForwarded> {
    let mut found = None;
    for pair in split(element, ';').ok_or(InvalidForwarded)? {
        let (name, value) = pair.split_once('=').ok_or(InvalidForwarded)?;
        if name.trim().eq_ignore_ascii_case(wanted) {
            // A repeated parameter is a forgery or a mistake.
            if found.is_some() {
                return Err(InvalidForwarded);
            }
            found = Some(unquoted(value.trim()).ok_or(InvalidForwarded)?);
        }
    }
    Ok(found)
}

/// Splits a text at separators outside of quotes; `None` when a quote has no end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

/// Returns a token unchanged, or the content of a quoted text (RFC 9110, 5.6.4).
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.is_empty() && !text.contains('"')).then(|| text.to_owned());
    };
    let (mut said, mut is_escaped) = (String::new(), false);
    let mut rest = inner.chars();
    loop {
        match rest.next()? {
            c if is_escaped => {
                said.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return rest.next().is_none().then_some(said),
            c => said.push(c),
        }
    }
}

/// Parses an address as proxies write it: plain, in brackets, with a port, with a zone, in quotes,
/// mapped.
fn parse_node(text: &str) -> Option<IpAddr> {
    let text = unquoted(text.trim())?;
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return if is_whole { v6(address) } else { None };
    }
    match text.split_once(':') {
        // One colon precedes a port; several belong to an address.
        Some((address, port)) if !port.contains(':') => address
            .parse::<Ipv4Addr>()
            .ok()
            .filter(|_| is_port(port))
            .map(IpAddr::V4),
        Some(_) => v6(text),
        None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn v6(text: &str) -> Option<IpAddr> {
    // The zone of a link-local address names an interface of the proxy, which is irrelevant here.
    let (address, zone) = text
        .split_once('%')
        .map_or((text, None), |(address, zone)| (address, Some(zone)));
    let is_zone = |zone: &str| {
        !zone.is_empty()
            && zone
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~'))
    };
    if zone.is_some_and(|zone| !is_zone(zone)) {
        return None;
    }
    address
        .parse::<Ipv6Addr>()
        .ok()
        .map(|address| IpAddr::V6(address).to_canonical())
}

/// Whether a text is a port's number, or the name that hides it (RFC 7239, 6.3).
fn is_port(text: &str) -> bool {
    let is_hidden = text.strip_prefix('_').is_some_and(|name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    });
    is_hidden
        || (!text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, lines: &[(&HeaderName, &str)], trusted: &[&str]) -> (String, RequestOrigin) {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(
                (*name).clone(),
                axum::http::HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        let trusted: Vec<IpNet> = trusted
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        (
            client_address(peer, &headers, &trusted).0.to_string(),
            request_origin(peer, &headers, &trusted),
        )
    }

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let lines: Vec<_> = forwarded
            .iter()
            .map(|line| (&FORWARDED_FOR, *line))
            .collect();
        of(peer, &lines, trusted).0
    }

    #[test]
    fn a_forged_header_moves_nobody() {
        assert_eq!(client("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(
            client("10.0.0.2", &["198.51.100.1, 203.0.113.7"], &["10.0.0.0/8"]),
            "203.0.113.7"
        );
        assert_eq!(
            client(
                "10.0.0.2",
                &["1.1.1.1", "203.0.113.7, 10.0.0.9"],
                &["10.0.0.0/8"]
            ),
            "203.0.113.7"
        );
        assert_eq!(
            client("10.0.0.2", &["unknown, 203.0.113.7"], &["10.0.0.0/8"]),
            "203.0.113.7"
        );
        assert_eq!(client("10.0.0.2", &[], &["10.0.0.0/8"]), "10.0.0.2");
    }

    #[test]
    fn an_address_is_read_in_every_form_and_else_there_is_none() {
        for (text, address) in [
            ("203.0.113.7:4711", "203.0.113.7"),
            (" 203.0.113.7 ", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:cb00:7107]:80", "203.0.113.7"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("\"203.0.113.7\"", "203.0.113.7"),
        ] {
            assert_eq!(
                client("127.0.0.1", &[text], &["127.0.0.1/32"]),
                address,
                "{text}"
            );
        }
        for text in [
            "",
            " ",
            "unknown",
            "_hidden",
            "for=203.0.113.7",
            "203.0.113",
            "203.0.113.7.",
            "203.0.113.07",
            "203.0.113.7:",
            "203.0.113.7:99999",
            "203.0.113.7:x",
            "[2001:db8::1",
            "2001:db8::1]",
            "[203.0.113.7]",
            "[2001:db8::1]x",
            "fe80::1%",
            "0x7f.1",
            "2130706433",
            "client.example",
            "\"203.0.113.7",
            "203.0.113.7,",
            "203.0.113.7, unknown",
            "２０３.0.113.7",
            "localhost",
        ] {
            assert_eq!(
                client("127.0.0.1", &[text], &["127.0.0.1/32"]),
                "0.0.0.0",
                "{text}"
            );
            assert_eq!(
                client("127.0.0.1", &[text], &[]),
                "127.0.0.1",
                "who is not trusted is not asked"
            );
        }
        assert_eq!(
            client("10.0.0.2", &["203.0.113.7", ""], &["10.0.0.0/8"]),
            "0.0.0.0",
            "the last line counts"
        );
        assert_eq!(
            client("::ffff:10.0.0.2", &["203.0.113.7"], &["10.0.0.0/8"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn one_header_counts_and_headers_are_never_mixed() {
        let proxy = &["10.0.0.0/8"];
        let (standard, real) = (&FORWARDED, &REAL_IP);
        for (line, address) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            (
                "for=1.1.1.1, for=203.0.113.7;proto=https;by=10.0.0.2",
                "203.0.113.7",
            ),
            (
                "proto=http; FOR=203.0.113.7 ;host=\"a,b;for=9.9.9.9\"",
                "203.0.113.7",
            ),
            ("for=203.0.113.7, for=10.0.0.9", "203.0.113.7"),
            ("for=\"203.0.113.7:_port\"", "203.0.113.7"),
            ("for=\"\\203.0.113.7\"", "203.0.113.7"),
            ("for=_hidden", "0.0.0.0"),
            ("for=unknown", "0.0.0.0"),
            ("proto=https", "0.0.0.0"),
            ("203.0.113.7", "0.0.0.0"),
            ("for=203.0.113.7;for=9.9.9.9", "0.0.0.0"),
            ("for=\"203.0.113.7", "0.0.0.0"),
            ("for=203.0.113.7,", "0.0.0.0"),
            ("", "0.0.0.0"),
        ] {
            assert_eq!(
                of("10.0.0.2", &[(standard, line)], proxy).0,
                address,
                "{line}"
            );
        }
        let both = [
            (&FORWARDED_FOR, "203.0.113.7"),
            (standard, "for=9.9.9.9"),
            (real, "8.8.8.8"),
        ];
        assert_eq!(of("10.0.0.2", &both, proxy).0, "203.0.113.7");
        assert_eq!(of("10.0.0.2", &both[1..], proxy).0, "9.9.9.9");
        assert_eq!(of("10.0.0.2", &both[2..], proxy).0, "8.8.8.8");
        assert_eq!(
            of(
                "10.0.0.2",
                &[(&FORWARDED_FOR, "unknown"), (real, "8.8.8.8")],
                proxy
            )
            .0,
            "0.0.0.0"
        );
        assert_eq!(
            of("10.0.0.2", &[(real, "8.8.8.8, 9.9.9.9")], proxy).0,
            "0.0.0.0",
            "it is no list"
        );
    }

    #[test]
    fn only_a_trusted_proxy_says_which_host_and_whether_over_tls() {
        let said = [
            (&FORWARDED_HOST, "evil.example, Chat.Example:443"),
            (&FORWARDED_PROTO, "http, https"),
        ];
        let (_, request_origin) = of("127.0.0.1", &said, &["127.0.0.1/32"]);
        assert_eq!(
            (
                request_origin.host.as_deref(),
                request_origin.is_secure,
                request_origin.is_direct
            ),
            (Some("chat.example:443"), true, false)
        );
        let (_, request_origin) = of("127.0.0.1", &said, &[]);
        assert_eq!(
            (
                request_origin.host,
                request_origin.is_secure,
                request_origin.is_direct
            ),
            (None, false, false)
        );
        let standard = [(&FORWARDED, "for=1.1.1.1;proto=HTTPS;host=\"chat.example\"")];
        let (_, request_origin) = of("127.0.0.1", &standard, &["127.0.0.1/32"]);
        assert_eq!(
            (request_origin.host.as_deref(), request_origin.is_secure),
            (Some("chat.example"), true)
        );
        assert!(of("127.0.0.1", &[], &[]).1.is_direct && !of("10.0.0.2", &[], &[]).1.is_direct);
        for mark in PROXY_HEADERS.into_iter().chain([
            "x-forwarded",
            "x-forwarded-for",
            "x-forwarded-port",
            "x-forwarded-server",
        ]) {
            let mark = HeaderName::from_static(mark);
            assert!(!of("::1", &[(&mark, "")], &[]).1.is_direct, "{mark}");
        }
    }
}
