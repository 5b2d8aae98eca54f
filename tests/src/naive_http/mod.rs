//! A second reader of responses: heads, chunked bodies, whole responses. It is the oracle for bytes that reach the
//! crate in pieces.
//!
//! All bytes are there at once, everything is copied, one index walks the bytes. The reader shares no code with the crate, only
//! the kinds of its errors.

#![allow(clippy::needless_range_loop, reason = "a reader can check an index at a glance")]

mod chunked;
mod response;

pub use chunked::{ChunkedEnd, chunked};
pub use response::{Answer, End, answer, asked, unasked};

use uwsgi::response::{HeadStyle, ResponseError, ResponseErrorKind as Kind, ResponseHead};

use crate::naive::Pair;

/// A head that owns its bytes and has public fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub version: Option<Vec<u8>>,
    pub status: u16,
    pub reason: Vec<u8>,
    pub style: HeadStyle,
    pub headers: Vec<Pair>,
    pub content_length: Option<u64>,
    pub chunked: bool,
    pub close: bool,
    pub keep_alive: bool,
}

impl Head {
    /// Returns whether another head follows: 1xx except 101.
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl From<&ResponseHead<'_>> for Head {
    fn from(head: &ResponseHead<'_>) -> Self {
        let headers: Vec<Pair> = head.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        assert_eq!((head.len(), head.is_empty()), (headers.len(), headers.is_empty()));
        Self {
            version: head.version().map(<[u8]>::to_vec),
            status: head.status(),
            reason: head.reason().to_vec(),
            style: head.style(),
            headers,
            content_length: head.content_length(),
            chunked: head.is_chunked(),
            close: head.says_close(),
            keep_alive: head.says_keep_alive(),
        }
    }
}

/// Why a head is refused, and where the malformed line begins; `None` if the fault is not in a single line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub offset: Option<usize>,
}

impl From<ResponseError> for Fault {
    fn from(error: ResponseError) -> Self {
        fault(error.kind(), error.offset())
    }
}

fn fault(kind: Kind, offset: usize) -> Fault {
    let all_of_it = matches!(kind, Kind::TooLong | Kind::TooManyLines | Kind::Truncated);
    Fault { kind, offset: if all_of_it { None } else { Some(offset) } }
}

/// The limits of a head: bytes, and header lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub bytes: usize,
    pub lines: usize,
}

impl Limits {
    /// The default limits.
    pub const DEFAULT: Self = Self { bytes: 65536, lines: 256 };

    /// Returns the same limits for the crate.
    pub fn head_limits(&self) -> uwsgi::response::HeadLimits {
        let (bytes, lines) = (u32::try_from(self.bytes).unwrap(), u16::try_from(self.lines).unwrap());
        uwsgi::response::HeadLimits::default().with_bytes(bytes).with_lines(lines)
    }
}

/// Returns where the first empty line ends.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut line_is_empty = true;
    for at in 0..bytes.len() {
        match bytes[at] {
            b'\n' if line_is_empty => return Some(at + 1),
            b'\n' => line_is_empty = true,
            // A line that begins with CR is empty only if it is CR LF.
            b'\r' if line_is_empty && bytes.get(at + 1) == Some(&b'\n') => {}
            _ => line_is_empty = false,
        }
    }
    None
}

