//! The transport: a connection, as servers and clients use it.

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

use uwsgi::Time;

/// Both directions of a connection, and its clock.
///
/// All methods take `&self`. The reader and the writer of a connection share the transport, so that an application can read a
/// body and write its response at the same time. [`Socket`](crate::Socket) is the transport of real connections.
/// [`Blocking`](crate::Blocking) makes a transport of any stream that blocks; it has deadlines only at the end of a connection.
/// [`Duplex`](crate::Duplex) makes a transport of a reader and a writer; it has no deadlines.
pub trait Transport {
    /// Reads the bytes that are there; 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if no byte is there yet: call [`wait`](Self::wait).
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as many bytes of the pieces as can leave now, in order.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if no byte can leave yet: call [`wait`](Self::wait).
    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until the direction is ready, until the time `until`, or until [a stop is requested](Self::stop_asked). It may
    /// also return early, without a reason.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()>;

    /// Waits like [`wait`](Self::wait), but for either direction. Returns which directions are ready.
    ///
    /// A transport that blocks can do one thing at a time. The default implementation waits for the write direction, and says
    /// that it is ready.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.wait(Direction::Write, until)?;
        Ok(Ready { read: false, write: true })
    }

    /// Sets a deadline for the reads or the writes of a transport that blocks: after it they fail with
    /// [`io::ErrorKind::TimedOut`]. The deadline holds until the next call of this method. A transport that blocks only in
    /// [`wait`](Self::wait) does nothing here.
    ///
    /// # Errors
    ///
    /// The connection is closed already.
    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        let _ = (direction, until);
        Ok(())
    }

    /// Returns the current time of the connection's clock.
    fn now(&self) -> Time;

    /// Closes the sending direction, after everything that was written.
    ///
    /// # Errors
    ///
    /// The connection is closed already. [`io::ErrorKind::Unsupported`]: this transport cannot close one direction; only its
    /// close ends the stream for the peer.
    fn shut_down_write(&self) -> io::Result<()>;

    /// Turns the following close into a reset, so that the peer sees that the response is not whole.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`]: this transport has no reset, and the peer does not see that the response is not whole.
    fn abort(&self) -> io::Result<()>;

    /// Returns when a stop was requested, if it was. The grace period of a request begins at that time, however late this
    /// method is called.
    fn stop_asked(&self) -> Option<Time> {
        None
    }

    /// Returns whether a read might find bytes now. A transport that cannot check this without waiting returns true.
    fn may_have_more(&self) -> bool {
        true
    }
}

/// The direction of a connection to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two directions")]
pub enum Direction {
    /// Bytes to read.
    Read,
    /// Room for bytes to write.
    Write,
}

/// The directions that are ready. If only time has passed, neither is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs, reason = "a connection has two directions")]
pub struct Ready {
    /// There are bytes to read, or the stream has ended.
    pub read: bool,
    /// There is room for bytes to write, or the peer takes no more.
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

/// Returns whether the caller has to try the read or the write again, perhaps after a wait.
pub(crate) fn should_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Replaces [`WouldBlock`](io::ErrorKind::WouldBlock) with [`TimedOut`](io::ErrorKind::TimedOut). A stream that blocks returns
/// `WouldBlock` when its own timeout has passed, and a caller that tried again would wait forever.
pub(crate) fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}
