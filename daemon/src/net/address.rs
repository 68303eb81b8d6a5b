//! Which addresses are the public internet's, and where an answer may lead on to.
//!
//! Whoever answers for a public name can name any address, also those that only this host can reach: a
//! service on loopback, the metadata of a cloud, a printer. So a public server leads to public addresses
//! only, by its redirects and by the sources in its index. What a person names, or a server in a private
//! network, may lie anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// What may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Realm {
    /// Any address.
    #[default]
    Anywhere,
    /// Public addresses, and the hosts of `net.private_hosts`.
    Public,
}

impl Realm {
    /// Where what comes from a URL may lead, if it has an address and not a name: then that is known before
    /// anybody asks.
    #[must_use]
    pub(crate) fn of_literal(url: &Url) -> Option<Self> {
        literal(url).map(realm_from)
    }
}

/// The address that a URL has instead of a name.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Where what comes from this address may lead.
pub(super) fn realm_from(address: IpAddr) -> Realm {
    if is_public(address) {
        Realm::Public
    } else {
        Realm::Anywhere
    }
}

/// Whether an address is one of the public internet: none of the special-purpose registries of IANA
/// (RFC 6890 and what came after it), also when it is an IPv4 address in the clothes of IPv6.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // "this network", private, loopback, and all from multicast on
        0 | 10 | 127 | 224..=255 => true,
        // shared by providers
        100 => (64..128).contains(&b),
        // link-local, where clouds have their metadata
        169 => b == 254,
        172 => (16..32).contains(&b),
        // private; protocol assignments, documentation, and the former 6to4 relays
        192 => b == 168 || (b == 0 && matches!(c, 0 | 2)) || (b == 88 && c == 99),
        // benchmarks, documentation
        198 => matches!(b, 18 | 19) || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    if let Some(inner) = embedded(address) {
        return is_public_v4(inner);
    }
    // 2000::/3 is all that was ever given out
    let is_global = first & 0xe000 == 0x2000;
    // protocol assignments, Teredo among them, and documentation
    let is_special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x3fff => second < 0x1000,
        _ => false,
    };
    is_global && !is_special
}

/// The IPv4 address that is really meant: mapped, translated by NAT64, or by way of 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::is_public;

    #[test]
    fn special_addresses_are_not_public_in_whatever_clothes() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:4860:4860::8888",
            "2002:101:101::1",
            "2606:4700::1111",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
