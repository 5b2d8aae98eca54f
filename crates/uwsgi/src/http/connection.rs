//! Headers that are about one connection.

use crate::http::content_length::has_no_length;
use crate::http::response::ResponseHead;

/// Whether a proxy passes on this header of an answer with this status. It drops headers about the connection, but it passes on
/// the `Connection` and the `Upgrade` of a 101.
///
/// ```
/// use uwsgi::response::passes;
///
/// assert!(passes(b"Upgrade", 101) && !passes(b"Upgrade", 200));
/// assert!(passes(b"Content-Length", 200) && !passes(b"Keep-Alive", 101));
/// ```
#[must_use]
pub fn passes(name: &[u8], status: u16) -> bool {
    let switches =
        status == 101 && [&b"connection"[..], b"upgrade"].iter().any(|other| name.eq_ignore_ascii_case(other));
    switches || !is_hop_by_hop(name)
}

/// Whether a header of an answer is about the connection that it came through. A proxy does not pass it on (RFC 9110 section
/// 7.6.1).
///
/// ```
/// assert!(uwsgi::response::is_hop_by_hop(b"Transfer-Encoding"));
/// assert!(!uwsgi::response::is_hop_by_hop(b"Content-Length"));
/// ```
#[must_use]
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    HOP_BY_HOP.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// Whether the values of a message's `Connection` headers list this header. A listed header is about the connection that the
/// message came through, and a proxy does not pass it on (RFC 9110 section 7.6.1).
///
/// The result is false for Host, Content-Length and Content-Type, because a message changes its meaning without them. Do not
/// use this function with the `Connection` in vars, which is about the client's connection to the front end: a client could
/// remove what the front end has set.
///
/// ```
/// use uwsgi::connection_lists;
///
/// assert!(connection_lists([&b"close, X-Secret"[..]], b"x-secret"));
/// assert!(!connection_lists([&b"Host"[..]], b"host"));
/// ```
pub fn connection_lists<'v>(connection: impl IntoIterator<Item = &'v [u8]>, name: &[u8]) -> bool {
    const NEVER: [&str; 3] = ["content-length", "content-type", "host"];
    let is_named = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(name);
    let mut options = connection.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
    options.any(is_named) && !NEVER.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes()))
}

impl<'a> ResponseHead<'a> {
    /// Returns the headers that a proxy passes on, in order. These are left out:
    ///
    /// - headers about the connection: see [`passes`];
    /// - headers that the `Connection` of the answer lists;
    /// - all options but `upgrade` in the `Connection` of a 101;
    /// - `Status`, which CGI has instead of a status line;
    /// - the Content-Length of an answer that must not have one: 1xx and 204 (RFC 9110 section 8.6).
    ///
    /// ```
    /// use uwsgi::response::ResponseHead;
    ///
    /// let head = ResponseHead::decode(b"Status: 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nETag: \"a\"\r\n\r\n")?;
    /// assert!(head.end_to_end_headers().eq([(&b"ETag"[..], &b"\"a\""[..])]));
    /// # Ok::<(), uwsgi::response::ResponseError>(())
    /// ```
    pub fn end_to_end_headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let (lines, status) = (self.headers(), self.status());
        let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let connection = self.headers().filter(move |(name, _)| is(name, "connection")).map(|(_, value)| value);
        let lists_any = connection.clone().next().is_some();
        lines.filter_map(move |(name, value)| {
            if status == 101 && is(name, "connection") {
                let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                return options.find(|option| is(option, "upgrade")).map(|upgrade| (name, upgrade));
            }
            // A 101 needs its `Upgrade`, and its `Connection` lists it.
            let is_kept = status == 101 && is(name, "upgrade");
            let is_listed = lists_any && !is_kept && connection_lists(connection.clone(), name);
            let is_forbidden = is(name, "status") || (has_no_length(status) && is(name, "content-length"));
            (passes(name, status) && !is_listed && !is_forbidden).then_some((name, value))
        })
    }
}

/// Headers about a connection, in requests and in answers (RFC 9110 section 7.6.1, RFC 9112 appendix C.2.2).
pub(crate) const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// More headers about a connection, which only requests have. The next proxy or server answers them itself: Expect (RFC 9110
/// section 10.1.1), HTTP2-Settings (RFC 7540 section 3.2.1) and Proxy-Authorization (RFC 9110 section 11.7.2).
pub(crate) const HOP_BY_HOP_IN_REQUESTS: [&str; 3] = ["expect", "http2-settings", "proxy-authorization"];
