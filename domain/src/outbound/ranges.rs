//! Which addresses are on the public internet: IANA's registries of special-purpose addresses (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that no server of a stranger is in, with the bits that name them.
///
/// 192.0.0.0/24 as a whole: what is reachable of it are anycast addresses whose nearest host is a router of ours.
const CLOSED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All that is given out as global unicast (RFC 4291, 2.4); loopback, mapped, local and multicast are outside of it.
const UNICAST_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it is not for servers: protocol assignments with Teredo, and what documents write.
const CLOSED_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether a server of a stranger can be there.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within =
        |(network, bits): &(Ipv4Addr, u32)| (network.to_bits() ^ ip.to_bits()).leading_zeros() >= *bits;
    !CLOSED_V4.iter().any(within)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(target) = target_of_gateway(ip) {
        return is_public_v4(target);
    }
    let within =
        |(network, bits): &(Ipv6Addr, u32)| (network.to_bits() ^ ip.to_bits()).leading_zeros() >= *bits;
    within(&UNICAST_V6) && !CLOSED_V6.iter().any(within)
}

/// The IPv4 address that a gateway hands packets on to.
fn target_of_gateway(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        // 6to4 (RFC 3056), and NAT64 by its well-known prefix (RFC 6052), by which hosts without IPv4 reach it.
        [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}
