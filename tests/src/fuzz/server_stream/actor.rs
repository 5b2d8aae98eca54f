//! An application that follows a list of acts, and keeps a naive account of what the server must send for them.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use uwsgi::server::Refusal;
use uwsgi_server::{Answer, App, AppError, Body, Call, Head, Message};

use crate::naive::Pair;
use crate::naive_cgi;

/// What the application saw of a request, and what its response must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) body: Vec<u8>,
    /// Whether the application saw the end of the body.
    pub(super) ended: bool,
    /// Whether a read has failed.
    pub(super) failed: bool,
    pub(super) is_message: bool,
    pub(super) is_pipe: bool,
    pub(super) answer: Expected,
}

/// The bytes that must leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    Whole(Given),
    /// The server's own page.
    Refused(u16),
    /// Part of a response, or nothing, and a reset.
    Aborted(Option<Given>),
}

/// The part of the application's response that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// Status and length; `None` for a reply to a message.
    pub(super) head: Option<(u16, Option<u64>)>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    /// Returns whether this is the application's own response, to its end.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.answer, Expected::Whole(_))
    }

    /// Returns whether the front end can tell where the response ends.
    pub(super) fn is_delimited(&self, to_head: bool) -> bool {
        match &self.answer {
            Expected::Whole(Given { head: Some((status, length)), .. })
            | Expected::Aborted(Some(Given { head: Some((status, length)), .. })) => {
                *status != 101 && (length.is_some() || !has_body(*status, to_head))
            }
            _ => false,
        }
    }
}

pub(super) fn has_body(status: u16, to_head: bool) -> bool {
    status == 101 || !(to_head || status == 204 || status == 304)
}

const STATUS: [u16; 8] = [200, 404, 204, 304, 101, 500, 200, 999];

pub(super) struct Actor<'a> {
    acts: &'a [[u8; 2]],
    /// Whether the application goes on after a failed read, or a failed write.
    reads_on: bool,
    writes_on: bool,
    /// Whether nothing disturbs the response, so that each result is known in advance.
    undisturbed: bool,
    seen: Mutex<Vec<Seen>>,
}

impl<'a> Actor<'a> {
    pub(super) fn new(acts: &'a [[u8; 2]], reads_on: bool, writes_on: bool, undisturbed: bool) -> Self {
        Self { acts, reads_on, writes_on, undisturbed, seen: Mutex::default() }
    }

    pub(super) fn into_seen(self) -> Vec<Seen> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn play(
        &self,
        body: &mut dyn Body,
        out: Out<'_, '_>,
        to_head: bool,
        offered: Option<String>,
    ) -> Result<(), AppError> {
        let is_message = matches!(out, Out::Message(_));
        let mut account = Account {
            to_head,
            offered,
            out,
            head: None,
            left: false,
            given: Vec::new(),
            undisturbed: self.undisturbed,
        };
        let mut reads = Reads { bytes: Vec::new(), ended: false, failure: None };
        let result = self.acts.iter().try_for_each(|act| self.act(*act, body, &mut reads, &mut account));
        let is_pipe = account.is_pipe();
        let answer = account.expected(result.is_ok(), reads.failure);
        let Reads { bytes, ended, failure } = reads;
        let seen = Seen { body: bytes, ended, failed: failure.is_some(), is_message, is_pipe, answer };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        result
    }

