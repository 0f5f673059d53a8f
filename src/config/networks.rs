//! Lists of networks, such as those of trusted proxies.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{Reader, Setting};

/// The shortest prefixes of IPv4 and IPv6. Wider networks contain machines of more than one
/// organisation.
const MIN_PREFIX_LENGTHS: (u8, u8) = (8, 16);

/// Parses a network; an error describes the wanted form.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
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

/// Reads a list of networks. `None` is a problem, whose text says more than the form.
pub(super) fn read_networks(
    reader: &mut Reader<'_>,
    setting: &Setting<Result<IpNet, String>>,
) -> Option<Vec<IpNet>> {
    let entries = reader.list(setting)?;
    let (mut networks, count) = (Vec::new(), entries.len());
    for entry in entries {
        match entry {
            Ok(network) => networks.push(network),
            Err(why) => reader.add_problem(format!("{} must be {why}", setting.variable.name)),
        }
    }
    (networks.len() == count).then_some(networks)
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
