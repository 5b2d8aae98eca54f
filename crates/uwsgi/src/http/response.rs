//! The head of the answer that a backend sends.

use core::mem::MaybeUninit;

use httparse::{Header, ParserConfig};

use crate::http::head::{HeaderLines, split_line};
use crate::http::head_facts::{Facts, Flags, facts, headers, offset};
use crate::http::head_limits::{HeadLimits, SLOTS};
use crate::http::response_error::{ResponseError, ResponseErrorKind};
use crate::http::status_line::{is_usual, read_status, split_status, split_status_code};

/// The head of a backend's answer, in any of the three styles that front ends read: with a status line, with a CGI `Status:`,
/// or with neither.
///
/// In a decoded head every line after the status line is a header. There is at most one Content-Length, and none beside a
/// Transfer-Encoding. A head with one bad line is refused (CVE-2023-27522, CVE-2024-24795). A status line wins over `Status:`.
/// A head with neither means 302 if it has a `Location`, else 200 (RFC 3875 section 6.2, as nginx reads it).
///
/// ```
/// use uwsgi::response::{HeadStyle, ResponseHead};
///
/// let head = ResponseHead::decode(b"Status: 404 Not Here\r\nContent-Length: 4\r\n\r\n")?;
/// assert_eq!((head.status(), head.reason()), (404, &b"Not Here"[..]));
/// assert_eq!(head.style(), HeadStyle::Cgi);
/// assert_eq!(head.content_length(), Some(4));
/// assert_eq!(head.header("content-length"), Some(&b"4"[..]));
/// # Ok::<(), uwsgi::response::ResponseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    /// The version in the status line. It is empty for a head in CGI form, which has no status line.
    version: &'a [u8],
    lines: &'a [u8],
    reason: &'a [u8],
    content_length: Option<u64>,
    count: usize,
    status: u16,
    style: HeadStyle,
    flags: Flags,
}

/// How a head gives its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadStyle {
    /// With neither a status line nor a `Status`: 302 if there is a `Location`, else 200.
    Bare,
    /// With the header `Status`.
    Cgi,
    /// With a line such as `HTTP/1.1 200 OK`.
    StatusLine,
}

impl<'a> ResponseHead<'a> {
    /// Decodes a head, which ends with its empty line. [`HeadEnd`](crate::response::HeadEnd) finds the end.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: refuse the whole answer.
    #[inline]
    pub fn decode(head: &'a [u8]) -> Result<Self, ResponseError> {
        Self::decode_with(head, &HeadLimits::default())
    }