    fn act(
        &self,
        [kind, count]: [u8; 2],
        body: &mut dyn Body,
        reads: &mut Reads,
        account: &mut Account<'_, '_>,
    ) -> Result<(), AppError> {
        let read = |result: io::Result<Vec<u8>>| match result {
            Err(_) if self.reads_on => Ok(Vec::new()),
            result => result,
        };
        let wrote = |result: Result<(), AppError>| if self.writes_on { Ok(()) } else { result };
        let (count, was_pipe) = (usize::from(count), account.is_pipe());
        match kind % 12 {
            0 => drop(read(reads.take(body, count, 7))?),
            1 => drop(read(reads.take(body, usize::MAX, count + 1))?),
            2 => drop(read(reads.take(body, usize::MAX, 16_384))?),
            3 => reads.look(body),
            4 => wrote(account.head(STATUS[count % 8], None, count & 8 != 0))?,
            5 => wrote(account.head(STATUS[count % 4], Some(count as u64), false))?,
            6 => wrote(account.write(&vec![b'a'; count]))?,
            7 => wrote(account.write(&[]))?,
            8 => wrote(account.flush())?,
            9 => {
                let bytes = read(reads.take(body, count, 4096))?;
                wrote(account.write(&bytes))?;
            }
            10 => wrote(account.write(&vec![b'b'; count * 40]))?,
            _ => return Err("as asked".into()),
        }
        // The end of a pipe is not the end of the declared body.
        reads.ended &= was_pipe == account.is_pipe();
        Ok(())
    }
}

impl App for Actor<'_> {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        let vars: Vec<_> = call.request().vars().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        self.play(body, Out::Answer(answer), call.request().method() == Some(b"HEAD"), offered(&vars))
    }

    fn message(&self, _: &Message<'_>, body: &mut dyn Body, answer: &mut (dyn Write + Send)) -> Result<(), AppError> {
        self.play(body, Out::Message(answer), false, None)
    }
}

/// Returns the first protocol that the request offers, if its name is a plain one.
fn offered(vars: &[Pair]) -> Option<String> {
    let protocols = String::from_utf8(naive_cgi::upgrade(vars)?).ok()?;
    let first = protocols.split(',').map(str::trim).find(|name| !name.is_empty())?;
    first.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| first.to_owned())
}

/// What the application read.
struct Reads {
    bytes: Vec<u8>,
    ended: bool,
    failure: Option<Refusal>,
}

impl Reads {
    /// Reads `count` bytes, or as many as there are, whatever each read gives.
    fn take(&mut self, body: &mut dyn Body, count: usize, size: usize) -> io::Result<Vec<u8>> {
        let (mut taken, mut buffer) = (Vec::new(), vec![0; size]);
        while taken.len() < count {
            let most = buffer.len().min(count - taken.len());
            match body.read(&mut buffer[..most]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => {
                    assert!(!self.ended && self.failure.is_none(), "bytes after the end");
                    taken.extend_from_slice(&buffer[..read]);
                    self.bytes.extend_from_slice(&buffer[..read]);
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(taken)
    }

    /// Looks at the next bytes of the body, and takes none.
    fn look(&mut self, body: &mut dyn Body) {
        match body.fill_buf() {
            Ok([]) => self.ended = true,
            Ok(_) => assert!(!self.ended && self.failure.is_none(), "bytes after the end"),
            Err(error) => drop(self.failed(error)),
        }
    }

    fn failed(&mut self, error: io::Error) -> io::Error {
        let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()).copied();
        if let (Some(before), Some(now)) = (self.failure, refusal) {
            assert_eq!(before, now, "the error changed");
        }
        self.failure = self.failure.or(refusal);
        error
    }
}

enum Out<'o, 'a> {
    Answer(&'o mut (dyn Answer + 'a)),
    Message(&'o mut (dyn Write + Send + 'a)),
}

/// What the application gives, and what the server must send for it.
struct Account<'o, 'a> {
    to_head: bool,
    /// A protocol that the request offers: a 101 switches to it.
    offered: Option<String>,
    out: Out<'o, 'a>,
    head: Option<(u16, Option<u64>)>,
    left: bool,
    given: Vec<u8>,
    undisturbed: bool,
}

impl Account<'_, '_> {
    fn is_message(&self) -> bool {
        matches!(self.out, Out::Message(_))
    }

    fn is_pipe(&self) -> bool {
        self.left && self.head.is_some_and(|(status, _)| status == 101)
    }

