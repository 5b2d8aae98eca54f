//! A request on its way out, while its answer may be coming in already.

use std::io::{self, IoSlice, Read, Write};

use uwsgi::client::Exchange;

use crate::client::error::ClientErrorKind;
use crate::client::source::Source;
use crate::transport::stream::{Patience, Stream, Timeout};
use crate::transport::window::Window;
use crate::transport::{Direction, Ready, Transport, is_early};

/// Sends a packet and its body piece by piece, whenever an answer is waited for: one thread, both directions.
///
/// Nobody has to read for ever before writing, or write before reading: a server that answers and closes before it has
/// taken the body is heard, and so is one that sends each byte back.
#[derive(Debug)]
pub(crate) struct Pump<'c, T, B> {
    stream: Stream<T>,
    /// The packet, then one piece of the body after the other.
    out: &'c mut Vec<u8>,
    /// What of it has yet to leave.
    window: Window,
    body: B,
    /// Whether the body was read into the place of what had left.
    loaded: bool,
    /// Nothing more will leave: the peer does not take it.
    broken: Option<io::Error>,
    /// Whether anything of an answer has come.
    answered: bool,
    /// Whether something left since an answer was looked for.
    sent: bool,
}

/// How much of a body is sent at once.
const PIECE: usize = 32 * 1024;

impl<'c, T: Transport, B: Read> Pump<'c, T, B> {
    /// Sends what `out` holds, which is a packet, then the body.
    pub(crate) fn new(transport: T, patience: Patience, out: &'c mut Vec<u8>, body: B) -> Self {
        let window = Window { filled: out.len(), ..Window::default() };
        Self {
            stream: Stream::patient(transport, patience),
            out,
            window,
            body,
            loaded: false,
            broken: None,
            answered: false,
            sent: false,
        }
    }

    pub(crate) const fn transport(&self) -> &T {
        self.stream.transport()
    }

    pub(crate) const fn transport_mut(&mut self) -> &mut T {
        self.stream.transport_mut()
    }

    /// How long is waited from here on.
    pub(crate) const fn set_patience(&mut self, patience: Patience) {
        self.stream.set_patience(patience);
    }

    /// Joins a body to the packet, so that both leave at once, if there is room for all of it.
    pub(crate) fn join(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        let most = PIECE.saturating_sub(self.window.filled);
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
    /// Nothing of the request has left, and nothing will on this connection.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.write();
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Whether what began to leave is still there from its first byte on.
    pub(crate) const fn is_whole(&self) -> bool {
        !self.loaded
    }

    /// Has all of it leave once more, on another connection.
    pub(crate) fn rewind(&mut self) {
        self.window = Window { filled: self.out.len(), ..Window::default() };
        (self.broken, self.answered, self.sent) = (None, false, false);
    }

    /// How many bytes may be [pushed](Self::push).
    pub(crate) const fn room(&self) -> usize {
        PIECE.saturating_sub(self.window.filled)
    }

    /// Puts bytes behind those that have yet to leave.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.out.truncate(self.window.filled);
        self.out.extend_from_slice(bytes);
        self.window.filled = self.out.len();
    }

    /// Sends all that was pushed; what comes of an answer meanwhile is read, and `filled` counts it.
    ///
    /// # Errors
    ///
    /// No more will leave, or not in time.
    pub(crate) fn drain(&mut self, buffer: &mut [u8], filled: &mut usize) -> io::Result<()> {
        let mut since = self.transport().now();
        while self.window.len() > 0 {
            if let Some(error) = &self.broken {
                return Err(error.kind().into());
            }
            let patience = self.stream.patience();
            let until = patience.until(Timeout::Write(patience.write), since, self.transport().now())?;
            let room = buffer.get_mut(*filled..).unwrap_or_default();
            let ready = if room.is_empty() {
                self.transport().wait(Direction::Write, until)?;
                Ready { read: false, write: true }
            } else {
                self.transport().wait_either(until)?
            };
            if ready.write && self.write() {
                since = self.transport().now();
            }
            match if ready.read { self.read(room)? } else { None } {
                Some(0) => self.give_up(io::ErrorKind::BrokenPipe.into()),
                count => *filled = filled.saturating_add(count.unwrap_or_default()),
            }
        }
        self.window = Window::default();
        self.broken.as_ref().map_or(Ok(()), |error| Err(error.kind().into()))
    }

