//! What bytes go through: something that can be tried, and waited for.

use std::io::{self, IoSlice};

pub(crate) mod blocking;
pub(crate) mod clock;
pub(crate) mod duplex;
pub(crate) mod half_close;
#[cfg(unix)]
pub(crate) mod socket;
pub(crate) mod stream;
#[cfg(unix)]
pub(crate) mod unix_listener;
pub(crate) mod window;

use uwsgi::server::Time;

/// Both directions of a connection, and its clock.
///
/// All methods take `&self`: whoever reads and whoever writes share the transport, so that an application can read a body and
/// write its answer at once. [`Socket`](crate::Socket) is the transport of real connections. [`Blocking`] makes one of any
/// stream, and [`Duplex`] of a reader and a writer; they have no deadlines.
pub trait Transport {
    /// Reads what is there; 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when nothing is there yet: [wait](Self::wait).
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as much of the pieces as can leave now, in order.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when nothing can: [wait](Self::wait).
    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until there is a reason to try again, or a time has come, or [a stop was asked for](Self::stop_asked). It may
    /// return for no reason.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()>;

    /// Waits as [`wait`](Self::wait) does, for either direction; which there is a reason to try.
    ///
    /// What blocks can do one thing at a time: unless a transport knows better, it says that it is time to write.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.wait(Direction::Write, until)?;
        Ok(Ready { read: false, write: true })
    }

    /// Has a read, or a write, end with [`io::ErrorKind::TimedOut`] once this time has come, where it blocks; until it is asked
    /// for again. Where nothing blocks but [`wait`](Self::wait) there is nothing to do.
    ///
    /// # Errors
    ///
    /// The peer was first.
    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        let _ = (direction, until);
        Ok(())
    }

    /// What time it is.
    fn now(&self) -> Time;

    /// Closes the sending direction, behind everything that was written.
    ///
    /// # Errors
    ///
    /// The peer was first. [`io::ErrorKind::Unsupported`]: this is nothing whose one direction can be closed, and the close has
    /// to do.
    fn shut_down_write(&self) -> io::Result<()>;

    /// Makes the close that follows a reset, so that the peer sees that what it has is not whole.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`]: there is no reset for this kind of connection, and the peer is not told.
    fn abort(&self) -> io::Result<()>;

    /// When a stop was asked for, if it was; what began then may go on for a while from there, whenever it is looked at.
    fn stop_asked(&self) -> Option<Time> {
        None
    }

    /// Whether a read might find bytes now. A transport that cannot look without waiting says yes.
    fn may_have_more(&self) -> bool {
        true
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two directions")]
pub enum Direction {
    /// Bytes to read.
    Read,
    /// Room for bytes to write.
    Write,
}

/// Which directions there is a reason to try; neither, where only time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs, reason = "a connection has two directions")]
pub struct Ready {
    /// There are bytes to read, or the stream has ended.
    pub read: bool,
    /// There is room for bytes to write, or nobody will take any.
    pub write: bool,
}

impl<T: Transport + ?Sized> Transport for &T {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (**self).write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        (**self).wait(direction, until)
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        (**self).wait_either(until)
    }

    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        (**self).limit(direction, until)
    }

    fn now(&self) -> Time {
        (**self).now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        (**self).shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        (**self).abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        (**self).stop_asked()
    }

    fn may_have_more(&self) -> bool {
        (**self).may_have_more()
    }
}

/// Whether to wait, or at least to try again.
pub(crate) fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// A stream that blocks says [`WouldBlock`](io::ErrorKind::WouldBlock) when its own timeout has passed. To try again would
/// be to wait for ever.
pub(crate) fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
