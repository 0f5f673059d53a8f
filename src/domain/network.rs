//! Networks: the part of the Internet's addresses that one household, machine or attacker holds.
//!
//! An IPv4 address is scarce and counts whole. The holder of one IPv6 address has the 2⁶⁴ addresses
//! of its network, so the network counts. A rented line or server often has a /48, so that counts
//! as well, with a higher limit.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// A network as limits count it: a whole IPv4 address, or the first bits of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Returns the network of an address: IPv4 whole, also when written as IPv6; IPv6 as its /64.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => Self {
                address,
                prefix: 32,
            },
            IpAddr::V6(address) => Self::truncate(address, 64),
        }
    }

    /// Returns the /48 around an IPv6 network, for a second, higher limit; an IPv4 address has none.
    #[must_use]
    pub fn wide(self) -> Option<Self> {
        match self.address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(Self::truncate(address, 48)),
        }
    }

    fn truncate(address: Ipv6Addr, prefix: u8) -> Self {
        let kept = u128::MAX << (128 - u32::from(prefix));
        Self {
            address: IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & kept)),
            prefix,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(formatter, "{address}"),
            IpAddr::V6(address) => write!(formatter, "{address}/{}", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn an_address_counts_with_its_network() {
        assert_eq!(network("203.0.113.7").to_string(), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7"), network("203.0.113.7"));
        assert_ne!(network("203.0.113.7"), network("203.0.113.8"));
        assert_eq!(network("203.0.113.7").wide(), None);
        assert_eq!(network("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::1"), network("2001:db8:1:2::"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        let wide = network("2001:db8:1:2::1").wide();
        assert_eq!(
            wide.map(|wide| wide.to_string()).as_deref(),
            Some("2001:db8:1::/48")
        );
        assert_eq!(network("2001:db8:1:3::9").wide(), wide);
        assert_ne!(network("2001:db8:2:3::9").wide(), wide);
        assert_ne!(
            network("2001:db8:1::1"),
            wide.unwrap(),
            "the narrow and the wide are two keys"
        );
    }
}
