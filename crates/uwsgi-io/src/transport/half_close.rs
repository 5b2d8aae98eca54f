//! How a connection ends: half-close and reset.

use core::time::Duration;
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(unix)]
use rustix::net::sockopt;

use crate::transport::Direction;

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

#[cfg(unix)]
/// Has the close of a socket reset its connection. A Unix socket takes the option and has no reset: what is cut off shows in
/// the framing alone.
#[cfg(unix)]
pub(crate) fn reset_at_close(socket: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(socket, Some(Duration::ZERO))?)
}

pub(crate) fn no_reset() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "there is no reset here to show that the answer is not whole")
}
