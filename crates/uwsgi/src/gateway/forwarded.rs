//! What proxies say about the client of a request.

use core::net::{IpAddr, SocketAddr};

use crate::cgi::name::HeaderName;
use crate::cgi::scheme::Scheme;
use crate::gateway::list::elements;

/// Whether a header says who the client of a proxy is. A gateway believes such a header only from a proxy that it knows, because
/// every client can send it.
///
/// These are Forwarded (RFC 7239), X-Forwarded-For and all other X-Forwarded-*, X-Real-IP, X-Client-Cert, Client-Cert and
/// Client-Cert-Chain (RFC 9440). Case does not matter, and `_` is the same as `-`, because the key of a var does not show the
/// difference.
///
/// ```
/// use uwsgi::gateway::is_forwarding_header;
///
/// assert!(is_forwarding_header("X-Forwarded-For") && is_forwarding_header("x_real_ip"));
/// assert!(!is_forwarding_header("X-Request-Id"));
/// ```
#[must_use]
pub fn is_forwarding_header(name: &str) -> bool {
    const NAMES: [&str; 5] = ["client-cert", "client-cert-chain", "forwarded", "x-client-cert", "x-real-ip"];
    const PREFIX: &[u8] = b"x-forwarded-";
    let name = HeaderName::from_name(name);
    let has_prefix = || name.bytes().take(PREFIX.len()).eq(PREFIX.iter().copied());
    has_prefix() || NAMES.iter().any(|other| name == *other)
}

/// Finds the client in the values of `X-Forwarded-For`: the last address that is not the address of a trusted proxy. Each proxy
/// adds the address of its own client at the end, so the addresses before it may be invented. `None` where there is no such
/// address.
///
/// The search goes from right to left. It ends at an entry that is not an address, because nobody knows which proxy added what is
/// before it. An entry may have a port, and an IPv6 address may have brackets, as nginx 1.22 and gunicorn 27 accept them.
///
/// ```
/// use uwsgi::gateway::client_address;
/// use uwsgi::server::AllowList;
///
/// let proxies = AllowList::parse("10.0.0.0/8").unwrap();
/// let client = |value: &str| client_address([value.as_bytes()], |address| proxies.allows(address));
/// assert_eq!(client("198.51.100.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9".parse().ok());
/// assert_eq!(client("203.0.113.9, unknown, 10.0.0.2"), None);
/// assert_eq!(client("10.0.0.1, 10.0.0.2"), None);
/// ```
pub fn client_address<'v, V>(forwarded_for: V, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr>
where
    V: IntoIterator<Item = &'v [u8], IntoIter: DoubleEndedIterator>,
{
    let addresses = elements(forwarded_for).rev().map_while(address);
    let mut untrusted = addresses.filter(|address| !is_trusted(*address));
    untrusted.next()
}

/// Returns the scheme that the values of `X-Forwarded-Proto` name. The last element counts, because the nearest proxy wrote it.
/// `None` where it is neither `http` nor `https`.
///
/// ```
/// use uwsgi::gateway::forwarded_scheme;
/// use uwsgi::Scheme;
///
/// assert_eq!(forwarded_scheme([&b"http, HTTPS"[..]]), Some(Scheme::Https));
/// assert_eq!(forwarded_scheme([&b"wss"[..]]), None);
/// ```
pub fn forwarded_scheme<'v, V>(forwarded_proto: V) -> Option<Scheme>
where
    V: IntoIterator<Item = &'v [u8], IntoIter: DoubleEndedIterator>,
{
    let last = elements(forwarded_proto).next_back()?;
    [Scheme::Http, Scheme::Https].into_iter().find(|scheme| last.eq_ignore_ascii_case(scheme.as_str().as_bytes()))
}

