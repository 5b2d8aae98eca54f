//! The head of the answer to a request: what a backend sends.

use core::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, ParserConfig};

use crate::http::framing::content_length;
use crate::http::head::{HeaderLines, split_line};
use crate::http::response_error::{ResponseError, ResponseErrorKind};

/// The head of a backend's answer, in any of the three ways that front ends read: with a status line, with a CGI
/// `Status:`, or with neither.
///
/// The value is the proof that every line is a header, that there is one length at most, and none beside a
/// Transfer-Encoding: one bad line refuses the whole head (CVE-2023-27522, CVE-2024-24795). A status line wins over
/// `Status:`; with neither, `Location` means 302 and its absence 200 (RFC 3875 section 6.2, as nginx reads it).
///
/// ```
/// use uwsgi::response::{HeadStyle, ResponseHead};
///
/// let head = ResponseHead::decode(b"Status: 404 Not Here\r\nContent-Length: 4\r\n\r\n")?;
/// assert_eq!((head.status(), head.reason()), (404, &b"Not Here"[..]));
/// assert_eq!(head.style(), HeadStyle::Cgi);
/// assert_eq!(head.content_length(), Some(4));
/// assert_eq!(head.get("content-length"), Some(&b"4"[..]));
/// # Ok::<(), uwsgi::response::ResponseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    /// Of the status line; empty without one.
    version: &'a [u8],
    lines: &'a [u8],
    reason: &'a [u8],
    content_length: Option<u64>,
    count: usize,
    status: u16,
    style: HeadStyle,
    flags: Flags,
}

/// What header lines say that is either so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Flags(u8);

impl Flags {
    const CHUNKED: Self = Self(1);
    const LOCATION: Self = Self(2);
    const CLOSE: Self = Self(4);
    const KEEP_ALIVE: Self = Self(8);

    const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }
}

/// How a head says its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadStyle {
    /// With neither: 302 beside a `Location`, else 200.
    Bare,
    /// With the header `Status`.
    Cgi,
    /// With a line such as `HTTP/1.1 200 OK`.
    StatusLine,
}

/// What the header lines say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Facts {
    count: usize,
    content_length: Option<u64>,
    flags: Flags,
}

/// What a head may have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeadLimits {
    pub(crate) bytes: u32,
    pub(crate) lines: u16,
}

impl Default for HeadLimits {
    /// 64 KiB and 256 header lines.
    fn default() -> Self {
        Self { bytes: 65536, lines: MOST_LINES }
    }
}

/// As many lines as there are places for on the stack.
const MOST_LINES: u16 = 256;
const SLOTS: usize = 256;

impl HeadLimits {
    /// The most bytes of a head, its empty line counted.
    #[must_use]
    pub const fn with_bytes(self, bytes: u32) -> Self {
        Self { bytes, ..self }
    }

    /// The most header lines, 256 at most: more are taken as 256.
    #[must_use]
    pub const fn with_lines(self, lines: u16) -> Self {
        Self { lines: if lines > MOST_LINES { MOST_LINES } else { lines }, ..self }
    }

    /// The most bytes of a head.
    pub(crate) fn most_bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}

impl<'a> ResponseHead<'a> {
    /// The head that these bytes are, to the end of its empty line: [`HeadEnd`](crate::response::HeadEnd) finds it.
    ///
    /// # Errors
    ///
    /// [`ResponseError`]: the whole answer must be refused.
    #[inline]
    pub fn decode(head: &'a [u8]) -> Result<Self, ResponseError> {
        Self::decode_with(head, &HeadLimits::default())
    }

    /// [`decode`](Self::decode), held to `limits`.
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
        // httparse reads the two versions that backends answer with, status line and all, without preparing its slots.
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

    /// The head at the start of `got`, and its length, if httparse reads it all at once; else nothing is said about it.
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

    /// A head without a status line, or with one of another version: uWSGI 2.0 answers with the version that it was asked
    /// with, HTTP/2.0 too.
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

