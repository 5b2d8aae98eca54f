//! The socket of a connection, and the bytes that wait in both directions.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use socket2::Socket;

/// A non-blocking socket with two buffers.
#[derive(Debug)]
pub(crate) struct Buffers {
    pub(super) socket: Socket,
    /// The bytes that were read and not used.
    input: Vec<u8>,
    /// Whether no more bytes will come.
    is_ended: bool,
    /// The bytes that have not left.
    output: Vec<u8>,
    /// How many bytes at the start of the output belong to a head.
    head_left: usize,
}

/// What a write has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// This many bytes of a body left, and maybe bytes of a head before them.
    Some(usize),
    /// The peer takes no bytes now.
    Blocked,
    /// There is nothing to write.
    Nothing,
}

/// How many bytes are read at once.
const READ: usize = 16 * 1024;

/// How many bytes of an answer wait at most. An application that gives more has to wait.
const MOST_OUTPUT: usize = 64 * 1024;

impl Buffers {
    pub(super) const fn new(socket: Socket) -> Self {
        Self { socket, input: Vec::new(), is_ended: false, output: Vec::new(), head_left: 0 }
    }

    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    pub(super) const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Drops bytes from the start of the input.
    pub(super) fn consume(&mut self, count: usize) {
        self.input.drain(..count.min(self.input.len()));
    }

    /// Takes bytes from the start of the input.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        self.input.drain(..count.min(self.input.len())).collect()
    }

    /// Reads once, without waiting. Returns whether something came: bytes, or the end of the stream.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        let filled = self.input.len();
        self.input.resize(filled.saturating_add(READ), 0);
        let result = (&self.socket).read(self.input.get_mut(filled..).unwrap_or_default());
        self.input.truncate(filled.saturating_add(*result.as_ref().unwrap_or(&0)));
        match result {
            Ok(count) => {
                self.is_ended = count == 0;
                Ok(true)
            }
            Err(error) if is_retry(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns how many more bytes of an answer may wait.
    pub(super) fn room(&self) -> usize {
        MOST_OUTPUT.saturating_sub(self.output.len())
    }

    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    pub(super) fn push_head(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        self.head_left = self.output.len();
    }

    pub(super) fn push_body(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Writes once, without waiting.
    pub(super) fn write(&mut self) -> io::Result<Wrote> {
        if self.output.is_empty() {
            return Ok(Wrote::Nothing);
        }
        match (&self.socket).write(&self.output) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.output.drain(..count.min(self.output.len()));
                let of_body = count.saturating_sub(self.head_left);
                self.head_left = self.head_left.saturating_sub(count);
                Ok(Wrote::Some(of_body))
            }
            Err(error) if is_retry(&error) => Ok(Wrote::Blocked),
            Err(error) => Err(error),
        }
    }

    /// Closes the sending direction. This fails if the connection has ended already, and then a read says so.
    pub(super) fn half_close(&self) {
        let _ended = self.socket.shutdown(Shutdown::Write);
    }

    /// Turns the close that follows into a reset, so that the front end sees that the answer is not complete.
    pub(super) fn reset_at_close(&self) {
        let _ended = self.socket.set_linger(Some(core::time::Duration::ZERO));
    }
}

fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