    /// Sends all that is left of the request, and reads nothing meanwhile: there is no more of the answer, or it was 101, and
    /// what is written to the pipe must not overtake the request's body. After the status of an error or a redirect nothing is
    /// sent.
    ///
    /// # Errors
    ///
    /// No more will leave, or not in time, or the body is too short.
    pub(crate) fn finish(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        let mut since = self.transport().now();
        while !exchange.is_refused() {
            if let Some(error) = self.broken.take() {
                // It stays one.
                self.broken = Some(error.kind().into());
                return Err(Self::not_sent(error));
            }
            if self.window.len() > 0 {
                let patience = self.stream.patience();
                let until = patience.until(Timeout::Write(patience.write), since, self.transport().now())?;
                self.transport().wait(Direction::Write, until)?;
                if self.write() {
                    since = self.transport().now();
                }
            } else if exchange.wants_body() {
                self.load(exchange)?;
                self.write();
                since = self.transport().now();
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether everything that was to leave has left.
    pub(crate) const fn is_done(&self) -> bool {
        self.broken.is_none() && self.window.len() == 0
    }

    /// Whether no more will leave.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// No more of the request leaves, for this reason if there was none before.
    pub(crate) fn give_up(&mut self, error: io::Error) {
        self.broken.get_or_insert(error);
        self.window = Window::default();
    }

    /// Whether something has yet to leave.
    fn is_leaving(&self, exchange: &Exchange) -> bool {
        self.broken.is_none() && !exchange.is_refused() && (self.window.len() > 0 || exchange.wants_body())
    }

    /// Sends what can leave now; whether anything did.
    fn write(&mut self) -> bool {
        if self.window.len() == 0 {
            // The body's reader was interrupted before it gave a byte.
            return false;
        }
        match self.transport().write(&[IoSlice::new(self.window.of(self.out))]) {
            Ok(0) => self.broken = Some(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.window.pass(count);
                self.sent = true;
                return true;
            }
            Err(error) if is_early(&error) => {}
            Err(error) => self.broken = Some(error),
        }
        false
    }

    /// Fills the buffer with the next piece of the body; everything before it has left.
    fn load(&mut self, exchange: &mut Exchange) -> io::Result<()> {
        (self.window, self.loaded) = (Window::default(), true);
        if self.out.len() < PIECE {
            self.out.resize(PIECE, 0);
        }
        self.read_body(exchange)
    }

    /// Reads once from the body, no more than is declared.
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
                let leaves = exchange.send(count);
                self.window.filled = self.window.filled.saturating_add(leaves);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), ClientErrorKind::Body(error))),
        }
    }

    /// Reads once, without waiting; nothing, where there is nothing yet.
    fn read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        match self.transport().read(room) {
            Ok(0) if !self.answered => self.closed(),
            Ok(count) => {
                self.answered |= count > 0;
                Ok(Some(count))
            }
            Err(error) if is_early(&error) => Ok(None),
            // A peer that closes over bytes it has not read resets the connection: it has closed without an answer.
            Err(error) if !self.answered && is_gone(&error) => self.closed(),
            Err(error) => Err(error),
        }
    }

    /// The end of the stream, before a byte of an answer. If that is because of the network, only the write was told: Linux
    /// says it once (`sock_error`), and the read finds the end.
    fn closed(&mut self) -> io::Result<Option<usize>> {
        match &self.broken {
            Some(error) if !is_gone(error) => {
                let kind = error.kind();
                let error = self.broken.replace(kind.into()).unwrap_or_else(|| kind.into());
                Err(Self::not_sent(error))
            }
            _ => Ok(Some(0)),
        }
    }

    /// Why not all of the request has left. What a [`give_up`](Self::give_up) gave as the reason stays the reason.
    fn not_sent(error: io::Error) -> io::Error {
        match error.downcast::<ClientErrorKind>() {
            Ok(kind) => io::Error::new(kind.io_kind(), kind),
            Err(error) => io::Error::new(error.kind(), ClientErrorKind::Write(error)),
        }
    }

    /// Reads once, and waits for that; nothing is left to be sent.
    fn receive(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (since, patience) = (self.transport().now(), *self.stream.patience());
        patience.until(Timeout::Read(patience.read), since, since)?;
        // Behind the last byte of a request there is no answer yet, and to look for one would be in vain.
        let mut wait = core::mem::take(&mut self.sent);
        loop {
            if wait {
                self.stream.wait(Direction::Read, since)?;
            }
            if let Some(count) = self.read(room)? {
                return Ok(count);
            }
            wait = true;
        }
    }
}

impl<T: Transport, B: Read> Source for Pump<'_, T, B> {
    fn fill(&mut self, exchange: &mut Exchange, room: &mut [u8]) -> io::Result<usize> {
        let mut since = self.transport().now();
        while self.is_leaving(exchange) {
            // Whether an answer is there shows before more of the body is asked for, which may take its time.
            let now = self.transport().now();
            let until = self.stream.patience().until(Timeout::Write(self.stream.patience().write), since, now)?;
            let loaded = self.window.len() > 0;
            let ready = self.transport().wait_either(if loaded { until } else { Some(now) })?;
            if loaded && ready.write && self.write() {
                since = self.transport().now();
            }
            if ready.read {
                if let Some(count) = self.read(room)? {
                    return Ok(count);
                }
            }
            if self.broken.is_none() && self.window.len() == 0 && exchange.wants_body() {
                self.load(exchange)?;
                self.write();
                since = self.transport().now();
            }
        }
        self.receive(room)
    }
}

impl<T: Transport, B> Write for Pump<'_, T, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the peer closed the connection, in whatever way.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "a test that panics has found something")]
mod tests;
