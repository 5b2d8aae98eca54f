//! Header names as CGI writes them (RFC 3875 section 4.1.18), in both directions.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::cgi::field_name;
use crate::http::connection::{HOP_BY_HOP, HOP_BY_HOP_IN_REQUESTS};
use crate::http::token::position_outside_token;

/// A header's name, seen through the key that carries it: `HTTP_X_FORWARDED_FOR` is `x-forwarded-for`.
///
/// Comparison ignores case and takes `_` and `-` for the same, as the front end's own mapping does; printing gives
/// lower case and dashes. Nothing is allocated. The mapping loses what the client wrote: `X-A` and `X_A` are one name.
///
/// ```
/// use uwsgi::HeaderName;
///
/// let name = HeaderName::from_key(b"HTTP_X_FORWARDED_FOR").unwrap();
/// assert_eq!(name, "X-Forwarded-For");
/// assert_eq!(name.to_string(), "x-forwarded-for");
/// assert_eq!(name.as_bytes(), b"X_FORWARDED_FOR");
/// assert_eq!(HeaderName::from_key(b"HTTP_"), None); // no name after the prefix
/// assert_eq!(HeaderName::from_key(b"CONTENT_TYPE").unwrap(), "content-type");
/// assert_eq!(HeaderName::from_key(b"REQUEST_METHOD"), None);
/// ```
#[derive(Clone, Copy)]
pub struct HeaderName<'a> {
    name: &'a [u8],
    /// From a key with the prefix `HTTP_`; otherwise `CONTENT_TYPE` or `CONTENT_LENGTH` itself.
    prefixed: bool,
}

impl<'a> HeaderName<'a> {
    /// The header name that a var's key carries: after `HTTP_`, or `CONTENT_TYPE` and `CONTENT_LENGTH` themselves.
    ///
    /// A bare `HTTP_` carries none.
    #[inline]
    #[must_use]
    pub fn from_key(key: &'a [u8]) -> Option<Self> {
        match key {
            // Byte by byte: every var of a request is asked this, and a call would cost more than the comparison.
            [b'H', b'T', b'T', b'P', b'_', name @ ..] => (!name.is_empty()).then_some(Self { name, prefixed: true }),
            b"CONTENT_TYPE" | b"CONTENT_LENGTH" => Some(Self { name: key, prefixed: false }),
            _ => None,
        }
    }

    /// The name of a header as HTTP writes it. Content-Type and Content-Length are the names that `CONTENT_TYPE` and
    /// `CONTENT_LENGTH` carry, not `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH`.
    ///
    /// ```
    /// use uwsgi::HeaderName;
    ///
    /// assert_eq!(HeaderName::from_name("X-Foo"), HeaderName::from_key(b"HTTP_X_FOO").unwrap());
    /// assert!(!HeaderName::from_name("Content-Type").duplicates_content());
    /// ```
    #[must_use]
    pub fn from_name(name: &'a str) -> Self {
        let name = Self { name: name.as_bytes(), prefixed: true };
        Self { prefixed: !name.duplicates_content(), ..name }
    }

    /// A header's name with bytes of any kind.
    pub(crate) const fn of_header(name: &'a [u8]) -> Self {
        Self { name, prefixed: true }
    }

    /// Whether the key that carries it begins with `HTTP_`.
    pub(crate) const fn is_prefixed(&self) -> bool {
        self.prefixed
    }

