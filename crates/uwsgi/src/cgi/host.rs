//! The value of a Host header.

/// The value of a Host header: a host, and its port if it has one (RFC 9110 section 7.2, RFC 3986 section 3.2).
///
/// ```
/// use uwsgi::Host;
///
/// let host = Host::parse(b"[::1]:8080").unwrap();
/// assert_eq!((host.name(), host.port()), ("[::1]", Some("8080")));
/// assert_eq!(Host::parse(b"example.com").unwrap().port(), None);
/// for wrong in [&b""[..], b"a b", b"a/b", b"user@a", b"a:b", b"[::1", b"caf\xe9", b"a%zz"] {
///     assert!(Host::parse(wrong).is_none());
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Host<'a> {
    text: &'a str,
    name: &'a str,
    port: Option<&'a str>,
}

impl<'a> Host<'a> {
    /// Parses a host and its port; `None` where the bytes are not a host. The name has 1 to 255 bytes; the port may be empty.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let text = core::str::from_utf8(value).ok()?;
        // The colons of an IPv6 address are inside its brackets.
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (text, None),
        };
        let is_port = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let is_name = match name.strip_prefix('[') {
            Some(literal) => literal.strip_suffix(']').is_some_and(is_literal),
            None => is_registered_name(name),
        };
        (is_port && is_name).then_some(Self { text, name, port: port.filter(|port| !port.is_empty()) })
    }

    /// Returns the whole text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// Returns the name or the address; an IPv6 address has its brackets.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the port as it was written; `None` where it is empty or absent.
    #[must_use]
    pub const fn port(&self) -> Option<&'a str> {
        self.port
    }
}

/// Whether the text between brackets is an IPv6address without a zone, or an IPvFuture: `v`, hex digits, a dot and a text
/// (RFC 3986 section 3.2.2).
fn is_literal(literal: &str) -> bool {
    let future = literal.strip_prefix(['v', 'V']).and_then(|rest| rest.split_once('.'));
    let is_future = future.is_some_and(|(version, text)| {
        let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_version && !text.is_empty() && text.bytes().all(|byte| byte == b':' || is_name_byte(byte))
    });
    is_future || literal.parse::<core::net::Ipv6Addr>().is_ok()
}

/// The longest name of the DNS (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

/// Whether `name` is a reg-name that is not empty (RFC 3986 section 3.2.2), and not longer than any name of the DNS. An IPv4
/// address is one too.
fn is_registered_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            (byte, after) if is_name_byte(*byte) => after,
            _ => return false,
        };
    }
    !name.is_empty() && name.len() <= LONGEST_NAME
}

/// Whether the byte is one of unreserved or sub-delims (RFC 3986 sections 2.3 and 2.2).
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::Host;

    /// Values, and whether they are hosts (RFC 3986 section 3.2.2).
    const ROWS: &[(&str, bool)] = &[
        ("[::1]", true),
        ("[v1.a:b]", true),
        ("[VFe.!]:80", true),
        ("[v]", false),
        ("[v1]", false),
        ("[v1.]", false),
        ("[v.a]", false),
        ("[vg.a]", false),
        ("[v1.a/b]", false),
        ("[fe80::1%eth0]", false),
        ("[]", false),
    ];

    #[test]
    fn a_name_is_not_longer_than_any_of_the_dns() {
        let [longest, longer] = [255, 256].map(|length| "a".repeat(length));
        assert!(Host::parse(longest.as_bytes()).is_some_and(|host| host.name() == longest));
        assert_eq!(Host::parse(longer.as_bytes()), None);
    }

    #[test]
    fn literals() {
        for (value, expected) in ROWS {
            assert_eq!(Host::parse(value.as_bytes()).is_some(), *expected, "{value}");
        }
    }
}
