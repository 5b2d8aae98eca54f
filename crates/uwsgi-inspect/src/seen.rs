//! What the tests of findings look at: a request, with the questions that several of them ask.

use alloc::collections::BTreeMap;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashSet;

use uwsgi::{Host, Request, RequestUri};

use crate::escape::Escaped;
use crate::report::Body;

/// A request and its body's account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) body: Body,
}

impl<'a> Seen<'a> {
    /// The last var of this key, as it arrived.
    pub(crate) fn var(&self, key: &str) -> Option<&'a [u8]> {
        self.request.vars().get(key)
    }

    /// [`var`](Self::var), where it is not empty.
    pub(crate) fn filled(&self, key: &str) -> Option<&'a [u8]> {
        self.var(key).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_missing(&self, key: &str) -> bool {
        self.var(key).is_none()
    }

    /// The text, where the value is ASCII; names and numbers are.
    pub(crate) fn ascii(&self, key: &str) -> Option<&'a str> {
        self.var(key).filter(|value| value.is_ascii()).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// `REQUEST_URI`, taken apart.
    fn uri(&self) -> RequestUri<'a> {
        RequestUri::parse(self.request.request_uri().unwrap_or_default())
    }

    /// `PATH_INFO` as a path: without the scheme and the host that uWSGI's router leaves in it.
    pub(crate) fn path_info(&self) -> Option<&'a [u8]> {
        self.var("PATH_INFO").map(|path| self.uri().path_of(path))
    }

    /// `SCRIPT_NAME` and `PATH_INFO` together: the path that the application takes the request to have.
    pub(crate) fn path(&self) -> Vec<u8> {
        [self.var("SCRIPT_NAME"), self.path_info()].into_iter().flatten().flatten().copied().collect()
    }

    /// The path that the client asked for, as it wrote it; `None` where `REQUEST_URI` has no path. An absolute URI without one
    /// asks for `/` (RFC 9110 section 4.2.3).
    pub(crate) fn asked(&self) -> Option<&'a [u8]> {
        self.uri().path().map(|path| if path.is_empty() { b"/" } else { path })
    }

    /// [`asked`](Self::asked), decoded once.
    pub(crate) fn asked_decoded(&self) -> Option<Vec<u8>> {
        match self.asked()? {
            b"/" => Some(b"/".to_vec()),
            _ => self.uri().decoded_path().map(Iterator::collect),
        }
    }

    /// `HTTP_HOST`, where it is a host.
    pub(crate) fn host(&self) -> Option<Host<'a>> {
        Host::parse(self.var("HTTP_HOST")?)
    }

    /// `REMOTE_ADDR` as an address; the zone of a link-local one is left out.
    pub(crate) fn remote(&self) -> Option<IpAddr> {
        let text = self.ascii("REMOTE_ADDR")?;
        text.parse().ok().or_else(|| Some(zone(text)?.0.into()))
    }

    /// Whether this port is that of the scheme, which URLs do not name.
    pub(crate) fn is_default_port(&self, port: u16) -> bool {
        port == self.request.scheme().default_port()
    }

    /// Whether the vars are those of Apache httpd.
    pub(crate) fn is_apache(&self) -> bool {
        self.var("SERVER_SOFTWARE").is_some_and(|software| software.starts_with(b"Apache"))
    }

    /// The keys that these tests hold for, each once, in wire order.
    pub(crate) fn keys(&self, mut is: impl FnMut(&'a [u8]) -> bool) -> Vec<&'a [u8]> {
        let mut seen = HashSet::new();
        let keys = self.request.vars().iter().map(|(key, _)| key);
        keys.filter(|key| is(key) && seen.insert(*key)).collect()
    }

    /// The values of the keys that came more than once, in the order of the keys.
    pub(crate) fn repeated(&self) -> BTreeMap<&'a [u8], Vec<&'a [u8]>> {
        let mut values: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, value) in self.request.vars() {
            values.entry(key).or_default().push(value);
        }
        values.retain(|_, values| values.len() > 1);
        values
    }
}

/// Bytes from outside in a sentence: escaped, and cut short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

impl Shown<'_> {
    /// Longer values are cut.
    const MOST: usize = 60;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(Self::MOST) {
            Some((start, rest)) if !rest.is_empty() => write!(f, "{}…", Escaped(start)),
            _ => write!(f, "{}", Escaped(self.0)),
        }
    }
}

/// Names in a sentence: `A, B and C`, and how many more where there are many.
pub(crate) fn listed(names: &[&[u8]]) -> String {
    enumerated(names.iter().map(|name| Shown(name).to_string()).collect())
}

/// Parts of a sentence: `a, b and c`, and how many more where there are many.
pub(crate) fn enumerated(mut parts: Vec<String>) -> String {
    const MOST: usize = 5;
    let more = parts.len().saturating_sub(MOST);
    if more > 0 {
        parts.truncate(MOST);
        parts.push(format!("{more} more"));
    }
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A link-local address, and its zone (RFC 4007 section 11): `fe80::1%eth0`.
pub(crate) fn zone(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = text.split_once('%')?;
    let is_zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
    address.parse().ok().filter(|_| is_zone).map(|address| (address, zone))
}

/// Whether a `%` with two hex digits is in it.
pub(crate) fn has_percent_encoding(path: &[u8]) -> bool {
    path.windows(3).any(|three| matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Not out on the internet: loopback, RFC 1918, RFC 4193, link-local.
pub(crate) fn is_private(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_in_and() {
        for (names, text) in [
            (&[][..], ""),
            (&[&b"A"[..]], "A"),
            (&[b"A", b"B"], "A and B"),
            (&[b"A", b"B", b"C"], "A, B and C"),
            (&[b"A", b"B", b"C", b"D", b"E"], "A, B, C, D and E"),
            (&[b"A", b"B", b"C", b"D", b"E", b"F", b"G"], "A, B, C, D, E and 2 more"),
        ] {
            assert_eq!(listed(names), text);
        }
    }

    #[test]
    fn zones_follow_a_percent_sign() {
        for (text, is_zone) in [("fe80::1%eth0", true), ("fe80::1%", false), ("fe80::1", false), ("10.0.0.1%a", false)]
        {
            assert_eq!(zone(text).is_some(), is_zone, "{text}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(Shown(&[b'a'; 60]).to_string(), "a".repeat(60));
        assert_eq!(Shown(&[b'a'; 61]).to_string(), format!("{}…", "a".repeat(60)));
        assert_eq!(Shown(b"a\n").to_string(), "a\\x0a");
    }

    #[test]
    fn percent_encoding_has_two_digits() {
        for (path, has) in [("/a", false), ("/%", false), ("/%4", false), ("/%4g", false), ("/%4a", true)] {
            assert_eq!(has_percent_encoding(path.as_bytes()), has, "{path}");
        }
    }
}