/// Reads an address, with or without a port. An IPv4-mapped address of IPv6 becomes one of IPv4.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip())),
    };
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::{client_address, forwarded_scheme, is_forwarding_header};
    use crate::cgi::scheme::Scheme;
    use crate::server::{AllowList, Network};

    /// The name of a header, and whether it is one of the family.
    const NAMES: &[(&str, bool)] = &[
        ("Forwarded", true),
        ("FORWARDED", true),
        ("X-Forwarded-For", true),
        ("X-Forwarded-Proto", true),
        ("X-Forwarded-Host", true),
        ("X-Forwarded-Port", true),
        ("X-Forwarded-Prefix", true),
        ("X-Forwarded-Client-Cert", true),
        ("X-Forwarded-", true),
        ("X_Forwarded_For", true),
        ("x-forwarded_for", true),
        ("X-Real-IP", true),
        ("X_Real-Ip", true),
        ("X-Client-Cert", true),
        ("Client-Cert", true),
        ("Client_Cert", true),
        ("Client-Cert-Chain", true),
        ("", false),
        ("X-Forwarded", false),
        ("X-Forwarder-For", false),
        ("XX-Forwarded-For", false),
        ("Forwarded-For", false),
        ("X-Real-IPs", false),
        ("X-Request-Id", false),
        ("Client-Certs", false),
        ("Via", false),
        ("Host", false),
    ];

    #[test]
    fn names() {
        for (name, expected) in NAMES {
            assert_eq!(is_forwarding_header(name), *expected, "{name}");
        }
    }

    /// The values of X-Forwarded-For, and the client; 10.0.0.0/8 and fd00::/8 are trusted.
    const CLIENTS: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&[""], None),
        (&[" , "], None),
        (&["203.0.113.9"], Some("203.0.113.9")),
        (&[" 203.0.113.9\t"], Some("203.0.113.9")),
        (&["203.0.113.9,"], Some("203.0.113.9")),
        (&["203.0.113.9,,10.0.0.1"], Some("203.0.113.9")),
        (&["198.51.100.1, 203.0.113.9"], Some("203.0.113.9")),
        (&["198.51.100.1, 203.0.113.9, 10.0.0.1, 10.1.2.3"], Some("203.0.113.9")),
        (&["198.51.100.1", "203.0.113.9", "10.0.0.1"], Some("203.0.113.9")),
        (&["198.51.100.1, 203.0.113.9", ""], Some("203.0.113.9")),
        (&["10.0.0.1"], None),
        (&["10.0.0.1, 10.0.0.2"], None),
        (&["10.0.0.1, 203.0.113.9, 10.0.0.2"], Some("203.0.113.9")),
        (&["203.0.113.9, unknown"], None),
        (&["203.0.113.9, unknown, 10.0.0.2"], None),
        (&["unknown, 203.0.113.9"], Some("203.0.113.9")),
        (&["203.0.113.9, _hidden"], None),
        (&["203.0.113.9, unix:"], None),
        (&["203.0.113.9 10.0.0.1"], None),
        (&["203.0.113.256"], None),
        (&["203.0.113.09"], None),
        (&["\"203.0.113.9\""], None),
        (&["for=203.0.113.9"], None),
        (&["203.0.113.9:8080"], Some("203.0.113.9")),
        (&["203.0.113.9:8080, 10.0.0.1:443"], Some("203.0.113.9")),
        (&["203.0.113.9:"], None),
        (&["203.0.113.9:65536"], None),
        (&["[203.0.113.9]"], None),
        (&["2001:db8::1"], Some("2001:db8::1")),
        (&["[2001:db8::1]"], Some("2001:db8::1")),
        (&["[2001:db8::1]:8080"], Some("2001:db8::1")),
        (&["2001:db8::1, fd00::2"], Some("2001:db8::1")),
        (&["[2001:db8::1"], None),
        (&["fe80::1%eth0"], None),
        (&["::ffff:203.0.113.9"], Some("203.0.113.9")),
        (&["203.0.113.9, ::ffff:10.0.0.1"], Some("203.0.113.9")),
        (&["caf\u{e9}"], None),
    ];

    #[test]
    fn clients() {
        let trusted = AllowList::new(["10.0.0.0/8", "fd00::/8"].map(|network| network.parse::<Network>().unwrap()));
        for (values, expected) in CLIENTS {
            let values = values.iter().map(|value| value.as_bytes());
            let got = client_address(values.clone(), |address| trusted.allows(address));
            assert_eq!(got, expected.map(|address| address.parse::<IpAddr>().unwrap()), "{values:?}");
        }
    }

    /// The values of X-Forwarded-Proto, and the scheme.
    const SCHEMES: &[(&[&str], Option<Scheme>)] = &[
        (&[], None),
        (&[""], None),
        (&["http"], Some(Scheme::Http)),
        (&["https"], Some(Scheme::Https)),
        (&["HTTPS"], Some(Scheme::Https)),
        (&[" https "], Some(Scheme::Https)),
        (&["https,"], Some(Scheme::Https)),
        (&["https, http"], Some(Scheme::Http)),
        (&["http", "https"], Some(Scheme::Https)),
        (&["https", "ws"], None),
        (&["https://"], None),
        (&["on"], None),
    ];

    #[test]
    fn schemes() {
        for (values, expected) in SCHEMES {
            assert_eq!(forwarded_scheme(values.iter().map(|value| value.as_bytes())), *expected, "{values:?}");
        }
    }
}
