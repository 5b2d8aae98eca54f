//! What the tests of findings look at: a request, with the questions that several of them ask.

use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashSet;

use uwsgi::{Host, Request, RequestUri, below_mount};

use crate::body::Body;

/// A request and its body's account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InspectedRequest<'a> {
    pub(crate) cgi: Request<'a>,
    pub(crate) body: Body,
}

impl<'a> InspectedRequest<'a> {
    /// The last var of this key, as it arrived.
    pub(crate) fn var(&self, key: &str) -> Option<&'a [u8]> {
        self.cgi.vars().get(key)
    }

    /// [`var`](Self::var), where it is not empty.
    pub(crate) fn non_empty(&self, key: &str) -> Option<&'a [u8]> {
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
        RequestUri::parse(self.cgi.request_uri().unwrap_or_default())
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
    pub(crate) fn requested_path(&self) -> Option<&'a [u8]> {
        self.uri().path().map(|path| if path.is_empty() { b"/" } else { path })
    }

    /// [`requested_path`](Self::requested_path), decoded once.
    pub(crate) fn decoded_requested_path(&self) -> Option<Vec<u8>> {
        match self.requested_path()? {
            b"/" => Some(b"/".to_vec()),
            _ => self.uri().decoded_path().map(Iterator::collect),
        }
    }

    /// `HTTP_HOST`, where it is a host.
    pub(crate) fn parsed_host(&self) -> Option<Host<'a>> {
        Host::parse(self.var("HTTP_HOST")?)
    }

    /// `REMOTE_ADDR` as an address; the zone of a link-local one is left out.
    pub(crate) fn remote_ip(&self) -> Option<IpAddr> {
        let text = self.ascii("REMOTE_ADDR")?;
        text.parse().ok().or_else(|| Some(zone(text)?.0.into()))
    }

    /// Whether this port is that of the scheme, which URLs do not name.
    pub(crate) fn is_default_port(&self, port: u16) -> bool {
        port == self.cgi.scheme().default_port()
    }

    /// Whether the vars are those of Apache httpd.
    pub(crate) fn is_apache(&self) -> bool {
        self.var("SERVER_SOFTWARE").is_some_and(|software| software.starts_with(b"Apache"))
    }

    /// Whether the vars are those of lighttpd.
    pub(crate) fn is_lighttpd(&self) -> bool {
        self.var("SERVER_SOFTWARE").is_some_and(|software| software.starts_with(b"lighttpd"))
    }

    /// `SCRIPT_NAME`, where there is no `PATH_INFO` and the client asked for something below it.
    pub(crate) fn mount_without_path_info(&self) -> Option<&'a [u8]> {
        let script = self.non_empty("SCRIPT_NAME").filter(|_| self.is_missing("PATH_INFO"))?;
        let below = below_mount(self.requested_path()?, script.strip_suffix(b"/").unwrap_or(script))?;
        (!below.is_empty() && script != b"/").then_some(script)
    }

    /// The keys that these tests hold for, each once, in wire order.
    pub(crate) fn keys_where(&self, mut is: impl FnMut(&'a [u8]) -> bool) -> Vec<&'a [u8]> {
        let mut seen = HashSet::new();
        let keys = self.cgi.vars().iter().map(|(key, _)| key);
        keys.filter(|key| is(key) && seen.insert(*key)).collect()
    }

    /// The values of the keys that came more than once, in the order of the keys.
    pub(crate) fn repeated_vars(&self) -> BTreeMap<&'a [u8], Vec<&'a [u8]>> {
        let mut values: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, value) in self.cgi.vars() {
            values.entry(key).or_default().push(value);
        }
        values.retain(|_, values| values.len() > 1);
        values
    }
}

/// A link-local address, and its zone (RFC 4007 section 11): `fe80::1%eth0`.
pub(crate) fn zone(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = text.split_once('%')?;
    let is_zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
    address.parse().ok().filter(|_| is_zone).map(|address| (address, zone))
}

/// A name that no URL can be built from.
pub(crate) fn is_placeholder_name(name: &[u8]) -> bool {
    matches!(name, b"" | b"_" | b"localhost")
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
    fn zones_follow_a_percent_sign() {
        for (text, is_zone) in [("fe80::1%eth0", true), ("fe80::1%", false), ("fe80::1", false), ("10.0.0.1%a", false)]
        {
            assert_eq!(zone(text).is_some(), is_zone, "{text}");
        }
    }

    #[test]
    fn percent_encoding_has_two_digits() {
        for (path, has) in [("/a", false), ("/%", false), ("/%4", false), ("/%4g", false), ("/%4a", true)] {
            assert_eq!(has_percent_encoding(path.as_bytes()), has, "{path}");
        }
    }
}
