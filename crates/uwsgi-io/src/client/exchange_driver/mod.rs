//! Sends a request, and reads its answer at the same time.

use std::io::{self, IoSlice, Read, Write};

use uwsgi::client::Exchange;

use crate::client::error::ClientErrorKind;
use crate::client::source::Source;
use crate::transport::stream::{Stream, Timeout, Timeouts};
use crate::transport::window::Window;
use crate::transport::{Direction, Ready, Transport, should_retry};

/// Sends a packet and its body in pieces, while it waits for the answer. One thread moves both directions.
///
/// So the client also receives the answer of a server that answers and closes before it has read the body. It also receives the
/// answer of a server that sends each byte back before it reads the next.
#[derive(Debug)]
pub(crate) struct ExchangeDriver<'c, T, B> {
    stream: Stream<T>,
    /// The send buffer: first the packet, later pieces of the body.
    out: &'c mut Vec<u8>,
    /// The bytes of `out` that have not left.
    window: Window,
    body: B,
    /// Whether a piece of the body has replaced the packet in `out`.
    packet_overwritten: bool,
    /// Why nothing more will leave.
    send_error: Option<io::Error>,
    /// Whether a byte of an answer has come.
    answer_began: bool,
    /// Whether bytes have left since the last read.
    sent_since_read: bool,
    /// Whether to half-close once everything has left.
    half_closes: bool,
}

/// The length of the send buffer.
const SEND_BUFFER: usize = 32 * 1024;

impl<'c, T: Transport, B: Read> ExchangeDriver<'c, T, B> {
    /// Makes a driver that sends `out`, which is a packet, and then the body.
    pub(crate) fn new(transport: T, timeouts: Timeouts, out: &'c mut Vec<u8>, body: B) -> Self {
        let window = Window { filled: out.len(), ..Window::default() };
        Self {
            stream: Stream::with_timeouts(transport, timeouts),
            out,
            window,
            body,
            packet_overwritten: false,
            send_error: None,
            answer_began: false,
            sent_since_read: false,
            half_closes: false,
        }
    }

    /// Half-closes the connection once everything has left: now, or during a later read.
    pub(crate) fn half_close_when_sent(&mut self) {
        self.half_closes = true;
        self.half_close_if_sent();
    }

    fn half_close_if_sent(&mut self) {
        if self.half_closes && self.is_sent() {
            self.half_closes = false;
            // This fails if the connection has ended. Then a read says so.
            let _ended = self.transport().shut_down_write();
        }
    }

    pub(crate) const fn transport(&self) -> &T {
        self.stream.transport()
    }

    pub(crate) const fn transport_mut(&mut self) -> &mut T {
        self.stream.transport_mut()
    }