    /// A head without a status line.
    fn of_cgi(head: &'a [u8], limits: &HeadLimits) -> Result<Self, ResponseError> {
        let facts = headers(head, head, limits)?;
        let mut said = HeaderLines::new(head).filter(|(name, _)| name.eq_ignore_ascii_case(b"status"));
        let (style, (status, reason)) = match (said.next(), said.next()) {
            (None, _) if facts.flags.has(Flags::LOCATION) => (HeadStyle::Bare, (302, &b"Found"[..])),
            (None, _) => (HeadStyle::Bare, (200, &b"OK"[..])),
            (Some((name, value)), None) => {
                let offset = offset(head, name);
                let status = status_code(value).ok_or(ResponseError::new(ResponseErrorKind::Status, offset))?;
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

    /// What stands before the status of a status line: `HTTP/1.1`, or whatever version the backend says.
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

    /// The status, 100 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The text behind the status, maybe empty.
    #[must_use]
    pub const fn reason(&self) -> &'a [u8] {
        self.reason
    }

    /// How the head says its status.
    #[must_use]
    pub const fn style(&self) -> HeadStyle {
        self.style
    }

    /// Whether another head follows, of the answer itself: 1xx, but for 101.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// `Content-Length`, where there is one.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether `Transfer-Encoding` says `chunked`.
    #[must_use]
    pub const fn is_chunked(&self) -> bool {
        self.flags.has(Flags::CHUNKED)
    }

    /// Whether `Connection` says `close`, alone or in a list.
    #[must_use]
    pub const fn says_close(&self) -> bool {
        self.flags.has(Flags::CLOSE)
    }

    /// Whether `Connection` says `keep-alive`, alone or in a list.
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

    /// How many header lines there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no header line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The header lines: name and value, in order, duplicates kept, `Status` too.
    #[must_use]
    pub const fn headers(&self) -> HeaderLines<'a> {
        HeaderLines::new(self.lines)
    }

    /// The value of the last header with this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).last().map(|(_, value)| value)
    }
}

/// Whether a version is one of the two that httparse reads.
const fn is_usual(version: &[u8]) -> bool {
    matches!(version, b"HTTP/1.1" | b"HTTP/1.0")
}

/// The lines behind the status line, the status and the reason, as httparse read them; `None` where it has not, or where
/// there may be more to a reason than it shows: it shows none that is not ASCII.
#[inline(always)]
fn read_status<'a>(head: &'a [u8], response: &httparse::Response<'_, 'a>) -> Option<(&'a [u8], u16, &'a [u8])> {
    let (status, reason) = (response.code?, response.reason?.as_bytes());
    if status < 100 || reason.is_empty() {
        return None;
    }
    // Behind a version, a space, three digits and a space.
    let rest = head.get(13_usize.saturating_add(reason.len())..)?;
    match rest {
        [b'\r', b'\n', lines @ ..] | [b'\n', lines @ ..] => Some((lines, status, reason)),
        _ => None,
    }
}

/// The lines behind the status line, the status and the reason.
#[cold]
fn split_status(head: &[u8]) -> Result<(&[u8], u16, &[u8]), ResponseError> {
    let Some((first, lines)) = split_line(head) else {
        let kind = if head.contains(&b'\n') { ResponseErrorKind::Empty } else { ResponseErrorKind::Truncated };
        return Err(ResponseError::new(kind, 0));
    };
    let Some((status, reason)) = status_line(first) else {
        return Err(ResponseError::new(ResponseErrorKind::Status, 0));
    };
    Ok((lines, status, reason))
}

/// Status and reason of `HTTP/1.1 200 OK`: a version, one space, three digits, then a space or the end.
fn status_line(line: &[u8]) -> Option<(u16, &[u8])> {
    let line = line.strip_prefix(b"HTTP/")?;
    let (version, rest) = line.split_at_checked(line.iter().position(|byte| *byte == b' ')?)?;
    let digits = |part: &[u8]| !part.is_empty() && part.len() <= 3 && part.iter().all(u8::is_ascii_digit);
    let mut parts = version.splitn(2, |byte| *byte == b'.');
    if !parts.all(digits) {
        return None;
    }
    status_code(rest.get(1..)?)
}

