//! What bytes go through: something that can be tried, and waited for.

use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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

/// A clock that began when it was made.
///
/// ```
/// use uwsgi_io::Clock;
///
/// let clock = Clock::start();
/// assert!(clock.now() <= clock.now());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// How long it is until then; nothing if it was before.
    #[must_use]
    pub fn until(&self, then: Time) -> Duration {
        then.since(self.now())
    }
}

/// What a stream does at its end, besides being closed: what [`Blocking`] needs to know of one.
pub trait HalfClose {
    /// Has a read, or a write, fail as one that would block after so long, which is not zero: as `set_read_timeout` and
    /// `set_write_timeout` of `std` do.
    ///
    /// # Errors
    ///
    /// The stream has gone.
    fn set_timeout(&self, direction: Direction, after: Duration) -> io::Result<()>;

    /// Closes the sending direction, so that the peer sees the end, and can still be read from.
    ///
    /// # Errors
    ///
    /// As [`Transport::shut_down_write`].
    fn shut_down_write(&self) -> io::Result<()>;

    /// Makes the close that follows a reset.
    ///
    /// # Errors
    ///
    /// As [`Transport::abort`].
    fn abort(&self) -> io::Result<()>;
}

impl HalfClose for std::net::TcpStream {
    fn set_timeout(&self, direction: Direction, after: Duration) -> io::Result<()> {
        match direction {
            Direction::Read => self.set_read_timeout(Some(after)),
            Direction::Write => self.set_write_timeout(Some(after)),
        }
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }

    #[cfg(unix)]
    fn abort(&self) -> io::Result<()> {
        crate::socket::reset_at_close(self)
    }

    #[cfg(not(unix))]
    fn abort(&self) -> io::Result<()> {
        Err(no_reset())
    }
}

#[cfg(unix)]
impl HalfClose for std::os::unix::net::UnixStream {
    fn set_timeout(&self, direction: Direction, after: Duration) -> io::Result<()> {
        match direction {
            Direction::Read => self.set_read_timeout(Some(after)),
            Direction::Write => self.set_write_timeout(Some(after)),
        }
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }

    fn abort(&self) -> io::Result<()> {
        crate::socket::reset_at_close(self)
    }
}

/// A stream that blocks, as a transport: `TcpStream`, `UnixStream`, and whatever else can be read and written through a
/// shared reference, and [half-closed](HalfClose). It waits where the stream does; timeouts are the stream's own, but for the end of
/// a connection: a drain, a refusal and a pong have the time that the settings say.
///
/// ```
/// # #[cfg(unix)] {
/// use std::io::{IoSlice, Write};
/// use std::os::unix::net::UnixStream;
/// use uwsgi_io::{Blocking, Transport};
///
/// let (ours, mut theirs) = UnixStream::pair()?;
/// theirs.write_all(b"hello")?;
/// let mut buffer = [0; 16];
/// assert_eq!(Blocking::new(ours).read(&mut buffer)?, 5);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Blocking<T> {
    stream: T,
    clock: Clock,
}

impl<T> Blocking<T> {
    /// The transport that a stream is.
    pub fn new(stream: T) -> Self {
        Self { stream, clock: Clock::start() }
    }

    /// The stream.
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: HalfClose> Transport for Blocking<T>
where
    for<'a> &'a T: Read + Write,
{
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buffer).map_err(timed_out)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.stream).write_vectored(pieces).map_err(timed_out)
    }

    fn wait(&self, _direction: Direction, _until: Option<Time>) -> io::Result<()> {
        Ok(())
    }

    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        // No time at all would be none that ends; and there is a longest that the system counts.
        let after = self.clock.until(until).clamp(Duration::from_millis(1), Duration::from_secs(1 << 30));
        self.stream.set_timeout(direction, after)
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        (&self.stream).flush()?;
        self.stream.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.stream.abort()
    }
}

/// A reader and a writer as one transport: a pipe of two programs, bytes in memory, a capture and a sink. Its end is seen when
/// it is dropped, and an answer that is not whole looks like one that is, unless its head has a length: there is neither half a
/// close nor a reset.
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
    /// The transport that a reader and a writer are.
    pub fn new(reader: R, writer: W) -> Self {
        Self { reader: Mutex::new(reader), writer: Mutex::new(writer), clock: Clock::start() }
    }

    /// The reader and the writer.
    pub fn into_inner(self) -> (R, W) {
        (
            self.reader.into_inner().unwrap_or_else(PoisonError::into_inner),
            self.writer.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<R: Read, W: Write> Transport for Duplex<R, W> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        whole(&self.reader).read(buffer).map_err(timed_out)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        whole(&self.writer).write_vectored(pieces).map_err(timed_out)
    }

    fn wait(&self, _direction: Direction, _until: Option<Time>) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        whole(&self.writer).flush()?;
        Err(io::Error::new(io::ErrorKind::Unsupported, "a reader and a writer have no half-close"))
    }

    fn abort(&self) -> io::Result<()> {
        Err(no_reset())
    }
}

/// A stream that blocks says [`WouldBlock`](io::ErrorKind::WouldBlock) when its own timeout has passed. To try again would
/// be to wait for ever.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

fn no_reset() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "there is no reset here to show that the answer is not whole")
}

/// A stream is no worse for a panic of who used it.
fn whole<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}
