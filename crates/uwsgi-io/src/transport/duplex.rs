//! A reader and a writer as one transport.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uwsgi::Time;

use crate::transport::clock::Clock;
use crate::transport::half_close::no_reset;
use crate::transport::{Direction, Transport, timed_out};

/// A reader and a writer as one transport: the pipes of another program, bytes in memory, or a capture and a sink.
///
/// It has neither a half-close nor a reset. The peer sees the end only when the writer is dropped. A response that is cut off
/// looks like a whole one, unless its head has a Content-Length.
///
/// ```
/// use uwsgi_io::{Duplex, Transport};
///
/// let capture = b"\x00\x00\x00\x00";
/// let duplex = Duplex::new(&capture[..], Vec::new());
/// let mut header = [0; 4];
/// assert_eq!(duplex.read(&mut header)?, 4);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Duplex<R, W> {
    reader: Mutex<R>,
    writer: Mutex<W>,
    clock: Clock,
}

impl<R: Read, W: Write> Duplex<R, W> {
    /// Makes a transport of a reader and a writer.
    pub fn new(reader: R, writer: W) -> Self {
        Self { reader: Mutex::new(reader), writer: Mutex::new(writer), clock: Clock::start() }
    }

    /// Returns the reader and the writer.
    pub fn into_inner(self) -> (R, W) {
        (
            self.reader.into_inner().unwrap_or_else(PoisonError::into_inner),
            self.writer.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<R: Read, W: Write> Transport for Duplex<R, W> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        lock(&self.reader).read(buffer).map_err(timed_out)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        lock(&self.writer).write_vectored(pieces).map_err(timed_out)
    }

    fn wait(&self, _direction: Direction, _until: Option<Time>) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        lock(&self.writer).flush()?;
        Err(io::Error::new(io::ErrorKind::Unsupported, "a reader and a writer have no half-close"))
    }

    fn abort(&self) -> io::Result<()> {
        Err(no_reset())
    }
}

/// Locks a stream, even if another thread has panicked while it held the lock: a read or a write has no state to break.
fn lock<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}
