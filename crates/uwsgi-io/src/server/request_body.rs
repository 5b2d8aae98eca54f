//! The body of a request.

use core::sync::atomic::Ordering;
use std::io::{self, BufRead, Read};

use uwsgi::server::{BodyStep, Receive, Refusal};

use crate::server::receive::{fill_window, note_stop, read_or_wait};
use crate::server::response_writer::ResponseWriter;
use crate::server::shared_state::SharedState;
use crate::transport::Transport;
use crate::transport::window::Window;

/// The body of a request. It ends after its declared length. If the stream ends before that, a read fails, and its error says
/// why.
///
/// The bytes are read from the connection when the application asks for them. Large reads bypass the buffer. Once the head of a
/// 101 has left, the body is everything that the peer sends.
#[derive(Debug)]
pub struct RequestBody<'r, T> {
    transport: &'r T,
    receive: &'r mut Receive,
    /// The part of the connection's buffer after the packet.
    buffer: &'r mut [u8],
    window: &'r mut Window,
    shared: &'r SharedState,
    failure: Option<Refusal>,
    broken: bool,
    /// Why the connection broke while the body was read ahead.
    read_ahead_error: Option<io::Error>,
}

impl<'r, T: Transport> RequestBody<'r, T> {
    pub(crate) fn new(
        transport: &'r T,
        receive: &'r mut Receive,
        buffer: &'r mut [u8],
        window: &'r mut Window,
        shared: &'r SharedState,
        read_ahead_error: Option<io::Error>,
    ) -> Self {
        let body = Self { transport, receive, buffer, window, shared, failure: None, broken: false, read_ahead_error };
        body.publish_unread();
        body
    }

    /// Tells the writer of the response how much is unread. After a failed body the number is not known, because nothing tells
    /// where the next request begins.
    fn publish_unread(&self) {
        let left = self.receive.unread_body().and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        self.shared.unread.store(left.saturating_add(self.window.body), Ordering::Release);
    }

    /// Returns the writer of the response. The time limit for getting a worker begins now: see
    /// [`Settings::queue_wait`](uwsgi::server::Settings::queue_wait).
    #[must_use]
    pub fn answer(&self) -> ResponseWriter<'r, T> {
        ResponseWriter::new(self.transport, self.receive, self.shared)
    }

    /// Returns the writer of the answer to a message. The answer has no head: the bytes leave as they are written.
    #[must_use]
    pub fn answer_without_head(&self) -> ResponseWriter<'r, T> {
        ResponseWriter::without_head(self.transport, self.receive, self.shared)
    }

    /// Returns why the last read failed: because of the bytes or the silence of the peer, or because of a stop. Returns `None`
    /// if no read has failed, or if the connection [broke](Self::is_broken).
    #[must_use]
    pub const fn failure(&self) -> Option<Refusal> {
        self.failure
    }

    /// Returns whether the connection broke while the body was read.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Asks the state machine until bytes of the body are in the window, the body has ended, or more has to be read.
    fn advance(&mut self) -> io::Result<Next> {
        if self.window.body > 0 {
            return Ok(Next::Ready);
        }
        if let Some(error) = self.read_ahead_error.take() {
            return self.record_failure(Err(error));
        }
        if self.shared.upgraded.load(Ordering::Acquire) {
            self.receive.upgrade();
        }
        // The grace period of a stop holds also for a peer that is always ready.
        note_stop(self.transport, self.receive);
        loop {
            let got = self.window.bytes(self.buffer);
            match self.receive.body(got, self.window.eof, self.transport.now()) {
                BodyStep::Body { skip, take } => {
                    self.window.consume(skip);
                    self.window.body = take;
                    if take > 0 {
                        return Ok(Next::Ready);
                    }
                }
                BodyStep::Need(more) => return Ok(Next::Need(more)),
                BodyStep::Fail(refusal) => {
                    self.failure = Some(refusal);
                    self.publish_unread();
                    return Err(body_error(refusal));
                }
                BodyStep::End { skip } => {
                    self.window.consume(skip);
                    return Ok(Next::End);
                }
            }
        }
    }

    /// Reads once into the empty buffer, or waits.
    fn fill(&mut self) -> io::Result<()> {
        (self.window.start, self.window.filled) = (0, 0);
        let read = fill_window(self.window, self.transport, self.receive, self.buffer, None);
        self.record_failure(read)
    }

    /// Records why a read failed.
    fn record_failure<V>(&mut self, read: io::Result<V>) -> io::Result<V> {
        match read.as_ref().map_err(io::Error::kind) {
            Ok(_) => {}
            // This is a timeout of a stream that blocks.
            Err(io::ErrorKind::TimedOut) => self.failure = Some(Refusal::BodyTimeout),
            Err(_) => self.broken = true,
        }
        read
    }

    /// Returns whether the settings exclude chunked bodies. Then every byte belongs to the body; a chunked body has framing
    /// between its bytes.
    fn has_no_framing(&self) -> bool {
        !self.receive.settings().chunked
    }
}

/// The next step of a read of the body.
enum Next {
    /// Bytes of the body are in the window.
    Ready,
    /// No byte of the body is in the window; at least this many more bytes of the stream belong to it.
    Need(usize),
    /// The body has ended.
    End,
}

impl<T: Transport> BufRead for RequestBody<'_, T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.advance()? {
                Next::Ready => break,
                Next::End => return Ok(&[]),
                Next::Need(_) => self.fill()?,
            }
        }
        Ok(self.buffer.get(self.window.start..self.window.start.saturating_add(self.window.body)).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.window.body);
        self.window.body = self.window.body.saturating_sub(amount);
        self.window.consume(amount);
        self.publish_unread();
    }
}

impl<T: Transport> Read for RequestBody<'_, T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A read that bypasses the buffer saves a copy.
        while self.window.body == 0 && out.len() >= self.buffer.len() && self.has_no_framing() {
            match self.advance()? {
                Next::Ready => break,
                Next::End => return Ok(0),
                // The copy of a short rest costs almost nothing. For a pipe, `more` is 1, because its length is not known.
                Next::Need(more) if more < self.buffer.len() => break,
                Next::Need(more) => {
                    let most = more.min(out.len());
                    let room = out.get_mut(..most).unwrap_or_default();
                    let read = read_or_wait(self.transport, self.receive, room, None);
                    if let Some(count) = self.record_failure(read)? {
                        self.window.eof = count == 0;
                        let got = out.get(..count).unwrap_or_default();
                        if count > 0 {
                            // The state machine counts the bytes that the application gets.
                            let _ = self.receive.body(got, false, self.transport.now());
                            self.publish_unread();
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

/// Returns the error that the application gets.
fn body_error(refusal: Refusal) -> io::Error {
    let kind = match refusal {
        Refusal::BodyCutShort { .. } => io::ErrorKind::UnexpectedEof,
        Refusal::BodyTimeout => io::ErrorKind::TimedOut,
        Refusal::Stopping => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, refusal)
}