    /// Returns whether the head is a 101 that the request did not ask for.
    fn is_unasked(&self) -> bool {
        self.offered.is_none() && self.head.is_some_and(|(status, _)| status == 101)
    }

    fn has_body(&self) -> bool {
        self.head.is_none_or(|(status, _)| has_body(status, self.to_head))
    }

    /// Returns how many bytes may still leave.
    fn room(&self) -> usize {
        match self.head {
            Some((_, Some(length))) => usize::try_from(length).unwrap() - self.given.len(),
            _ => usize::MAX,
        }
    }

    /// Gives a head; a `bad` head has a forbidden byte.
    fn head(&mut self, status: u16, length: Option<u64>, bad: bool) -> Result<(), AppError> {
        let Out::Answer(answer) = &mut self.out else { return Ok(()) };
        assert!(!self.undisturbed || answer.has_left() == self.left);
        let mut head = Head::new(status).with("X-Line", "it is there");
        if status == 101 {
            head = head.with("Upgrade", self.offered.as_deref().unwrap_or("x"));
        }
        if let Some(length) = length {
            head = head.with_length(length);
        }
        if bad {
            head = head.with("X", "a\r\nb");
        }
        let result = answer.head(head);
        assert!(!self.undisturbed || result.is_ok() != (bad || self.left), "{result:?}");
        if result.is_ok() {
            self.head = Some((status, length));
        }
        Ok(result?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), AppError> {
        let result = match &mut self.out {
            Out::Answer(answer) => answer.write(bytes),
            Out::Message(answer) => answer.write(bytes),
        };
        if bytes.is_empty() {
            assert!(matches!(result, Ok(0)));
            return Ok(());
        }
        if (self.head.is_none() || self.is_unasked()) && !self.is_message() {
            let kind = result.as_ref().unwrap_err().kind();
            assert!(!self.undisturbed || kind == ErrorKind::InvalidInput, "bytes without a head: {kind}");
            return Ok(result.map(drop)?);
        }
        let fits = if self.has_body() { self.room().min(bytes.len()) } else { 0 };
        if self.undisturbed {
            match &result {
                Ok(count) => assert!(*count == bytes.len() && (fits == *count || !self.has_body())),
                Err(error) => assert!(fits < bytes.len() && self.has_body(), "{error}"),
            }
        }
        if !self.undisturbed && result.is_err() {
            // After a disturbance, only the peer knows how much of the piece left.
            return Ok(result.map(drop)?);
        }
        self.left = true;
        self.given.extend_from_slice(&bytes[..fits]);
        Ok(result.map(drop)?)
    }

    fn flush(&mut self) -> Result<(), AppError> {
        let result = match &mut self.out {
            Out::Answer(answer) => answer.flush(),
            Out::Message(answer) => answer.flush(),
        };
        assert!(!self.undisturbed || result.is_ok() != self.is_unasked(), "{result:?}");
        self.left |= result.is_ok() && self.head.is_some_and(|(status, _)| status == 101);
        Ok(result?)
    }

    /// Returns what the server must send if the application ends in this way.
    fn expected(self, well: bool, failure: Option<Refusal>) -> Expected {
        let refused = Expected::Refused(failure.map_or(500, |failure| failure.status()));
        let gives_nothing = (self.head.is_none() || self.is_unasked()) && !self.is_message();
        let is_short = self.has_body()
            && self.head.is_some_and(|(status, length)| {
                status != 101 && length.is_some_and(|length| length > self.given.len() as u64)
            });
        let given = Given { head: self.head, body: self.given };
        match (well, self.left) {
            (true, _) if gives_nothing => refused,
            (true, left) if is_short => Expected::Aborted(left.then_some(given)),
            (true, _) => Expected::Whole(given),
            (false, true) => Expected::Aborted(Some(given)),
            (false, false) => refused,
        }
    }
}
