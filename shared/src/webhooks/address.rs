//! Which addresses a client may have called. A name says nothing: whoever connects looks at the addresses it resolves
//! to, at that moment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read, or is longer than 2,000 characters.
    #[error("it is no address of the web")]
    Malformed,
    /// `http`, or any other scheme.
    #[error("it must begin with https://")]
    Insecure,
    /// A user, a password or a fragment.
    #[error("it must hold no user, password or fragment")]
    Extras,
    /// A machine of this network, or of none.
    #[error("it is private, local or reserved")]
    Private,
}

/// Longest address.
const LONGEST: usize = 2000;

/// Judges an address before any name in it is resolved.
///
/// # Errors
/// Why it is not called.
pub fn judge(address: &str, allow_http: bool, allow_private: bool) -> Result<Url, Refused> {
    if address.len() > LONGEST {
        return Err(Refused::Malformed);
    }
    let url = Url::parse(address).map_err(|_| Refused::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err(Refused::Insecure),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Refused::Extras);
    }
    let literal = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => None,
        None => return Err(Refused::Malformed),
    };
    if literal.is_some_and(is_private) && !allow_private {
        return Err(Refused::Private);
    }
    Ok(url)
}

/// Whether it belongs to this machine, this network or nobody: everything the IANA registries of special-purpose
/// addresses do not call globally reachable, and multicast.
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        // 169.254.169.254, where clouds keep their metadata, is among them.
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        // Multicast, reserved, broadcast.
        || a >= 224
        || matches!(
            (a, b, c),
            (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _)
        )
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    // Those that carry an address of the older kind are judged by it: mapped, NAT64, 6to4.
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            carried(high, low)
        }
        [0x2002, high, low, ..] => carried(high, low),
        // Only this block is given to anybody; within it: protocol assignments (Teredo among them), documentation.
        [first, second, ..] => {
            first & 0xe000 != 0x2000
                || (first == 0x2001 && (second < 0x200 || second == 0xdb8))
                || (first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_inside_are_known() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
            "3fff::1",
        ] {
            assert!(is_private(inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_private(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_address_may_be_refused_before_its_name_is_asked_for() {
        let of = |address: &str| judge(address, false, false).err();
        assert_eq!(of("https://example.com/hook?x=1"), None);
        assert_eq!(of("https://localhost/"), None, "a name is judged when it is resolved");
        for private in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://192.168.0.1:8443/",
        ] {
            assert_eq!(of(private), Some(Refused::Private), "{private}");
        }
        assert_eq!(of("http://example.com/"), Some(Refused::Insecure));
        assert_eq!(of("ftp://example.com/"), Some(Refused::Insecure));
        assert_eq!(of("https://a:b@example.com/"), Some(Refused::Extras));
        assert_eq!(of("https://example.com/#x"), Some(Refused::Extras));
        assert_eq!(of("example.com"), Some(Refused::Malformed));
        assert_eq!(
            of(&format!("https://example.com/{}", "x".repeat(2000))),
            Some(Refused::Malformed)
        );
        assert_eq!(judge("http://127.0.0.1:80/", true, true).err(), None);
    }
}
