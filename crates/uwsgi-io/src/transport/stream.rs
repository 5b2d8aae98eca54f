//! A transport as a stream that waits.

use core::fmt;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};

use uwsgi::server::Time;

use crate::transport::{Direction, Transport, is_early};

/// A transport as a stream: what cannot be read or written yet is waited for, and no longer than was said.
///
/// ```
/// # #[cfg(unix)] {
/// use core::time::Duration;
/// use std::io::Read;
/// use std::os::unix::net::UnixStream;
/// use uwsgi_io::{Socket, Stream};
///
/// let (ours, _theirs) = UnixStream::pair()?;
/// let mut stream = Stream::new(Socket::new(ours)?).with_read_timeout(Duration::from_millis(10));
/// let error = stream.read(&mut [0; 16]).unwrap_err();
/// assert_eq!(error.to_string(), "no byte came within 10ms");
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Stream<T> {
    transport: T,
    patience: Patience,
}

/// What was waited for in vain, and for how long: what an error of the kind [`TimedOut`](io::ErrorKind::TimedOut) holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// For the connection to be made.
    Connect(Duration),
    /// For the next byte to come.
    Read(Duration),
    /// For everything together.
    Total(Duration),
    /// For the next byte to be taken.
    Write(Duration),
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(after) => write!(f, "no connection within {after:?}"),
            Self::Read(after) => write!(f, "no byte came within {after:?}"),
            Self::Total(after) => write!(f, "not done within {after:?}"),
            Self::Write(after) => write!(f, "no byte was taken within {after:?}"),
        }
    }
}

impl core::error::Error for Timeout {}

impl From<Timeout> for io::Error {
    fn from(timeout: Timeout) -> Self {
        Self::new(io::ErrorKind::TimedOut, timeout)
    }
}

/// How long is waited at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    pub(crate) total: Duration,
    /// When the total is over, if it has an end.
    pub(crate) end: Option<Time>,
}

impl Patience {
    /// No end to it.
    pub(crate) const ENDLESS: Self =
        Self { read: Duration::MAX, write: Duration::MAX, total: Duration::MAX, end: None };

    /// Until when to wait for something that was last seen `since`; an error if that is over.
    pub(crate) fn until(&self, idle: Timeout, since: Time, now: Time) -> io::Result<Option<Time>> {
        let (Timeout::Connect(after) | Timeout::Read(after) | Timeout::Total(after) | Timeout::Write(after)) = idle;
        let idle_end = since.after(after);
        if self.end.is_some_and(|end| now >= end) {
            return Err(Timeout::Total(self.total).into());
        }
        if now >= idle_end {
            return Err(idle.into());
        }
        Ok(Some(self.end.map_or(idle_end, |end| end.min(idle_end))))
    }
}

impl<T: Transport> Stream<T> {
    /// A stream that waits for as long as it takes.
    pub const fn new(transport: T) -> Self {
        Self { transport, patience: Patience::ENDLESS }
    }

    pub(crate) const fn patient(transport: T, patience: Patience) -> Self {
        Self { transport, patience }
    }

    /// The same stream, waiting so long at most for the next byte to come.
    #[must_use]
    pub fn with_read_timeout(self, read: Duration) -> Self {
        Self { patience: Patience { read, ..self.patience }, ..self }
    }

    /// The same stream, waiting so long at most for the next byte to be taken.
    #[must_use]
    pub fn with_write_timeout(self, write: Duration) -> Self {
        Self { patience: Patience { write, ..self.patience }, ..self }
    }

    /// The same stream, which is over so long from now.
    #[must_use]
    pub fn with_total_timeout(self, total: Duration) -> Self {
        let end = Some(self.transport.now().after(total));
        Self { patience: Patience { total, end, ..self.patience }, ..self }
    }

    /// The transport.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    pub(crate) const fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// The transport, for another use.
    pub fn into_transport(self) -> T {
        self.transport
    }

    pub(crate) const fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    pub(crate) const fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Waits for a direction in which nothing has moved `since`.
    pub(crate) fn wait(&self, direction: Direction, since: Time) -> io::Result<()> {
        let idle = match direction {
            Direction::Read => Timeout::Read(self.patience.read),
            Direction::Write => Timeout::Write(self.patience.write),
        };
        let until = self.patience.until(idle, since, self.transport.now())?;
        self.transport.wait(direction, until)
    }
}

impl<T: Transport> Read for Stream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = self.transport.now();
        // Of a peer that never lets us wait, too, the total ends.
        self.patience.until(Timeout::Read(self.patience.read), since, since)?;
        loop {
            match self.transport.read(buffer) {
                Err(error) if is_early(&error) => self.wait(Direction::Read, since)?,
                done => return done,
            }
        }
    }
}

impl<T: Transport> Write for Stream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let since = self.transport.now();
        self.patience.until(Timeout::Write(self.patience.write), since, since)?;
        loop {
            match self.transport.write(pieces) {
                Err(error) if is_early(&error) => self.wait(Direction::Write, since)?,
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
