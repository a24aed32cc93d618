//! Which addresses count as one client where clients are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The network an address stands for: itself in IPv4, its first 64 bits in IPv6, where one subscriber has at least that
/// many addresses to choose from (RFC 6177). An IPv4 address mapped into IPv6 counts as IPv4.
pub(crate) fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_client() {
        for (address, network) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            let found = client_network(address.parse().expect(address));
            assert_eq!(found.to_string(), network);
        }
    }
}
