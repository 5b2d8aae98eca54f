//! Where a client reads from: a source of bytes, and its buffer.

use std::io::{self, Read};

use uwsgi::client::{BodyStep, Exchange};

use crate::transport::window::{Window, make_room};

/// A source of the bytes of a response or an answer: a reader, or a connection on which the rest of the request may still have
/// to leave.
pub(crate) trait Source {
    /// Reads once, and waits until bytes are there; 0 is the end of the stream.
    fn fill(&mut self, exchange: &mut Exchange, room: &mut [u8]) -> io::Result<usize>;
}

impl<R: Read> Source for R {
    fn fill(&mut self, _exchange: &mut Exchange, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

/// The length of a new buffer.
pub(crate) const INITIAL_BUFFER: usize = 32 * 1024;

/// A source, and the part of the buffer after the head, which it fills.
#[derive(Debug)]
pub(crate) struct BufferedSource<'b, S> {
    pub(crate) source: S,
    pub(crate) exchange: Exchange,
    buffer: &'b mut [u8],
    pub(crate) window: Window,
}

impl<'b, S: Source> BufferedSource<'b, S> {
    /// Makes a buffered source. `window` counts from the start of `buffer`.
    pub(crate) const fn new(source: S, exchange: Exchange, buffer: &'b mut [u8], window: Window) -> Self {
        Self { source, exchange, buffer, window }
    }

    /// Makes a buffered source that has read nothing. It uses all of the buffer.
    pub(crate) fn empty(source: S, buffer: &'b mut Vec<u8>) -> Self {
        make_room(buffer, INITIAL_BUFFER);
        Self::new(source, Exchange::new(false), buffer, Window::default())
    }

    /// Returns the bytes that were read and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.window.bytes(self.buffer)
    }

    /// Asks the exchange which of these bytes belong to the body.
    pub(crate) fn step(&mut self) -> BodyStep {
        self.exchange.body(self.window.bytes(self.buffer), self.window.eof)
    }

    /// Reads once into the buffer. All bytes of the buffer must be consumed before.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        (self.window.start, self.window.filled) = (0, 0);
        self.window.filled = self.source.fill(&mut self.exchange, self.buffer)?;
        self.window.eof = self.window.filled == 0;
        Ok(())
    }

    /// Returns bytes as they are, without regard to the exchange: those of the buffer, or else those of one read from the
    /// source.
    pub(crate) fn read_raw(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.window.len() == 0 {
            return self.source.fill(&mut self.exchange, out);
        }
        let count = self.bytes().read(out)?;
        self.window.consume(count);
        Ok(count)
    }
}
