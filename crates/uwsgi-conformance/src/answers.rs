//! What came back, taken apart.

use core::fmt;

use uwsgi::framing::{ResponseBody, response_body};
use uwsgi::response::{HeadEnd, ResponseHead};
use uwsgi::server::Receive;

use crate::case::{After, Expected, Verdict};
use crate::run::{End, Received};

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The answers, in order. Only the last may be cut off.
    pub answers: Vec<Answer>,
    /// What came behind them and is no answer.
    pub rest: Vec<u8>,
    /// How the connection ended.
    pub end: End,
    /// For how many milliseconds it was silent before it did.
    pub silence: u64,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether all of the body came that its head announced.
    pub whole: bool,
}

/// A connection that ends later than this behind the last answer was kept open for another request.
const PROMPT: u64 = 1000;

impl Outcome {
    /// Takes apart what came back. Where an answer's body ends depends on what was asked, so that the answers that are
    /// expected say which of them are bare.
    #[must_use]
    pub fn of(received: Received, expected: &[Expected]) -> Self {
        let Received { bytes, end, silence } = received;
        let (mut answers, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some((answer, behind)) = Answer::first(rest, expected.get(answers.len()).is_some_and(|e| e.bare)) {
            answers.push(answer);
            rest = behind;
        }
        Self { answers, rest: rest.to_vec(), end, silence }
    }

    /// Whether this is what the verdict says.
    #[must_use]
    pub fn meets(&self, verdict: &Verdict) -> bool {
        let nothing = self.answers.is_empty() && self.rest.is_empty();
        match (verdict, self.end) {
            // The sender did not look.
            (_, End::Gone) => true,
            (Verdict::Gone, _) => false,
            // A Unix socket cannot be reset: what is cut off has to show in the framing.
            (Verdict::Abort, End::Closed) => self.answers.last().is_some_and(|answer| !answer.whole),
            (Verdict::Abort, end) => end == End::Reset,
            (Verdict::Close, end) => nothing && end == End::Closed,
            (Verdict::Pong, end) => self.answers.is_empty() && self.rest == Receive::PONG && self.closes(end),
            (Verdict::Answer(_, after) | Verdict::Answers(_, after), end) => {
                let expected = verdict.expected();
                self.rest.is_empty()
                    && self.answers.len() == expected.len()
                    && self.answers.iter().zip(expected).all(|(answer, expected)| answer.is(expected))
                    && match after {
                        After::Closes => self.closes(end),
                        After::StaysOpen => !self.closes(end) && end != End::Reset,
                    }
            }
        }
    }

    fn closes(&self, end: End) -> bool {
        end == End::Closed && self.silence < PROMPT
    }
}

impl Answer {
    /// The answer at the start of some bytes, and what follows it.
    pub(crate) fn first(bytes: &[u8], bare: bool) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(HeadEnd::default().find(bytes)?)?;
        let head = ResponseHead::decode(head).ok()?;
        let length = match response_body(&head, bare) {
            ResponseBody::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
            ResponseBody::None => 0,
            _ => rest.len(),
        };
        let (body, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        Some((Self { status: head.status(), body: body.to_vec(), whole: body.len() == length }, behind))
    }

    fn is(&self, expected: &Expected) -> bool {
        let has = |line: &&str| self.body.split(|byte| *byte == b'\n').any(|other| other == line.as_bytes());
        self.whole && self.status == expected.status && expected.seen.iter().all(has)
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
