//! Whose request it is, by address: the peer's own, or what a trusted proxy says.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header::HeaderName};
use ipnet::IpNet;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, as far as it can be believed; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// The address to believe: from the right of `X-Forwarded-For`, skipping trusted proxies, the first that is
/// none of them. A client can write what it likes on the left; whoever is not a trusted proxy is not asked.
#[must_use]
pub fn client_address(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.ip().to_canonical();
    if !is_trusted(&peer) {
        return ClientAddress(peer);
    }
    let mut believed = peer;
    let lines: Vec<&str> =
        headers.get_all(&FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // What cannot be read ends the chain: the last proxy we believe is the best we know.
        let Ok(address) = entry.trim().parse::<IpAddr>() else {
            break;
        };
        believed = address.to_canonical();
        if !is_trusted(&believed) {
            break;
        }
    }
    ClientAddress(believed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn believed(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(&FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client_address(format!("{peer}:1").parse().unwrap(), &headers, &trusted).0.to_string()
    }

    #[test]
    fn a_forged_header_moves_nobody() {
        assert_eq!(believed("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(believed("10.0.0.2", &["198.51.100.1, 203.0.113.7"], &["10.0.0.0/8"]), "203.0.113.7");
        assert_eq!(
            believed("10.0.0.2", &["1.1.1.1", "203.0.113.7, 10.0.0.9"], &["10.0.0.0/8"]),
            "203.0.113.7"
        );
        assert_eq!(believed("10.0.0.2", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.2");
    }
}