/// Three digits of 100 or more, then a space and a text without control bytes, or the end.
fn status_code(text: &[u8]) -> Option<(u16, &[u8])> {
    let (code, rest) = text.split_first_chunk::<3>()?;
    let reason = match rest {
        [] => rest,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    if !code.iter().all(u8::is_ascii_digit) || reason.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    let code =
        code.iter().fold(0_u16, |sum, digit| sum.saturating_mul(10).saturating_add(digit.wrapping_sub(b'0').into()));
    if code < 100 { None } else { Some((code, reason)) }
}

/// What header lines without a status line of HTTP/1 say.
#[inline(never)]
fn headers(head: &[u8], lines: &[u8], limits: &HeadLimits) -> Result<Facts, ResponseError> {
    let mut slots = [EMPTY_HEADER; SLOTS];
    match httparse::parse_headers(lines, &mut slots) {
        Ok(httparse::Status::Complete((len, headers))) => facts(
            head,
            lines,
            Ok(httparse::Status::Complete(head.len().saturating_sub(lines.len()).saturating_add(len))),
            headers,
            limits,
        ),
        Ok(httparse::Status::Partial) => facts(head, lines, Ok(httparse::Status::Partial), &[], limits),
        Err(error) => facts(head, lines, Err(error), &[], limits),
    }
}

/// What parsed header lines say together.
#[inline(always)]
fn facts(
    head: &[u8],
    lines: &[u8],
    parsed: httparse::Result<usize>,
    headers: &[Header<'_>],
    limits: &HeadLimits,
) -> Result<Facts, ResponseError> {
    match parsed {
        // Bytes behind the empty line are not the head's.
        Ok(httparse::Status::Complete(len)) if len == head.len() => {}
        Ok(httparse::Status::Complete(len)) => return Err(ResponseError::new(ResponseErrorKind::HeaderLine, len)),
        Ok(httparse::Status::Partial) => return Err(ResponseError::new(ResponseErrorKind::Truncated, head.len())),
        Err(error) => return Err(bad_lines(head, lines, error)),
    }
    if headers.len() > limits.lines.into() {
        return Err(ResponseError::new(ResponseErrorKind::TooManyLines, head.len()));
    }
    let mut said = Facts { count: headers.len(), ..Facts::default() };
    for header in headers {
        let name = header.name.as_bytes();
        match name.len() {
            14 if is_name(name, b"content-length") => said.length(head, header)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => said.transfer_encoding(head, header)?,
            8 if is_name(name, b"location") => said.flags.set(Flags::LOCATION),
            10 if is_name(name, b"connection") => said.connection(header.value),
            _ => {}
        }
    }
    Ok(said)
}

/// Whether a name of token bytes is this one, in any case; `lower` is letters and dashes.
///
/// Of token bytes, the bit turns letters into lower case and no other byte into a letter or a dash.
#[inline]
fn is_name(name: &[u8], lower: &[u8]) -> bool {
    const CASE: u64 = u64::from_ne_bytes([0x20; 8]);
    let ends = |text: &[u8]| Some((u64::from_ne_bytes(*text.first_chunk()?), u64::from_ne_bytes(*text.last_chunk()?)));
    match (ends(name), ends(lower)) {
        (Some((first, last)), Some((lower_first, lower_last))) => {
            (first | CASE == lower_first) & (last | CASE == lower_last)
        }
        _ => false,
    }
}

impl Facts {
    fn length(&mut self, head: &[u8], header: &Header<'_>) -> Result<(), ResponseError> {
        let error = |kind| Err(ResponseError::new(kind, offset(head, header.name.as_bytes())));
        match content_length(header.value) {
            Ok(Some(_)) if self.flags.has(Flags::CHUNKED) => error(ResponseErrorKind::LengthAndTransferEncoding),
            Ok(Some(_)) if self.content_length.is_some() => error(ResponseErrorKind::TwoLengths),
            Ok(Some(length)) => {
                self.content_length = Some(length);
                Ok(())
            }
            Ok(None) | Err(_) => error(ResponseErrorKind::InvalidLength),
        }
    }

    /// A list of options (RFC 9110 section 7.6.1).
    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match option.len() {
                5 if option.eq_ignore_ascii_case(b"close") => self.flags.set(Flags::CLOSE),
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.flags.set(Flags::KEEP_ALIVE),
                _ => {}
            }
        }
    }

    fn transfer_encoding(&mut self, head: &[u8], header: &Header<'_>) -> Result<(), ResponseError> {
        let error = |kind| Err(ResponseError::new(kind, offset(head, header.name.as_bytes())));
        if !header.value.eq_ignore_ascii_case(b"chunked") {
            return error(ResponseErrorKind::TransferEncoding);
        }
        if self.content_length.is_some() {
            return error(ResponseErrorKind::LengthAndTransferEncoding);
        }
        if self.flags.has(Flags::CHUNKED) {
            return error(ResponseErrorKind::TwoOfAKind);
        }
        self.flags.set(Flags::CHUNKED);
        Ok(())
    }
}

/// What is wrong with lines that httparse refuses: the first that is no header, or else that they are too many.
#[cold]
fn bad_lines(head: &[u8], lines: &[u8], error: httparse::Error) -> ResponseError {
    // httparse refuses a line alone where it refuses it among others.
    let is_bad = |line: &&[u8]| httparse::parse_headers(line, &mut [EMPTY_HEADER]).is_err();
    match lines.split_inclusive(|byte| *byte == b'\n').find(is_bad) {
        None if error == httparse::Error::TooManyHeaders => {
            ResponseError::new(ResponseErrorKind::TooManyLines, head.len())
        }
        bad => ResponseError::new(ResponseErrorKind::HeaderLine, bad.map_or(head.len(), |line| offset(head, line))),
    }
}

/// Where a part of the head begins in it: every line is found again by its name's address.
#[cold]
fn offset(head: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(head.as_ptr().addr())
}