    /// Decodes a head within `limits`.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_with(head: &'a [u8], limits: &HeadLimits) -> Result<Self, ResponseError> {
        if head.len() > limits.most_bytes() {
            return Err(ResponseError::new(ResponseErrorKind::TooLong, limits.most_bytes()));
        }
        let Some((version, [b' ', ..])) = head.split_at_checked(8).filter(|(version, _)| is_usual(version)) else {
            return Self::of_other(head, limits);
        };
        // httparse reads the status line too, if it is of HTTP/1.0 or HTTP/1.1. It does not clear uninitialized slots.
        let mut slots = [const { MaybeUninit::<Header<'_>>::uninit() }; SLOTS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, head, &mut slots);
        let (lines, status, reason) = match read_status(head, &response) {
            Some(read) => read,
            None => split_status(head)?,
        };
        let facts = facts(head, lines, parsed, response.headers, limits)?;
        Ok(Self::new(version, lines, reason, status, HeadStyle::StatusLine, facts))
    }

    /// Decodes the head at the start of `got`, if it is complete and httparse reads it in one pass. Returns it with its length.
    /// After `None` there may still be a head that [`decode_with`](Self::decode_with) decodes.
    #[inline]
    pub(crate) fn decode_at_once(got: &'a [u8], limits: &HeadLimits) -> Option<(Self, usize)> {
        let (version, _) = got.split_at_checked(8).filter(|(version, _)| is_usual(version))?;
        let mut slots = [const { MaybeUninit::<Header<'_>>::uninit() }; SLOTS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, got, &mut slots);
        let Ok(httparse::Status::Complete(len)) = parsed else { return None };
        let head = got.get(..len).filter(|head| head.len() <= limits.most_bytes())?;
        let (lines, status, reason) = read_status(head, &response)?;
        let facts = facts(head, lines, parsed, response.headers, limits).ok()?;
        Some((Self::new(version, lines, reason, status, HeadStyle::StatusLine, facts), len))
    }

    /// Decodes a head without a status line, or with a status line of a version other than HTTP/1.0 and HTTP/1.1. uWSGI 2.0
    /// answers with the version of the request, which may be HTTP/2.0.
    #[inline(never)]
    fn of_other(head: &'a [u8], limits: &HeadLimits) -> Result<Self, ResponseError> {
        if !head.starts_with(b"HTTP/") && split_line(head).is_some() {
            return Self::of_cgi(head, limits);
        }
        let (lines, status, reason) = split_status(head)?;
        let facts = headers(head, lines, limits)?;
        let version = head.split(|byte| *byte == b' ').next().unwrap_or_default();
        Ok(Self::new(version, lines, reason, status, HeadStyle::StatusLine, facts))
    }

    /// Decodes a head without a status line.
    fn of_cgi(head: &'a [u8], limits: &HeadLimits) -> Result<Self, ResponseError> {
        let facts = headers(head, head, limits)?;
        let mut statuses = HeaderLines::new(head).filter(|(name, _)| name.eq_ignore_ascii_case(b"status"));
        let (style, (status, reason)) = match (statuses.next(), statuses.next()) {
            (None, _) if facts.flags.has(Flags::LOCATION) => (HeadStyle::Bare, (302, &b"Found"[..])),
            (None, _) => (HeadStyle::Bare, (200, &b"OK"[..])),
            (Some((name, value)), None) => {
                let offset = offset(head, name);
                let status = split_status_code(value).ok_or(ResponseError::new(ResponseErrorKind::Status, offset))?;
                (HeadStyle::Cgi, status)
            }
            (Some(_), Some((name, _))) => {
                return Err(ResponseError::new(ResponseErrorKind::TwoOfAKind, offset(head, name)));
            }
        };
        Ok(Self::new(&[], head, reason, status, style, facts))
    }

    #[inline(always)]
    const fn new(
        version: &'a [u8],
        lines: &'a [u8],
        reason: &'a [u8],
        status: u16,
        style: HeadStyle,
        facts: Facts,
    ) -> Self {
        let Facts { count, content_length, flags } = facts;
        Self { version, lines, reason, content_length, count, status, style, flags }
    }

    /// Returns the version in the status line, such as `HTTP/1.1`; `None` where there is no status line.
    ///
    /// ```
    /// use uwsgi::response::ResponseHead;
    ///
    /// assert_eq!(ResponseHead::decode(b"HTTP/2.0 200 OK\r\n\r\n")?.version(), Some(&b"HTTP/2.0"[..]));
    /// assert_eq!(ResponseHead::decode(b"Status: 200 OK\r\n\r\n")?.version(), None);
    /// # Ok::<(), uwsgi::response::ResponseError>(())
    /// ```
    #[must_use]
    pub const fn version(&self) -> Option<&'a [u8]> {
        if self.version.is_empty() { None } else { Some(self.version) }
    }

    /// Returns the status, 100 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the text after the status; it may be empty.
    #[must_use]
    pub const fn reason(&self) -> &'a [u8] {
        self.reason
    }

    /// Returns how the head gives its status.
    #[must_use]
    pub const fn style(&self) -> HeadStyle {
        self.style
    }

    /// Whether the head is that of an interim answer, which another head follows: 1xx, except 101.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// Returns the value of `Content-Length`.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether `Transfer-Encoding` is `chunked`.
    #[must_use]
    pub const fn is_chunked(&self) -> bool {
        self.flags.has(Flags::CHUNKED)
    }

    /// Whether `Connection` has the option `close`.
    #[must_use]
    pub const fn says_close(&self) -> bool {
        self.flags.has(Flags::CLOSE)
    }

    /// Whether `Connection` has the option `keep-alive`.
    ///
    /// ```
    /// use uwsgi::response::ResponseHead;
    ///
    /// let head = ResponseHead::decode(b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n\r\n")?;
    /// assert!(head.says_keep_alive() && !head.says_close());
    /// # Ok::<(), uwsgi::response::ResponseError>(())
    /// ```
    #[must_use]
    pub const fn says_keep_alive(&self) -> bool {
        self.flags.has(Flags::KEEP_ALIVE)
    }

    /// Returns the number of header lines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no header lines.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the names and values of all header lines, in order, with duplicates and with `Status`.
    #[must_use]
    pub const fn headers(&self) -> HeaderLines<'a> {
        HeaderLines::new(self.lines)
    }

    /// Returns the value of the last header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).last().map(|(_, value)| value)
    }
}
