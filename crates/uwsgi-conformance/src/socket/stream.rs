//! TCP and Unix streams as one type, with what std lacks: a source address, and a reset.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use rustix::io::Errno;
#[cfg(unix)]
use rustix::net::addr::SocketAddrArg;
use rustix::net::sockopt;
#[cfg(unix)]
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect};

/// A connected stream.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Makes the same call on either kind of stream.
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Self::Tcp($stream) => $call,
            #[cfg(unix)]
            Self::Unix($stream) => $call,
        }
    };
}

impl Stream {
    pub(crate) fn tcp(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, at_least(patience))?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    /// Connects from this address of the machine.
    #[cfg(unix)]
    pub(crate) fn tcp_from(from: IpAddr, address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket(family)?;
        bind(&socket, &SocketAddr::new(from, 0))?;
        connect_within(&socket, &address, patience)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    #[cfg(not(unix))]
    pub(crate) fn tcp_from(from: IpAddr, _address: SocketAddr, _patience: Duration) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("nothing can be sent from {from}")))
    }

    #[cfg(unix)]
    pub(crate) fn unix(path: &Path, patience: Duration) -> io::Result<Self> {
        Self::unix_at(&SocketAddrUnix::new(path)?, patience)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn unix_abstract(name: &[u8], patience: Duration) -> io::Result<Self> {
        Self::unix_at(&SocketAddrUnix::new_abstract_name(name)?, patience)
    }

    #[cfg(unix)]
    fn unix_at(address: &SocketAddrUnix, patience: Duration) -> io::Result<Self> {
        let socket = socket(AddressFamily::UNIX)?;
        connect_within(&socket, address, patience)?;
        Ok(Self::Unix(UnixStream::from(socket)))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.read(buffer))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        either!(self, stream => stream.write_all(bytes))
    }

    pub(crate) fn read_timeout(&self, timeout: Duration) -> io::Result<()> {
        either!(self, stream => stream.set_read_timeout(Some(at_least(timeout))))
    }

    pub(crate) fn write_timeout(&self, timeout: Duration) -> io::Result<()> {
        either!(self, stream => stream.set_write_timeout(Some(at_least(timeout))))
    }

    pub(crate) fn shut_down(&self, how: Shutdown) -> io::Result<()> {
        either!(self, stream => stream.shutdown(how))
    }

    /// Makes the close a reset, on a socket that has resets.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => Ok(sockopt::set_socket_linger(stream, Some(Duration::ZERO))?),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }
}

/// Opens a socket that no child process inherits, as std does. While a child has a copy of it, a close does not reach the
/// server.
#[cfg(target_os = "linux")]
fn socket(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(family, SocketType::STREAM, rustix::net::SocketFlags::CLOEXEC, None)?)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let descriptor = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

/// Connects with a timeout of the kernel. Without a timeout, connect(2) on a Unix socket waits while the backlog is full. If
/// the server hangs, that is for ever.
#[cfg(unix)]
fn connect_within(socket: &OwnedFd, address: &impl SocketAddrArg, patience: Duration) -> io::Result<()> {
    sockopt::set_socket_timeout(socket, sockopt::Timeout::Send, Some(at_least(patience)))?;
    loop {
        match connect(socket, address) {
            Ok(()) | Err(Errno::ISCONN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::INPROGRESS | Errno::ALREADY) => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the timeout, or 1 millisecond if it is shorter: std and rustix refuse a timeout of 0.
fn at_least(timeout: Duration) -> Duration {
    timeout.max(Duration::from_millis(1))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_child_process_inherits_a_socket() {
        for family in [AddressFamily::UNIX, AddressFamily::INET, AddressFamily::INET6] {
            let Ok(socket) = socket(family) else { continue };
            let flags = rustix::io::fcntl_getfd(&socket).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "{family:?}");
        }
    }
}
