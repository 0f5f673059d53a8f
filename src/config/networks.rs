//! The networks of trusted proxies.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::Reader;

/// The shortest prefixes of IPv4 and IPv6. Wider networks contain machines of more than one
/// organisation.
const MIN_PREFIX_LENGTHS: (u8, u8) = (8, 16);

/// Parses a network of proxies; an error describes the wanted form.
fn network(text: &str) -> Result<IpNet, String> {
    let parsed: Option<IpNet> = text.parse().ok().or_else(|| {
        text.parse::<IpAddr>()
            .ok()
            .map(|address| address.to_canonical().into())
    });
    let network = parsed.ok_or("a list of addresses or networks")?;
    // Addresses are compared in their short form.
    let network = match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => Ipv4Net::new(v4, v6.prefix_len() - 96).map_or(network, IpNet::from),
            None => network,
        },
        _ => network,
    };
    let widest = if matches!(network, IpNet::V4(_)) {
        MIN_PREFIX_LENGTHS.0
    } else {
        MIN_PREFIX_LENGTHS.1
    };
    if network.prefix_len() < widest {
        return Err(format!(
            "networks of at least /{widest}: /{} is too wide",
            network.prefix_len()
        ));
    }
    if network.addr() != network.network() {
        let address = network.addr();
        return Err(format!(
            "addresses or whole networks: {} if all of it is meant, {address} if only that is",
            network.trunc()
        ));
    }
    Ok(network)
}

impl Reader<'_> {
    pub(super) fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let mut wrong = Vec::new();
        let networks = self.list(
            "TRUSTED_PROXIES",
            "a list of addresses or networks",
            |text| {
                // The problems are reported below, each with its own text.
                Some(network(text))
            },
        );
        let networks = networks
            .into_iter()
            .filter_map(|network| network.map_err(|why| wrong.push(why)).ok());
        let networks = networks.collect();
        self.problems.extend(
            wrong
                .into_iter()
                .map(|why| format!("TRUSTED_PROXIES must be {why}")),
        );
        networks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_in_either_form_of_an_address() {
        for (text, wanted) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.7", "10.0.0.7/32"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("172.16.0.0/12", "172.16.0.0/12"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("fd00::/16", "fd00::/16"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), wanted, "{text}");
        }
    }

    #[test]
    fn a_network_that_is_wider_than_meant_is_refused() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "10.0.0.0/33",
            "proxy.example",
            "0.0.0.0/1",
            "10.0.0.0/7",
            "2000::/3",
            "fd00::/15",
            "::ffff:10.0.0.0/103",
        ] {
            assert!(network(text).is_err(), "{text}");
        }
        for (text, expected) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.168.1.1/24", "192.168.1.0/24"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ] {
            assert!(network(text).unwrap_err().contains(expected), "{text}");
        }
    }
}
