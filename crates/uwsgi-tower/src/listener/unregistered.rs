//! Sockets that are not registered with a runtime, and their system calls, on Linux.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream as StdUnixStream};

use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_linger, set_tcp_nodelay};
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrAny, SocketFlags, acceptfrom_with, recv, sendmsg,
    shutdown,
};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A socket in non-blocking mode that is not registered with a runtime.
#[derive(Debug)]
pub(crate) struct UnregisteredSocket(OwnedFd);

/// The length of the address of an unnamed Unix socket: its family, and the byte that rustix counts for the end of a path.
const UNNAMED: u32 = 3;
/// The largest number of pieces that one system call of Linux takes.
const IOV_MAX: usize = 1024;

impl UnregisteredSocket {
    /// Accepts a connection if one is waiting, and turns Nagle's algorithm off, so that small responses leave at once.
    pub(super) fn accept_tcp(listener: &TcpListener) -> Option<(Self, SocketAddr)> {
        let (socket, address) = Self::accept(listener)?;
        // The kernel returns no address if the peer has closed the connection already.
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let address = address.and_then(|address| SocketAddr::try_from(address).ok()).unwrap_or(unknown);
        let _ = set_tcp_nodelay(&socket.0, true);
        Some((socket, address))
    }

    /// Accepts a connection if one is waiting.
    pub(super) fn accept_unix(listener: &UnixListener) -> Option<(Self, tokio::net::unix::SocketAddr)> {
        let (socket, address) = Self::accept(listener)?;
        let (socket, address) = socket.with_unix_peer(address)?;
        Some((socket, address.into()))
    }

    fn accept(listener: &impl AsFd) -> Option<(Self, Option<SocketAddrAny>)> {
        // An error is ignored here: the runtime calls accept next, and reports the error.
        let (socket, address) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC).ok()?;
        Some((Self(socket), address))
    }

    /// Returns the address of a Unix peer. Most peers are unnamed: their address has nothing after the family. std reads any
    /// other address, because a path may fill the whole address and have no NUL at its end.
    fn with_unix_peer(self, address: Option<SocketAddrAny>) -> Option<(Self, UnixAddr)> {
        let stream = StdUnixStream::from(self.0);
        let named = address.filter(|address| address.addr_len() > UNNAMED).and_then(|_| stream.peer_addr().ok());
        let peer = match named {
            Some(peer) => peer,
            None => UnixAddr::from_pathname("").ok()?,
        };
        Some((Self(stream.into()), peer))
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.0, buffer, RecvFlags::DONTWAIT)?.0)
    }

    pub(super) fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let pieces = pieces.get(..IOV_MAX).unwrap_or(pieces);
        Ok(sendmsg(&self.0, pieces, &mut SendAncillaryBuffer::default(), flags)?)
    }

    pub(super) fn shut_down_write(&self) -> io::Result<()> {
        match shutdown(&self.0, Shutdown::Write) {
            // The peer has reset the connection, and needs no end of the response.
            Err(Errno::NOTCONN) => Ok(()),
            shut => Ok(shut?),
        }
    }

    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        Ok(set_socket_linger(&self.0, Some(Duration::ZERO))?)
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    pub(super) fn into_tcp(self) -> io::Result<TcpStream> {
        TcpStream::from_std(self.0.into())
    }

    pub(super) fn into_unix(self) -> io::Result<UnixStream> {
        UnixStream::from_std(self.0.into())
    }
}

impl AsFd for UnregisteredSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
