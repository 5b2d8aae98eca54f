//! What came back from a server, split into answers.

mod seen;
mod words;

use core::fmt;

use uwsgi::chunked::{ChunkStep, Chunked};
use uwsgi::framing::{ResponseFraming, response_framing};
use uwsgi::response::{HeadEnd, ResponseHead};
use uwsgi::server::Receive;

use crate::case::{After, Expected, Verdict};
use crate::endpoint::{End, Received};

pub use seen::{Application, Seen};

/// What came back when a case was played.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The answers, in order. Only the last may be cut off.
    pub answers: Vec<Answer>,
    /// The bytes after the answers. These bytes are no answer.
    pub rest: Vec<u8>,
    /// How the connection ended.
    pub end: End,
    /// How many milliseconds of silence came before the end.
    pub silence: u64,
    /// How many milliseconds the connection lasted.
    pub took: u64,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The names of its headers, in lower case, in order.
    pub names: Vec<String>,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether the whole body came that the head announced.
    pub whole: bool,
}

/// The longest time in milliseconds between the last answer and a close that follows it. After a longer time, the connection
/// counts as kept open for another request.
pub(crate) const PROMPT: u64 = 1500;

impl Outcome {
    /// Splits what came back into answers. Where the body of an answer ends depends on the request, so that `expected` says
    /// which answers have no body.
    #[must_use]
    pub fn of(received: Received, expected: &[Expected]) -> Self {
        let Received { bytes, end, silence, took } = received;
        let (mut answers, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some((answer, after)) = Answer::first(rest, expected.get(answers.len()).is_some_and(|e| e.bare)) {
            answers.push(answer);
            rest = after;
        }
        Self { answers, rest: rest.to_vec(), end, silence, took }
    }

    /// Returns whether this is what the verdict says.
    #[must_use]
    pub fn meets(&self, verdict: &Verdict) -> bool {
        let nothing = self.answers.is_empty() && self.rest.is_empty();
        match (verdict, self.end) {
            // The sender has left, and has seen nothing.
            (_, End::Gone) => true,
            (Verdict::Gone, _) => false,
            // A Unix socket cannot be reset. There the answer must be incomplete by its framing, or absent.
            (Verdict::Abort, End::Closed) => {
                self.answers.last().is_none_or(|answer| !answer.whole) && self.rest.is_empty()
            }
            (Verdict::Abort, end) => end == End::Reset,
            (Verdict::Close, end) => nothing && end == End::Closed,
            (Verdict::Pong, _) => self.answers.is_empty() && self.rest == Receive::PONG && self.closes(),
            (Verdict::Answer(_, after) | Verdict::Answers(_, after), end) => {
                let expected = verdict.expected();
                self.rest.is_empty()
                    && self.answers.len() == expected.len()
                    && self.answers.iter().zip(expected).all(|(answer, expected)| answer.is(expected))
                    && match after {
                        After::Closes => self.closes(),
                        After::StaysOpen => !self.closes() && end != End::Reset,
                    }
            }
        }
    }

    /// Returns whether the server closed the connection in order, right after its last answer.
    pub(crate) const fn closes(&self) -> bool {
        matches!(self.end, End::Closed) && self.silence < PROMPT
    }
}

impl Answer {
    /// Returns the answer at the start of the bytes, and the bytes after it.
    pub(crate) fn first(bytes: &[u8], bare: bool) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(HeadEnd::default().find(bytes)?)?;
        let head = ResponseHead::decode(head).ok()?;
        let name = |name| String::from_utf8_lossy(name).to_ascii_lowercase();
        let names = head.headers().map(|(line, _)| name(line)).collect();
        let (body, whole, after) = match response_framing(&head, bare) {
            ResponseFraming::Chunked => unchunked(rest),
            ResponseFraming::Length(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                match rest.split_at_checked(length) {
                    Some((body, after)) => (body.to_vec(), true, after),
                    None => (rest.to_vec(), false, &[][..]),
                }
            }
            ResponseFraming::None => (Vec::new(), true, rest),
            _ => (rest.to_vec(), true, &[][..]),
        };
        Some((Self { status: head.status(), names, body, whole }, after))
    }

    fn is(&self, expected: &Expected) -> bool {
        let has = |line: &&str| self.body.split(|byte| *byte == b'\n').any(|other| other == line.as_bytes());
        self.whole && self.status == expected.status && expected.seen.iter().all(has)
    }
}

/// Decodes a chunked body. Returns its data, whether all of it is there, and the bytes after it.
fn unchunked(bytes: &[u8]) -> (Vec<u8>, bool, &[u8]) {
    let (mut chunked, mut body, mut rest) = (Chunked::default(), Vec::new(), bytes);
    loop {
        let (skip, take, ended) = match chunked.step(rest) {
            Ok(ChunkStep::Data { skip, take }) => (skip, take, false),
            Ok(ChunkStep::End { skip }) => (skip, 0, true),
            Ok(ChunkStep::Need(_)) | Err(_) => return (body, false, &[]),
        };
        let after = rest.get(skip..).unwrap_or_default();
        let (data, after) = after.split_at_checked(take).unwrap_or((after, &[]));
        body.extend_from_slice(data);
        rest = after;
        if ended {
            return (body, true, rest);
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for answer in &self.answers {
            let cut = if answer.whole { "" } else { ", cut off" };
            writeln!(f, "answer {}, {} bytes of body{cut}:", answer.status, answer.body.len())?;
            for line in answer.body.split(|byte| *byte == b'\n').take(60).filter(|line| !line.is_empty()) {
                writeln!(f, "    {}", line.get(..120).unwrap_or(line).escape_ascii())?;
            }
        }
        if !self.rest.is_empty() {
            writeln!(f, "bytes that are no answer: {}", self.rest.get(..80).unwrap_or(&self.rest).escape_ascii())?;
        }
        write!(f, "{}, after {} ms of silence", self.end, self.silence)
    }
}
