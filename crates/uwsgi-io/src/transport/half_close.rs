//! How a connection ends: half-close and reset.

use core::time::Duration;
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(unix)]
use rustix::net::sockopt;

use crate::transport::Direction;

/// The operations on a stream that [`Blocking`](crate::Blocking) needs besides reading and writing.
pub trait HalfClose {
    /// Sets how long a read or a write may block, as `set_read_timeout` and `set_write_timeout` of `std` do. After that time it
    /// fails with [`io::ErrorKind::WouldBlock`] or [`io::ErrorKind::TimedOut`]. `after` is not zero.
    ///
    /// # Errors
    ///
    /// The stream is closed already.
    fn set_timeout(&self, direction: Direction, after: Duration) -> io::Result<()>;

    /// Closes the sending direction: the peer sees the end of the stream, and can still send.
    ///
    /// # Errors
    ///
    /// The errors of [`Transport::shut_down_write`](crate::Transport::shut_down_write).
    fn shut_down_write(&self) -> io::Result<()>;

    /// Turns the following close into a reset.
    ///
    /// # Errors
    ///
    /// The errors of [`Transport::abort`](crate::Transport::abort).
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
        reset_at_close(self)
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
        reset_at_close(self)
    }
}

/// Turns the close of a socket into a reset of its connection. A Unix socket accepts the option, but has no reset: there, only
/// the framing shows that a response is cut off.
#[cfg(unix)]
pub(crate) fn reset_at_close(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(socket, Some(Duration::ZERO))?)
}

/// Returns the error of a transport without a reset.
pub(crate) fn no_reset() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this transport has no reset that shows that the response is not whole")
}