/// Reads the head that ends exactly with the last of these bytes.
pub fn head(bytes: &[u8], limits: Limits) -> Result<Head, Fault> {
    assert_eq!(head_end(bytes), Some(bytes.len()));
    if bytes.len() > limits.bytes {
        return Err(fault(Kind::TooLong, limits.bytes));
    }
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    let (mut start, mut line) = (0, Vec::new());
    for at in 0..bytes.len() {
        if bytes[at] == b'\n' {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            lines.push((start, line));
            (start, line) = (at + 1, Vec::new());
        } else {
            line.push(bytes[at]);
        }
    }
    let (_, empty) = lines.pop().unwrap();
    assert!(empty.is_empty());
    if lines.is_empty() {
        return Err(fault(Kind::Empty, 0));
    }

    let (mut said, mut version) = (None, None);
    if lines[0].1.starts_with(b"HTTP/") {
        let (_, line) = lines.remove(0);
        said = Some(status_line(&line).ok_or(fault(Kind::Status, 0))?);
        version = Some(line.into_iter().take_while(|byte| *byte != b' ').collect());
    }
    let mut headers: Vec<(usize, Pair)> = Vec::new();
    for (offset, line) in &lines {
        headers.push((*offset, header(line).ok_or(fault(Kind::HeaderLine, *offset))?));
    }
    if headers.len() > limits.lines {
        return Err(fault(Kind::TooManyLines, 0));
    }

    let (mut content_length, mut chunked, mut close, mut location) = (None, false, false, false);
    let mut keep_alive = false;
    for (offset, (name, value)) in &headers {
        match name.to_ascii_lowercase().as_slice() {
            b"content-length" => {
                let length = number(value).ok_or(fault(Kind::InvalidLength, *offset))?;
                if chunked {
                    return Err(fault(Kind::LengthAndTransferEncoding, *offset));
                }
                if content_length.is_some() {
                    return Err(fault(Kind::TwoLengths, *offset));
                }
                content_length = Some(length);
            }
            b"transfer-encoding" => {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(fault(Kind::TransferEncoding, *offset));
                }
                if content_length.is_some() {
                    return Err(fault(Kind::LengthAndTransferEncoding, *offset));
                }
                if chunked {
                    return Err(fault(Kind::TwoOfAKind, *offset));
                }
                chunked = true;
            }
            b"location" => location = true,
            b"connection" => {
                for token in value.split(|byte| *byte == b',') {
                    close |= blanks_off(token).eq_ignore_ascii_case(b"close");
                    keep_alive |= blanks_off(token).eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
    }
    let (style, (status, reason)) = match said {
        Some(said) => (HeadStyle::StatusLine, said),
        None => {
            let said: Vec<&(usize, Pair)> =
                headers.iter().filter(|(_, (name, _))| name.eq_ignore_ascii_case(b"status")).collect();
            match said[..] {
                [] if location => (HeadStyle::Bare, (302, b"Found".to_vec())),
                [] => (HeadStyle::Bare, (200, b"OK".to_vec())),
                [(offset, (_, value))] => (HeadStyle::Cgi, code(value).ok_or(fault(Kind::Status, *offset))?),
                [_, (offset, _), ..] => return Err(fault(Kind::TwoOfAKind, *offset)),
            }
        }
    };
    let headers = headers.into_iter().map(|(_, pair)| pair).collect();
    Ok(Head { version, status, reason, style, headers, content_length, chunked, close, keep_alive })
}

/// Reads `HTTP/1.1 200 OK`: a version of one or two numbers, each of one to three digits, one space, a code.
fn status_line(line: &[u8]) -> Option<(u16, Vec<u8>)> {
    let text: Vec<char> = line.iter().map(|byte| char::from(*byte)).collect();
    let mut at = 5;
    let digits = |mut at: usize| {
        let from = at;
        while at < text.len() && text[at].is_ascii_digit() {
            at += 1;
        }
        ((1..=3).contains(&(at - from))).then_some(at)
    };
    at = digits(at)?;
    if text.get(at) == Some(&'.') {
        at = digits(at + 1)?;
    }
    if text.get(at) != Some(&' ') {
        return None;
    }
    code(&line[at + 1..])
}

/// Reads three digits of 100 or more, and then the end, or a space and a text.
fn code(text: &[u8]) -> Option<(u16, Vec<u8>)> {
    if text.len() < 3 || !text[..3].iter().all(u8::is_ascii_digit) || text[0] == b'0' {
        return None;
    }
    let code = text[..3].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    if text.len() == 3 {
        return Some((code, Vec::new()));
    }
    (text[3] == b' ' && text[4..].iter().all(|byte| is_text(*byte))).then(|| (code, text[4..].to_vec()))
}

fn header(line: &[u8]) -> Option<Pair> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(is_token) || !value.iter().all(|byte| is_text(*byte)) {
        return None;
    }
    Some((name.to_vec(), blanks_off(value).to_vec()))
}

/// Returns whether a byte is a tab or not a control byte.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 32 && byte != 127)
}

fn blanks_off(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}
