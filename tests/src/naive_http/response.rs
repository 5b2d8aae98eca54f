//! A second reader of whole responses.

use uwsgi::chunked::ChunkError;
use uwsgi::client::ExchangeError;

use super::{ChunkedEnd, Fault, Head, Kind, Limits, chunked, fault, head, head_end};

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

/// Returns how a client reads the response if the request asked for no upgrade.
pub fn unasked(answer: Answer) -> Answer {
    asked(answer, "")
}

/// Returns how a client reads the response if the request's `Upgrade` is `offered`.
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
pub fn answer(bytes: &[u8], to_head: bool, limits: Limits) -> Answer {
    let (mut heads, mut at) = (Vec::new(), 0);
    loop {
        let rest = &bytes[at..];
        let failed = |heads: Vec<Head>, end| Answer { heads, body: Vec::new(), end, rest: Vec::new() };
        match head_end(rest) {
            Some(end) if end <= limits.bytes => {
                match head(&rest[..end], limits) {
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
            None if rest.len() < limits.bytes => return failed(heads, End::Head(fault(Kind::Truncated, 0))),
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
