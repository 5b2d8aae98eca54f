//! What a client has read and not used yet, and where more of it comes from.

use std::io::{self, Read};

use uwsgi::client::{Exchange, Incoming as Step};

use crate::transport::window::{SMALL, Window, make_room};

/// Where the bytes of an answer come from: a reader, or a connection on which the rest of the request is still leaving.
pub(crate) trait Source {
    /// Reads once, and waits for that if need be; 0 is the end of the stream.
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

/// The part of a buffer behind a head, and the source that it is filled from.
#[derive(Debug)]
pub(crate) struct Incoming<'b, S> {
    pub(crate) source: S,
    pub(crate) exchange: Exchange,
    buffer: &'b mut [u8],
    pub(crate) window: Window,
}

impl<'b, S: Source> Incoming<'b, S> {
    /// The window counts from the start of the buffer.
    pub(crate) const fn new(source: S, exchange: Exchange, buffer: &'b mut [u8], window: Window) -> Self {
        Self { source, exchange, buffer, window }
    }

    /// All of the buffer, and nothing read yet.
    pub(crate) fn whole(source: S, buffer: &'b mut Vec<u8>) -> Self {
        make_room(buffer, SMALL);
        Self::new(source, Exchange::new(false), buffer, Window::default())
    }

    /// What was read and not used.
    pub(crate) fn got(&self) -> &[u8] {
        self.window.of(self.buffer)
    }

    /// What the bytes are, of a body.
    pub(crate) fn step(&mut self) -> Step {
        self.exchange.body(self.window.of(self.buffer), self.window.eof)
    }

    /// Reads once; nothing of what was read before is left.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        (self.window.start, self.window.filled) = (0, 0);
        self.window.filled = self.source.fill(&mut self.exchange, self.buffer)?;
        self.window.eof = self.window.filled == 0;
        Ok(())
    }

    /// Takes what was read already, or else reads once into `out`; for where all bytes are wanted, whatever they are.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.window.len() == 0 {
            return self.source.fill(&mut self.exchange, out);
        }
        let count = self.got().read(out)?;
        self.window.pass(count);
        Ok(count)
    }
}
