//! A request's body, as something to read.

use core::sync::atomic::Ordering;
use std::io::{self, BufRead, Read};

use uwsgi::server::{BodyStep, Receive, Refusal};

use crate::server::receiving::{fill_window, read_or_wait};
use crate::server::response_writer::ResponseWriter;
use crate::server::shared::Shared;
use crate::transport::Transport;
use crate::transport::window::Window;

/// The body of a request: it ends where its length says, and an end before that is an error, which says what the matter was.
///
/// It is read from the connection when it is asked for; large reads go past the buffer. Once the head of a 101 has left, it
/// is whatever the peer sends.
#[derive(Debug)]
pub struct RequestBody<'r, T> {
    transport: &'r T,
    receive: &'r mut Receive,
    /// What comes behind the packet in the connection's buffer.
    buffer: &'r mut [u8],
    window: &'r mut Window,
    shared: &'r Shared,
    failure: Option<Refusal>,
    broken: bool,
    /// Why the connection broke when this was read ahead.
    broke_before: Option<io::Error>,
}

impl<'r, T: Transport> RequestBody<'r, T> {
    pub(crate) fn new(
        transport: &'r T,
        receive: &'r mut Receive,
        buffer: &'r mut [u8],
        window: &'r mut Window,
        shared: &'r Shared,
        broke_before: Option<io::Error>,
    ) -> Self {
        let body = Self { transport, receive, buffer, window, shared, failure: None, broken: false, broke_before };
        body.tell_unread();
        body
    }

    /// Tells the answer's writer how much is unread. Behind a body that failed no request is found, however little is left.
    fn tell_unread(&self) {
        let left = self.receive.unread_body().and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        self.shared.unread.store(left.saturating_add(self.window.body), Ordering::Release);
    }

    /// The writer of the answer, which waits for a worker from now on.
    #[must_use]
    pub fn answer(&self) -> ResponseWriter<'r, T> {
        ResponseWriter::new(self.transport, self.receive, self.shared)
    }

    /// The writer of the answer to a message, which has no head: what is written leaves as it is.
    #[must_use]
    pub fn answer_without_head(&self) -> ResponseWriter<'r, T> {
        ResponseWriter::without_head(self.transport, self.receive, self.shared)
    }

    /// Why the last read failed, if the peer was the reason.
    #[must_use]
    pub const fn failure(&self) -> Option<Refusal> {
        self.failure
    }

    /// Whether the connection broke while the body was read: the peer has gone.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Asks what to do until there are bytes to give; how many the machine knows to be the body's if there are none yet.
    fn advance(&mut self) -> io::Result<Next> {
        if self.window.body > 0 {
            return Ok(Next::Here);
        }
        if let Some(error) = self.broke_before.take() {
            return self.remember(Err(error));
        }
        if self.shared.upgraded.load(Ordering::Acquire) {
            self.receive.upgrade();
        }
        // A peer that never has to be waited for has no longer than others.
        if let Some(asked) = self.transport.stop_asked() {
            self.receive.shut_down(asked);
        }
        loop {
            let got = self.buffer.get(self.window.start..self.window.filled).unwrap_or_default();
            match self.receive.body(got, self.window.eof, self.transport.now()) {
                BodyStep::Body { skip, take } => {
                    self.window.pass(skip);
                    self.window.body = take;
                    if take > 0 {
                        return Ok(Next::Here);
                    }
                }
                BodyStep::Need(more) => return Ok(Next::Need(more)),
                BodyStep::Fail(refusal) => {
                    self.failure = Some(refusal);
                    self.tell_unread();
                    return Err(broken(refusal));
                }
                BodyStep::End { skip } => {
                    self.window.pass(skip);
                    return Ok(Next::End);
                }
            }
        }
    }

    /// Reads once into the buffer, which holds nothing, or waits.
    fn fill(&mut self) -> io::Result<()> {
        (self.window.start, self.window.filled) = (0, 0);
        let read = fill_window(self.window, self.transport, self.receive, self.buffer, None);
        self.remember(read)
    }

    /// Remembers why a read failed.
    fn remember<V>(&mut self, read: io::Result<V>) -> io::Result<V> {
        match read.as_ref().map_err(io::Error::kind) {
            Ok(_) => {}
            // A stream that blocks has a timeout of its own.
            Err(io::ErrorKind::TimedOut) => self.failure = Some(Refusal::BodyTimeout),
            Err(_) => self.broken = true,
        }
        read
    }

    /// Whether every byte that comes is the body's, and no framing is among them.
    fn is_plain(&self) -> bool {
        !self.receive.settings().chunked
    }
}

enum Next {
    /// Bytes are in the window.
    Here,
    /// None are, and so many more are the body's.
    Need(usize),
    End,
}

impl<T: Transport> BufRead for RequestBody<'_, T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.advance()? {
                Next::Here => break,
                Next::End => return Ok(&[]),
                Next::Need(_) => self.fill()?,
            }
        }
        Ok(self.buffer.get(self.window.start..self.window.start.saturating_add(self.window.body)).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.window.body);
        self.window.body = self.window.body.saturating_sub(amount);
        self.window.pass(amount);
        self.tell_unread();
    }
}

impl<T: Transport> Read for RequestBody<'_, T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // What is read past the buffer saves a copy.
        while self.window.body == 0 && out.len() >= self.buffer.len() && self.is_plain() {
            match self.advance()? {
                Next::Here => break,
                Next::End => return Ok(0),
                // Nobody knows how much of a pipe is there, and of a short rest a copy costs nothing.
                Next::Need(more) if more < self.buffer.len() => break,
                Next::Need(more) => {
                    let most = more.min(out.len());
                    let room = out.get_mut(..most).unwrap_or_default();
                    let read = read_or_wait(self.transport, self.receive, room, None);
                    if let Some(count) = self.remember(read)? {
                        self.window.eof = count == 0;
                        let got = out.get(..count).unwrap_or_default();
                        if count > 0 {
                            // Its bytes are counted as they are given.
                            let _ = self.receive.body(got, false, self.transport.now());
                            self.tell_unread();
                            return Ok(count);
                        }
                    }
                }
            }
        }
        let mut here = self.fill_buf()?;
        let count = here.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// What an application is told.
fn broken(refusal: Refusal) -> io::Error {
    let kind = match refusal {
        Refusal::BodyCutShort { .. } => io::ErrorKind::UnexpectedEof,
        Refusal::BodyTimeout => io::ErrorKind::TimedOut,
        Refusal::Stopping => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, refusal)
}
