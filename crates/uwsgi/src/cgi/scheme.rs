//! The scheme of a request.

use crate::wire::vars::Vars;

/// The scheme of the client's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums, reason = "CGI knows these two")]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// Returns `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port of URLs that name no port: 80 or 443 (RFC 9110 sections 4.2.1 and 4.2.2).
    ///
    /// ```
    /// assert_eq!(uwsgi::Scheme::Https.default_port(), 443);
    /// ```
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// Returns the scheme that these vars name, by the rule of [`Request::scheme`](crate::Request::scheme); `None` where no var
    /// names one.
    ///
    /// ```
    /// use uwsgi::{Packet, Scheme};
    ///
    /// let (packet, _) = Packet::decode(b"\0\x0b\0\0\x05\0HTTPS\x02\0on")?;
    /// assert_eq!(Scheme::of_vars(&packet.vars()?), Some(Scheme::Https));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn of_vars(vars: &Vars<'_>) -> Option<Self> {
        let names = ["REQUEST_SCHEME", "UWSGI_SCHEME", "wsgi.url_scheme"].map(|key| vars.get(key));
        Self::of_values(vars.get("HTTPS"), names)
    }

    /// Returns the scheme: https if `https`, the value of `HTTPS`, means it; else the first scheme in `names`, the values of
    /// the vars that name one.
    pub(crate) fn of_values(https: Option<&[u8]>, names: [Option<&[u8]>; 3]) -> Option<Self> {
        if https.is_some_and(says_https) {
            return Some(Self::Https);
        }
        names.into_iter().flatten().find_map(Self::named)
    }

    /// Returns the scheme that a value names, in lower case as front ends send it.
    const fn named(value: &[u8]) -> Option<Self> {
        match value {
            b"http" => Some(Self::Http),
            b"https" => Some(Self::Https),
            _ => None,
        }
    }
}

/// Whether a value of `HTTPS` means that the scheme is https.
pub(crate) fn says_https(value: &[u8]) -> bool {
    [&b"on"[..], b"1", b"true"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}
