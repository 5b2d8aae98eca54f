//! The names of headers, as CGI writes them in keys and as HTTP writes them (RFC 3875 section 4.1.18).

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::cgi::field_name;
use crate::http::connection::{HOP_BY_HOP, HOP_BY_HOP_IN_REQUESTS};
use crate::http::token::position_outside_token;

/// The name of a header, borrowed from the key that carries it: `HTTP_X_FORWARDED_FOR` is `x-forwarded-for`.
///
/// Comparison ignores case and the difference of `_` and `-`, as front ends do. Names are printed in lower case with dashes.
/// Nothing is allocated. A key does not tell what the client wrote: `X-A` and `X_A` are one name.
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
    /// The key begins with `HTTP_`; if not, it is `CONTENT_TYPE` or `CONTENT_LENGTH`.
    prefixed: bool,
}

impl<'a> HeaderName<'a> {
    /// Returns the name that a key carries: what follows `HTTP_`, or the name of `CONTENT_TYPE` or `CONTENT_LENGTH`.
    ///
    /// A key that is only `HTTP_` carries no name.
    #[inline]
    #[must_use]
    pub fn from_key(key: &'a [u8]) -> Option<Self> {
        match key {
            // A pattern of bytes needs no call. This runs for every var of a request, and a call takes longer than the
            // comparison.
            [b'H', b'T', b'T', b'P', b'_', name @ ..] => (!name.is_empty()).then_some(Self { name, prefixed: true }),
            b"CONTENT_TYPE" | b"CONTENT_LENGTH" => Some(Self { name: key, prefixed: false }),
            _ => None,
        }
    }

    /// Makes a name from its form in HTTP. Content-Type and Content-Length become the names of `CONTENT_TYPE` and
    /// `CONTENT_LENGTH`, not those of `HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH`.
    ///
    /// ```
    /// use uwsgi::HeaderName;
    ///
    /// assert_eq!(HeaderName::from_name("X-Foo"), HeaderName::from_key(b"HTTP_X_FOO").unwrap());
    /// assert!(!HeaderName::from_name("Content-Type").duplicates_content());
    /// ```
    #[must_use]
    pub fn from_name<N: AsRef<[u8]> + ?Sized>(name: &'a N) -> Self {
        let name = Self::of_header(name.as_ref());
        Self { prefixed: !name.duplicates_content(), ..name }
    }

    /// Makes a name from any bytes. Content-Type and Content-Length become the names of `HTTP_CONTENT_TYPE` and
    /// `HTTP_CONTENT_LENGTH`.
    pub(crate) const fn of_header(name: &'a [u8]) -> Self {
        Self { name, prefixed: true }
    }

    /// Whether the key that carries the name begins with `HTTP_`.
    pub(crate) const fn is_prefixed(&self) -> bool {
        self.prefixed
    }

    /// Returns the name as the key has it, without `HTTP_`. Known front ends send upper case and underscores.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.name
    }

    /// Returns the bytes of the name in lower case, with `-` for `_`.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> impl ExactSizeIterator<Item = u8> + DoubleEndedIterator + Clone + use<'a> {
        self.name.iter().map(|byte| printed(*byte))
    }

    /// Returns the key of the var that carries the header: the name in upper case with `_` for `-`. `HTTP_` comes before it,
    /// unless the name is that of `CONTENT_TYPE` or `CONTENT_LENGTH`. [`push_header`](crate::VarsEncoder::push_header) writes
    /// this key.
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

    /// Whether the header is about the connection between two peers of HTTP (RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2).
    /// It has no meaning over uwsgi, and a bridge to HTTP drops it.
    ///
    /// nginx, Apache and uWSGI's router pass these headers on as the client sent them. nginx sends `Transfer-Encoding` with a
    /// body that is no longer chunked.
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

    /// Whether the key is `HTTP_CONTENT_LENGTH` or `HTTP_CONTENT_TYPE`. `CONTENT_LENGTH` and `CONTENT_TYPE` carry the same
    /// headers, and only these two count.
    ///
    /// nginx and lighttpd send both forms. The length of the body is that of the key without `HTTP_`.
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

    /// Whether a bridge to HTTP passes this header of a request on. It passes all headers on that are neither [hop by
    /// hop](Self::is_hop_by_hop) nor [duplicates](Self::duplicates_content). If the request asks for an upgrade, it also passes
    /// `Upgrade` and `Connection` on, because the next server needs them.
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

    /// Returns the separator that joins the values of a header that came more than once: `; ` for Cookie (RFC 9113 section
    /// 8.2.3), `, ` for others (RFC 9110 section 5.3). `None` for a header that may have one value only: the last value counts.
    ///
    /// nginx sends a var twice where a `uwsgi_param` sets again what `include uwsgi_params` has set. uWSGI 2.0 and gunicorn 27
    /// read the last one. This crate does so for every header of one value that known front ends set.
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
        const ONE_VALUE: [&str; 19] = [
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
        if ONE_VALUE.iter().any(|name| self == *name) { None } else { Some(", ") }
    }

    /// Whether a token may have every byte of the name (RFC 9110 section 5.6.2). A front end may send other bytes.
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

/// Writes the name in lower case with dashes. A byte above ASCII is written as its character of Latin-1, and a control byte is
/// escaped.
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

/// Returns a byte of a name in lower case, and `-` for `_`.
#[inline]
const fn printed(byte: u8) -> u8 {
    match byte {
        b'_' => b'-',
        _ => byte.to_ascii_lowercase(),
    }
}
