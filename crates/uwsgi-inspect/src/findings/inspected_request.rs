//! The request that the tests of the findings check, with the functions that several tests use.

use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashSet;

use uwsgi::{Host, Request, RequestUri, below_mount};

use crate::body::Body;

/// A request, and what the server knows about its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InspectedRequest<'a> {
    /// The request as an application sees it.
    pub(crate) cgi: Request<'a>,
    pub(crate) body: Body,
}

impl<'a> InspectedRequest<'a> {
    /// Returns the value of the last var with this key.
    pub(crate) fn var(&self, key: &str) -> Option<&'a [u8]> {
        self.cgi.vars().get(key)
    }

    /// Returns the value of the last var with this key, unless it is empty.
    pub(crate) fn non_empty(&self, key: &str) -> Option<&'a [u8]> {
        self.var(key).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_missing(&self, key: &str) -> bool {
        self.var(key).is_none()
    }

    /// Returns the value of the last var with this key as text, if it is ASCII. Names and numbers are ASCII.
    pub(crate) fn ascii(&self, key: &str) -> Option<&'a str> {
        self.var(key).filter(|value| value.is_ascii()).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Parses `REQUEST_URI`.
    fn uri(&self) -> RequestUri<'a> {
        RequestUri::parse(self.cgi.request_uri().unwrap_or_default())
    }

    /// Returns `PATH_INFO` without the scheme and the host that uWSGI's router leaves in it.
    pub(crate) fn path_info(&self) -> Option<&'a [u8]> {
        self.var("PATH_INFO").map(|path| self.uri().path_of(path))
    }

    /// Returns `SCRIPT_NAME` and `PATH_INFO` together: the path of the request, as the application sees it.
    pub(crate) fn path(&self) -> Vec<u8> {
        [self.var("SCRIPT_NAME"), self.path_info()].into_iter().flatten().flatten().copied().collect()
    }

    /// Returns the path that the client requested, as the client wrote it. Returns `None` if `REQUEST_URI` has no path. The
    /// path of an absolute URI without one is `/` (RFC 9110 section 4.2.3).
    pub(crate) fn requested_path(&self) -> Option<&'a [u8]> {
        self.uri().path().map(|path| if path.is_empty() { b"/" } else { path })
    }

    /// Returns the [requested path](Self::requested_path), decoded once.
    pub(crate) fn decoded_requested_path(&self) -> Option<Vec<u8>> {
        match self.requested_path()? {
            b"/" => Some(b"/".to_vec()),
            _ => self.uri().decoded_path().map(Iterator::collect),
        }
    }

    /// Parses `HTTP_HOST`. Returns `None` if it is not a host.
    pub(crate) fn parsed_host(&self) -> Option<Host<'a>> {
        Host::parse(self.var("HTTP_HOST")?)
    }

    /// Parses `REMOTE_ADDR`. Drops the zone of a link-local address.
    pub(crate) fn remote_ip(&self) -> Option<IpAddr> {
        let text = self.ascii("REMOTE_ADDR")?;
        text.parse().ok().or_else(|| Some(split_zone(text)?.0.into()))
    }

    /// Returns whether this is the default port of the scheme. URLs leave that port out.
    pub(crate) fn is_default_port(&self, port: u16) -> bool {
        port == self.cgi.scheme().default_port()
    }

    /// Returns whether Apache httpd sent the vars.
    pub(crate) fn is_apache(&self) -> bool {
        self.var("SERVER_SOFTWARE").is_some_and(|software| software.starts_with(b"Apache"))
    }

    /// Returns whether lighttpd sent the vars.
    pub(crate) fn is_lighttpd(&self) -> bool {
        self.var("SERVER_SOFTWARE").is_some_and(|software| software.starts_with(b"lighttpd"))
    }

    /// Returns `SCRIPT_NAME` if `PATH_INFO` is missing and the client requested a path below `SCRIPT_NAME`.
    pub(crate) fn mount_without_path_info(&self) -> Option<&'a [u8]> {
        let script = self.non_empty("SCRIPT_NAME").filter(|_| self.is_missing("PATH_INFO"))?;
        let below = below_mount(self.requested_path()?, script.strip_suffix(b"/").unwrap_or(script))?;
        (!below.is_empty() && script != b"/").then_some(script)
    }

    /// Returns the keys that match, each once, in wire order.
    pub(crate) fn keys_where(&self, mut matches: impl FnMut(&'a [u8]) -> bool) -> Vec<&'a [u8]> {
        let mut found = HashSet::new();
        let keys = self.cgi.vars().iter().map(|(key, _)| key);
        keys.filter(|key| matches(key) && found.insert(*key)).collect()
    }

    /// Returns the values of each key that came more than once, sorted by key.
    pub(crate) fn repeated_vars(&self) -> BTreeMap<&'a [u8], Vec<&'a [u8]>> {
        let mut values: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (key, value) in self.cgi.vars() {
            values.entry(key).or_default().push(value);
        }
        values.retain(|_, values| values.len() > 1);
        values
    }
}

/// Splits a link-local address from its zone (RFC 4007 section 11): `fe80::1%eth0`.
pub(crate) fn split_zone(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = text.split_once('%')?;
    let is_zone = !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic());
    address.parse().ok().filter(|_| is_zone).map(|address| (address, zone))
}

/// Returns whether no URL can be built from this server name.
pub(crate) fn is_placeholder_name(name: &[u8]) -> bool {
    matches!(name, b"" | b"_" | b"localhost")
}

/// Returns whether the path has a `%` with two hex digits.
pub(crate) fn has_percent_encoding(path: &[u8]) -> bool {
    path.windows(3).any(|three| matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Returns whether an address is not on the internet: loopback, RFC 1918, RFC 4193 or link-local.
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
    fn a_zone_follows_a_percent_sign() {
        for (text, is_zone) in [("fe80::1%eth0", true), ("fe80::1%", false), ("fe80::1", false), ("10.0.0.1%a", false)]
        {
            assert_eq!(split_zone(text).is_some(), is_zone, "{text}");
        }
    }

    #[test]
    fn a_percent_sign_with_two_hex_digits_is_percent_encoding() {
        for (path, has) in [("/a", false), ("/%", false), ("/%4", false), ("/%4g", false), ("/%4a", true)] {
            assert_eq!(has_percent_encoding(path.as_bytes()), has, "{path}");
        }
    }
}
