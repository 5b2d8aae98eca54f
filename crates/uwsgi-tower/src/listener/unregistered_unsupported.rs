//! Unregistered sockets exist only on Linux. Apple's systems and Windows cannot accept a socket that is in non-blocking mode
//! from the start.

use core::convert::Infallible;
use core::net::SocketAddr;
use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// A type without values, so that the callers compile on every system.
#[derive(Debug)]
pub(crate) struct UnregisteredSocket(Infallible);

impl UnregisteredSocket {
    pub(super) const fn accept_tcp(_: &TcpListener) -> Option<(Self, SocketAddr)> {
        None
    }

    #[cfg(unix)]
    pub(super) const fn accept_unix(_: &UnixListener) -> Option<(Self, tokio::net::unix::SocketAddr)> {
        None
    }

    pub(super) fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn shut_down_write(&self) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        match self.0 {}
    }

    #[cfg(unix)]
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self.0 {}
    }

    pub(super) fn into_tcp(self) -> io::Result<TcpStream> {
        match self.0 {}
    }

    #[cfg(unix)]
    pub(super) fn into_unix(self) -> io::Result<UnixStream> {
        match self.0 {}
    }
}

#[cfg(unix)]
impl AsFd for UnregisteredSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
