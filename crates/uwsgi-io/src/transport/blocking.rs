//! A stream that blocks, as a transport.

use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};

use uwsgi::Time;

use crate::transport::clock::Clock;
use crate::transport::half_close::HalfClose;
use crate::transport::{Direction, Transport, timed_out};

/// A stream that blocks, as a transport: `TcpStream`, `UnixStream`, or any type that can be read and written through a shared
/// reference and implements [`HalfClose`].
///
/// Reads and writes block as long as the stream does, and the stream's own timeouts hold. The end of a connection is different:
/// a drain, a refusal and a pong get deadlines from the settings of the server.
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
    /// Makes a transport of a stream.
    pub fn new(stream: T) -> Self {
        Self { stream, clock: Clock::start() }
    }

    /// Returns the stream.
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
        // `std` refuses a timeout of zero, and the system cannot count for longer than about 2^30 seconds.
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