    /// Sets the timeouts from now on.
    pub(crate) const fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.stream.set_timeouts(timeouts);
    }

    /// Reads the whole body into the send buffer after the packet, if there is room for it. Then both leave together.
    pub(crate) fn preload_body(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        let most = SEND_BUFFER.saturating_sub(self.window.filled);
        if let Some(length) = usize::try_from(exchange.outgoing()).ok().filter(|length| *length <= most) {
            self.out.resize(self.window.filled.saturating_add(length), 0);
            while exchange.wants_body() {
                self.read_body(exchange)?;
            }
        }
        Ok(())
    }

    /// Writes once, without waiting.
    ///
    /// # Errors
    ///
    /// No byte of the request has left, and none will leave on this connection.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        self.try_write();
        self.send_error.take().map_or(Ok(()), Err)
    }

    /// Returns whether the send buffer still has everything that has left, from the first byte of the packet.
    pub(crate) const fn can_rewind(&self) -> bool {
        !self.packet_overwritten
    }

    /// Begins again with the first byte of the packet, on another connection.
    pub(crate) fn rewind(&mut self) {
        self.window = Window { filled: self.out.len(), ..Window::default() };
        (self.send_error, self.answer_began, self.sent_since_read) = (None, false, false);
    }

    /// Returns how many bytes can be [pushed](Self::push).
    pub(crate) const fn room(&self) -> usize {
        SEND_BUFFER.saturating_sub(self.window.filled)
    }

    /// Appends bytes to those that have not left.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.out.truncate(self.window.filled);
        self.out.extend_from_slice(bytes);
        self.window.filled = self.out.len();
    }

    /// Sends all bytes that were pushed. Meanwhile reads bytes of an answer into `buffer` after the first `filled`, and adds
    /// their number to `filled`.
    ///
    /// # Errors
    ///
    /// No more bytes will leave, or they do not leave in time.
    pub(crate) fn send_pushed(&mut self, buffer: &mut [u8], filled: &mut usize) -> io::Result<()> {
        let mut since = self.transport().now();
        while self.window.len() > 0 {
            if let Some(error) = &self.send_error {
                return Err(error.kind().into());
            }
            let timeouts = self.stream.timeouts();
            let until = timeouts.deadline(Timeout::Write(timeouts.write), since, self.transport().now())?;
            let room = buffer.get_mut(*filled..).unwrap_or_default();
            let ready = if room.is_empty() {
                self.transport().wait(Direction::Write, until)?;
                Ready { read: false, write: true }
            } else {
                self.transport().wait_either(until)?
            };
            if ready.write && self.try_write() {
                since = self.transport().now();
            }
            match if ready.read { self.try_read(room)? } else { None } {
                Some(0) => self.give_up(io::ErrorKind::BrokenPipe.into()),
                count => *filled = filled.saturating_add(count.unwrap_or_default()),
            }
        }
        self.window = Window::default();
        self.send_error.as_ref().map_or(Ok(()), |error| Err(error.kind().into()))
    }

    /// Sends the rest of the request without reading. Call this when no more of the response will come. Call it also after a
    /// 101, because the bytes of the pipe must come after the body of the request. Sends nothing if the response is an error or
    /// a redirect.
    ///
    /// # Errors
    ///
    /// No more bytes will leave, they do not leave in time, or the body is too short.
    pub(crate) fn send_rest(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        let mut since = self.transport().now();
        while !exchange.is_refused() {
            if let Some(error) = self.send_error.take() {
                // The next call fails too.
                self.send_error = Some(error.kind().into());
                return Err(Self::send_failure(error));
            }
            if self.window.len() > 0 {
                self.stream.wait(Direction::Write, since)?;
                if self.try_write() {
                    since = self.transport().now();
                }
            } else if exchange.wants_body() {
                self.load_body(exchange)?;
                self.try_write();
                since = self.transport().now();
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns whether every byte of the send buffer has left, and sending has not failed.
    pub(crate) const fn is_sent(&self) -> bool {
        self.send_error.is_none() && self.window.len() == 0
    }

    /// Returns whether sending has failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.send_error.is_some()
    }

    /// Stops sending. `error` is the reason, unless there is one already.
    pub(crate) fn give_up(&mut self, error: io::Error) {
        self.send_error.get_or_insert(error);
        self.window = Window::default();
    }

    /// Returns whether more of the request has to leave.
    fn has_more_to_send(&self, exchange: &Exchange) -> bool {
        self.send_error.is_none() && !exchange.is_refused() && (self.window.len() > 0 || exchange.wants_body())
    }

    /// Writes the bytes that can leave now. Returns whether any have left.
    fn try_write(&mut self) -> bool {
        if self.window.len() == 0 {
            // A read of the body was interrupted before its first byte.
            return false;
        }
        match self.transport().write(&[IoSlice::new(self.window.bytes(self.out))]) {
            Ok(0) => self.send_error = Some(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.window.consume(count);
                self.sent_since_read = true;
                return true;
            }
            Err(error) if should_retry(&error) => {}
            Err(error) => self.send_error = Some(error),
        }
        false
    }

    /// Fills the send buffer with the next piece of the body. Everything before it has left.
    fn load_body(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        (self.window, self.packet_overwritten) = (Window::default(), true);
        if self.out.len() < SEND_BUFFER {
            self.out.resize(SEND_BUFFER, 0);
        }
        self.read_body(exchange)
    }

    /// Reads once from the body, but no more than its declared length.
    fn read_body(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        let left = usize::try_from(exchange.outgoing()).unwrap_or(usize::MAX);
        let most = self.window.filled.saturating_add(left).min(self.out.len());
        let room = self.out.get_mut(self.window.filled..most).unwrap_or_default();
        match self.body.read(room) {
            Ok(0) => {
                let fault = ClientErrorKind::BodyTooShort { missing: exchange.outgoing() };
                Err(io::Error::new(io::ErrorKind::InvalidInput, fault))
            }
            Ok(count) => {
                let count = exchange.send(count);
                self.window.filled = self.window.filled.saturating_add(count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), ClientErrorKind::Body(error))),
        }
    }

    /// Reads once, without waiting. Returns `None` if no byte is there yet.
    fn try_read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        match self.transport().read(room) {
            Ok(0) if !self.answer_began => self.end_before_answer(),
            Ok(count) => {
                self.answer_began |= count > 0;
                Ok(Some(count))
            }
            Err(error) if should_retry(&error) => Ok(None),
            // A peer that closes with unread bytes resets the connection: it has closed without an answer.
            Err(error) if !self.answer_began && is_disconnect(&error) => self.end_before_answer(),
            Err(error) => Err(error),
        }
    }

    /// Returns what the end of the stream before the first byte of an answer means. If the network has failed, only the write
    /// got that error: Linux reports it once (`sock_error`), and the read finds only the end.
    fn end_before_answer(&mut self) -> io::Result<Option<usize>> {
        match &self.send_error {
            Some(error) if !is_disconnect(error) => {
                let kind = error.kind();
                let error = self.send_error.replace(kind.into()).unwrap_or_else(|| kind.into());
                Err(Self::send_failure(error))
            }
            _ => Ok(Some(0)),
        }
    }

    /// Returns why not all of the request has left. The reason of [`give_up`](Self::give_up) has priority.
    fn send_failure(error: io::Error) -> io::Error {
        match error.downcast::<ClientErrorKind>() {
            Ok(kind) => io::Error::new(kind.io_kind(), kind),
            Err(error) => io::Error::new(error.kind(), ClientErrorKind::Write(error)),
        }
    }

    /// Waits and reads once. Nothing more of the request has to leave.
    fn read_answer(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (since, timeouts) = (self.transport().now(), *self.stream.timeouts());
        timeouts.deadline(Timeout::Read(timeouts.read), since, since)?;
        // Right after bytes of the request have left, an answer is hardly there yet, so this waits first.
        let mut wait = core::mem::take(&mut self.sent_since_read);
        loop {
            if wait {
                self.stream.wait(Direction::Read, since)?;
            }
            if let Some(count) = self.try_read(room)? {
                return Ok(count);
            }
            wait = true;
        }
    }
}

impl<T: Transport, B: Read> Source for ExchangeDriver<'_, T, B> {
    fn fill(&mut self, exchange: &mut Exchange, room: &mut [u8]) -> io::Result<usize> {
        let mut since = self.transport().now();
        while self.has_more_to_send(exchange) {
            // This looks for an answer before it reads more of the body, because a read of the body may block.
            let now = self.transport().now();
            let until = self.stream.timeouts().deadline(Timeout::Write(self.stream.timeouts().write), since, now)?;
            let has_bytes = self.window.len() > 0;
            let ready = self.transport().wait_either(if has_bytes { until } else { Some(now) })?;
            if has_bytes && ready.write && self.try_write() {
                since = self.transport().now();
                self.half_close_if_sent();
            }
            if ready.read {
                if let Some(count) = self.try_read(room)? {
                    return Ok(count);
                }
            }
            if self.send_error.is_none() && self.window.len() == 0 && exchange.wants_body() {
                self.load_body(exchange)?;
                self.try_write();
                since = self.transport().now();
            }
        }
        self.read_answer(room)
    }
}

impl<T: Transport, B> Write for ExchangeDriver<'_, T, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns whether the error means that the peer has closed the connection.
pub(crate) fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "a test that panics has found something")]
mod tests;
