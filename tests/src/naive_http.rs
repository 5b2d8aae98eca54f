//! A second reader of responses: heads, chunked bodies, whole responses. It is the oracle for bytes that reach the
//! crate in pieces.
//!
//! All bytes are there at once, everything is copied, one index walks the bytes. It shares no code with the crate, only
//! the kinds of its errors.

#![allow(clippy::needless_range_loop, reason = "a reader can check an index at a glance")]

use uwsgi::chunked::{ChunkError, Chunked};
use uwsgi::client::ExchangeError;
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

/// Why a head is refused, and where the line begins that is to blame; 0 where no one line is to blame.
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
pub struct Most {
    pub bytes: usize,
    pub lines: usize,
}

impl Most {
    /// The default limits.
    pub const DEFAULT: Self = Self { bytes: 65536, lines: 256 };

    /// Returns the same limits for the crate.
    pub fn limits(&self) -> uwsgi::response::HeadLimits {
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
pub fn head(bytes: &[u8], most: Most) -> Result<Head, Fault> {
    assert_eq!(head_end(bytes), Some(bytes.len()));
    if bytes.len() > most.bytes {
        return Err(fault(Kind::TooLong, most.bytes));
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
    if headers.len() > most.lines {
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

/// How a chunked body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkedEnd {
    /// The body ended, at this offset from its start.
    At(usize),
    /// The bytes ended first.
    Cut,
    /// The body is malformed.
    Refused(ChunkError),
}

/// Returns the data of a chunked body, as far as it can be read, and how the body ended.
pub fn chunked(bytes: &[u8]) -> (Vec<u8>, ChunkedEnd) {
    let (mut data, mut at) = (Vec::new(), 0);
    let end = match chunks(bytes, &mut at, &mut data) {
        Ok(()) => ChunkedEnd::At(at),
        Err(None) => ChunkedEnd::Cut,
        Err(Some(error)) => ChunkedEnd::Refused(error),
    };
    (data, end)
}

/// Fails with `None` where the bytes end.
fn chunks(bytes: &[u8], at: &mut usize, data: &mut Vec<u8>) -> Result<(), Option<ChunkError>> {
    let mut dropped = 0;
    loop {
        let size = chunk_size(bytes, at, &mut dropped)?;
        if size == 0 {
            break;
        }
        for _ in 0..size {
            data.push(take(bytes, at)?);
        }
        expect(bytes, at, b'\r')?;
        expect(bytes, at, b'\n')?;
    }
    loop {
        let mut byte = take(bytes, at)?;
        if byte == b'\r' {
            return expect(bytes, at, b'\n');
        }
        let mut name = 0;
        while byte != b':' {
            if !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(&byte) {
                return Err(Some(ChunkError::Trailer));
            }
            name += 1;
            drop_one(byte, &mut dropped)?;
            byte = take(bytes, at)?;
        }
        if name == 0 {
            return Err(Some(ChunkError::Trailer));
        }
        while byte != b'\r' {
            drop_one(byte, &mut dropped)?;
            byte = take(bytes, at)?;
        }
        expect(bytes, at, b'\n')?;
    }
}

fn chunk_size(bytes: &[u8], at: &mut usize, dropped: &mut usize) -> Result<u64, Option<ChunkError>> {
    let (mut size, mut digits) = (0_u64, 0);
    let mut byte = take(bytes, at)?;
    while let Some(digit) = char::from(byte).to_digit(16) {
        digits += 1;
        if digits > 16 {
            return Err(Some(ChunkError::Size));
        }
        size = size * 16 + u64::from(digit);
        byte = take(bytes, at)?;
    }
    if digits == 0 {
        return Err(Some(ChunkError::Size));
    }
    // The first byte after the digits does not count as dropped.
    let mut first = true;
    while b" \t".contains(&byte) {
        if !first {
            drop_one(byte, dropped)?;
        }
        (first, byte) = (false, take(bytes, at)?);
    }
    if byte == b';' {
        if !first {
            drop_one(byte, dropped)?;
        }
        loop {
            byte = take(bytes, at)?;
            if b"\r\n".contains(&byte) {
                break;
            }
            drop_one(byte, dropped)?;
        }
    }
    match byte {
        b'\r' => {}
        b'\n' => return Err(Some(ChunkError::Line)),
        _ => return Err(Some(ChunkError::Size)),
    }
    expect(bytes, at, b'\n')?;
    Ok(size)
}

fn take(bytes: &[u8], at: &mut usize) -> Result<u8, Option<ChunkError>> {
    let byte = bytes.get(*at).ok_or(None)?;
    *at += 1;
    Ok(*byte)
}

fn expect(bytes: &[u8], at: &mut usize, expected: u8) -> Result<(), Option<ChunkError>> {
    if take(bytes, at)? == expected { Ok(()) } else { Err(Some(ChunkError::Line)) }
}

fn drop_one(byte: u8, dropped: &mut usize) -> Result<(), Option<ChunkError>> {
    *dropped += 1;
    let fits = *dropped <= usize::from(Chunked::MOST_DROPPED);
    if fits && is_text(byte) { Ok(()) } else { Err(Some(ChunkError::Trailer)) }
}

/// All that a client sees of a connection with one response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The interim heads, and the final one last.
    pub heads: Vec<Head>,
    pub body: Vec<u8>,
    pub end: End,
    /// The bytes after a whole response, or after a 101.
    pub rest: Vec<u8>,
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    Upgraded,
    BodyCutShort { missing: u64 },
    Chunk(ChunkError),
    Head(Fault),
    NoAnswer,
    TooManyInterim,
    UnaskedUpgrade,
}

impl From<ExchangeError> for End {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::BodyCutShort { missing } => Self::BodyCutShort { missing },
            ExchangeError::Chunk(error) => Self::Chunk(error),
            ExchangeError::NoAnswer => Self::NoAnswer,
            ExchangeError::Response(error) => Self::Head(error.into()),
            ExchangeError::TooManyInterim => Self::TooManyInterim,
            ExchangeError::UnaskedUpgrade => Self::UnaskedUpgrade,
            other => panic!("an error that the oracle does not know: {other}"),
        }
    }
}

/// Returns what the response becomes if the request asked for no upgrade.
pub fn unasked(answer: Answer) -> Answer {
    asked(answer, "")
}

/// Returns what the response becomes if the request's `Upgrade` is `offered`.
pub fn asked(answer: Answer, offered: &str) -> Answer {
    let names = |value: &[u8]| -> Vec<String> {
        let text: String = value.iter().map(|byte| char::from(*byte)).collect();
        let names = text.split(',').map(|name| name.trim_matches(|byte: char| byte.is_ascii_whitespace()));
        names.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect()
    };
    let offered = names(offered.as_bytes());
    let upgrade = answer.heads.last().into_iter().flat_map(|head| &head.headers);
    let upgrade = upgrade.filter(|(name, _)| name.eq_ignore_ascii_case(b"upgrade"));
    let switches: Vec<String> = upgrade.flat_map(|(_, value)| names(value)).collect();
    // A head with more than four protocols is refused.
    let is_asked =
        matches!(switches.len(), 1..=4) && switches.iter().all(|name| name != "h2c" && offered.contains(name));
    if answer.end != End::Upgraded || is_asked {
        return answer;
    }
    let mut heads = answer.heads;
    heads.pop();
    Answer { heads, body: Vec::new(), end: End::UnaskedUpgrade, rest: Vec::new() }
}

/// Reads all bytes of a connection as the response to one request that accepts every upgrade. [`asked`] returns the
/// response to another request.
pub fn answer(bytes: &[u8], to_head: bool, most: Most) -> Answer {
    let (mut heads, mut at) = (Vec::new(), 0);
    loop {
        let rest = &bytes[at..];
        let failed = |heads: Vec<Head>, end| Answer { heads, body: Vec::new(), end, rest: Vec::new() };
        match head_end(rest) {
            Some(end) if end <= most.bytes => {
                match head(&rest[..end], most) {
                    Ok(head) if head.is_interim() && heads.len() == 100 => return failed(heads, End::TooManyInterim),
                    Ok(head) => heads.push(head),
                    Err(fault) => return failed(heads, End::Head(fault)),
                }
                at += end;
                if !heads[heads.len() - 1].is_interim() {
                    break;
                }
            }
            None if rest.is_empty() => return failed(heads, End::NoAnswer),
            None if rest.len() < most.bytes => return failed(heads, End::Head(fault(Kind::Truncated, 0))),
            _ => return failed(heads, End::Head(fault(Kind::TooLong, 0))),
        }
    }
    let (head, rest) = (&heads[heads.len() - 1], &bytes[at..]);
    let (body, end, used) = if head.status == 101 {
        (Vec::new(), End::Upgraded, 0)
    } else if to_head || head.status == 204 || head.status == 304 {
        (Vec::new(), End::Whole, 0)
    } else if head.chunked {
        match chunked(rest) {
            (body, ChunkedEnd::At(used)) => (body, End::Whole, used),
            (body, ChunkedEnd::Cut) => (body, End::BodyCutShort { missing: 0 }, rest.len()),
            (body, ChunkedEnd::Refused(error)) => (body, End::Chunk(error), rest.len()),
        }
    } else if let Some(length) = head.content_length {
        let missing = length.saturating_sub(rest.len() as u64);
        let body = rest[..usize::try_from(length).unwrap_or(usize::MAX).min(rest.len())].to_vec();
        let used = body.len();
        (body, if missing > 0 { End::BodyCutShort { missing } } else { End::Whole }, used)
    } else {
        (rest.to_vec(), End::Whole, rest.len())
    };
    let rest = rest[used..].to_vec();
    Answer { heads, body, end, rest }
}