    /// The name as the key has it, without `HTTP_`: upper case and underscores, from front ends that keep the rules.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.name
    }

    /// The bytes of the name in lower case, `-` for `_`.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> impl ExactSizeIterator<Item = u8> + DoubleEndedIterator + Clone + use<'a> {
        self.name.iter().map(|byte| printed(*byte))
    }

    /// The key of the var that carries the header: upper case, `_` for `-`, after `HTTP_` unless it is Content-Type or
    /// Content-Length. [`push_header`](crate::VarsEncoder::push_header) writes this key.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// assert!(HeaderName::from_name("X-Foo").key().eq(*b"HTTP_X_FOO"));
    /// assert!(HeaderName::from_name("content-type").key().eq(*b"CONTENT_TYPE"));
    /// ```
    pub fn key(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let prefix = if self.prefixed { field_name::PREFIX } else { &[] };
        prefix.iter().copied().chain(self.name.iter().map(|byte| field_name::folded(*byte)))
    }

    /// Whether the name is about the connection between two HTTP peers and says nothing here
    /// (RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2): a bridge to HTTP drops it.
    ///
    /// nginx, Apache and uWSGI's router pass these on as the client sent them. `Transfer-Encoding` is one: nginx
    /// sends it beside a body that is no longer chunked.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// assert!(HeaderName::from_key(b"HTTP_TRANSFER_ENCODING").unwrap().is_hop_by_hop());
    /// assert!(!HeaderName::from_key(b"HTTP_ACCEPT").unwrap().is_hop_by_hop());
    /// ```
    #[must_use]
    pub fn is_hop_by_hop(&self) -> bool {
        HOP_BY_HOP.iter().chain(&HOP_BY_HOP_IN_REQUESTS).any(|name| self == *name)
    }

    /// Whether this is `HTTP_CONTENT_LENGTH` or `HTTP_CONTENT_TYPE`: a client's header that `CONTENT_LENGTH` and
    /// `CONTENT_TYPE` already carry, and that must never stand for them.
    ///
    /// nginx and lighttpd send both forms. The body's length is the one without the prefix, whatever this one says.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// assert!(HeaderName::from_key(b"HTTP_CONTENT_LENGTH").unwrap().duplicates_content());
    /// assert!(!HeaderName::from_key(b"CONTENT_LENGTH").unwrap().duplicates_content());
    /// ```
    #[must_use]
    pub fn duplicates_content(&self) -> bool {
        self.prefixed && (self == "content-length" || self == "content-type")
    }

    /// Whether a bridge to HTTP passes this header of a request on. It passes all but those that are
    /// [hop by hop](Self::is_hop_by_hop) or [carried twice](Self::duplicates_content). Where the request asks for an upgrade,
    /// `Upgrade` and `Connection` pass too: without them the next server would not know of it.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// let connection = HeaderName::from_key(b"HTTP_CONNECTION").unwrap();
    /// assert!(!connection.passes(false) && connection.passes(true));
    /// assert!(HeaderName::from_key(b"HTTP_ACCEPT").unwrap().passes(false));
    /// assert!(!HeaderName::from_key(b"HTTP_TE").unwrap().passes(true));
    /// ```
    #[must_use]
    pub fn passes(&self, upgrade: bool) -> bool {
        let asks = upgrade && (self == "connection" || self == "upgrade");
        !self.duplicates_content() && (asks || !self.is_hop_by_hop())
    }

    /// What joins the values of a header that came more than once, where one value is asked for: `; ` for Cookie
    /// (RFC 9113 section 8.2.3), `, ` for others (RFC 9110 section 5.3). `None` for a header that may stand once: the last
    /// value counts.
    ///
    /// nginx sends a var twice when a `uwsgi_param` sets again what `include uwsgi_params` has set. uWSGI 2.0 and gunicorn 27
    /// read the last one; so do we for every header of one value that a front end is known to set.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// let separator = |key: &'static str| HeaderName::from_key(key.as_bytes()).unwrap().separator();
    /// assert_eq!(separator("HTTP_HOST"), None);
    /// assert_eq!(separator("HTTP_COOKIE"), Some("; "));
    /// assert_eq!(separator("HTTP_X_FORWARDED_FOR"), Some(", "));
    /// ```
    #[must_use]
    pub fn separator(&self) -> Option<&'static str> {
        const ONCE: [&str; 19] = [
            "authorization",
            "content-length",
            "content-type",
            "host",
            "if-modified-since",
            "if-range",
            "if-unmodified-since",
            "origin",
            "range",
            "referer",
            "upgrade",
            "user-agent",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-prefix",
            "x-forwarded-proto",
            "x-forwarded-ssl",
            "x-real-ip",
            "x-request-id",
        ];
        if self == "cookie" {
            return Some("; ");
        }
        if ONCE.iter().any(|name| self == *name) { None } else { Some(", ") }
    }

    /// Whether every byte may stand in a header name (RFC 9110 section 5.6.2); a front end may send others.
    #[must_use]
    pub fn is_token(&self) -> bool {
        position_outside_token(self.name).is_none()
    }
}

impl PartialEq for HeaderName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for HeaderName<'_> {}

impl Hash for HeaderName<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xff);
    }
}

impl PartialEq<str> for HeaderName<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self == other.as_bytes()
    }
}

impl PartialEq<&str> for HeaderName<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialEq<[u8]> for HeaderName<'_> {
    #[inline]
    fn eq(&self, other: &[u8]) -> bool {
        self.name.len() == other.len() && self.bytes().eq(other.iter().map(|byte| printed(*byte)))
    }
}

/// Lower case with dashes; a byte above ASCII as the latin-1 character it is, a control byte escaped.
impl fmt::Display for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for byte in self.bytes() {
            match byte {
                0..=0x1f | 0x7f..=0x9f => write!(f, "\\x{byte:02x}")?,
                _ => f.write_char(char::from(byte))?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A byte of a name as HTTP would print it.
#[inline]
const fn printed(byte: u8) -> u8 {
    match byte {
        b'_' => b'-',
        _ => byte.to_ascii_lowercase(),
    }
}
