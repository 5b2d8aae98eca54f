//! A transport as a stream with timeouts.

use core::fmt;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};

use uwsgi::Time;

use crate::transport::{Direction, Transport, should_retry};

/// A transport as a stream that implements [`Read`] and [`Write`]: it waits until the transport is ready, within its timeouts.
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
    timeouts: Timeouts,
}

/// The timeout that has passed, and how long it was. An error of the kind [`TimedOut`](io::ErrorKind::TimedOut) contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The timeout for connecting.
    Connect(Duration),
    /// The timeout until the next byte comes.
    Read(Duration),
    /// The timeout for everything together.
    Total(Duration),
    /// The timeout until the peer takes the next byte.
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

/// The timeouts of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    pub(crate) total: Duration,
    /// When `total` has passed; `None` without such a timeout.
    pub(crate) end: Option<Time>,
}

impl Timeouts {
    /// No timeouts.
    pub(crate) const NONE: Self = Self { read: Duration::MAX, write: Duration::MAX, total: Duration::MAX, end: None };

    /// Returns until when to wait, if the wait began at `since`; or an error if that time has passed.
    pub(crate) fn deadline(&self, idle: Timeout, since: Time, now: Time) -> io::Result<Option<Time>> {
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
    /// Returns a stream without timeouts.
    pub const fn new(transport: T) -> Self {
        Self { transport, timeouts: Timeouts::NONE }
    }

    pub(crate) const fn with_timeouts(transport: T, timeouts: Timeouts) -> Self {
        Self { transport, timeouts }
    }

    /// Sets how long a read waits for the next byte; no limit by default.
    #[must_use]
    pub fn with_read_timeout(self, read: Duration) -> Self {
        Self { timeouts: Timeouts { read, ..self.timeouts }, ..self }
    }

    /// Sets how long a write waits until the peer takes the next byte; no limit by default.
    #[must_use]
    pub fn with_write_timeout(self, write: Duration) -> Self {
        Self { timeouts: Timeouts { write, ..self.timeouts }, ..self }
    }

    /// Sets how long, from now on, the stream can be used; no limit by default. After that time each read and each write fails.
    #[must_use]
    pub fn with_total_timeout(self, total: Duration) -> Self {
        let end = Some(self.transport.now().after(total));
        Self { timeouts: Timeouts { total, end, ..self.timeouts }, ..self }
    }

    /// Returns the transport.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    pub(crate) const fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Returns the transport, and drops the timeouts.
    pub fn into_transport(self) -> T {
        self.transport
    }

    pub(crate) const fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    pub(crate) const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Waits for a direction in which no byte has moved since `since`.
    pub(crate) fn wait(&self, direction: Direction, since: Time) -> io::Result<()> {
        let idle = match direction {
            Direction::Read => Timeout::Read(self.timeouts.read),
            Direction::Write => Timeout::Write(self.timeouts.write),
        };
        let until = self.timeouts.deadline(idle, since, self.transport.now())?;
        self.transport.wait(direction, until)
    }
}

impl<T: Transport> Read for Stream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = self.transport.now();
        // The total timeout ends also a stream that never has to wait.
        self.timeouts.deadline(Timeout::Read(self.timeouts.read), since, since)?;
        loop {
            match self.transport.read(buffer) {
                Err(error) if should_retry(&error) => self.wait(Direction::Read, since)?,
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
        self.timeouts.deadline(Timeout::Write(self.timeouts.write), since, since)?;
        loop {
            match self.transport.write(pieces) {
                Err(error) if should_retry(&error) => self.wait(Direction::Write, since)?,
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
