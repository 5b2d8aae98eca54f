//! The connection of a client while a call uses it.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

use uwsgi::Time;

use crate::transport::socket::Socket;
use crate::transport::{Direction, Ready, Transport};

/// The connection of a client while a call uses it. Dropping the guard closes the connection, unless [`keep`](Self::keep) was
/// called.
#[derive(Debug)]
pub(crate) struct ConnectionGuard<'c> {
    connection: &'c mut Option<Socket>,
    is_kept: bool,
}

impl<'c> ConnectionGuard<'c> {
    pub(crate) const fn new(connection: &'c mut Option<Socket>) -> Self {
        Self { connection, is_kept: false }
    }

    /// Keeps the connection for the next call of the client.
    pub(crate) const fn keep(&mut self) {
        self.is_kept = true;
    }

    pub(crate) fn replace(&mut self, socket: Socket) {
        *self.connection = Some(socket);
    }

    fn socket(&self) -> io::Result<&Socket> {
        self.connection.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.connection.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for ConnectionGuard<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            *self.connection = None;
        }
    }
}

impl Transport for ConnectionGuard<'_> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket()?.read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket()?.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.socket()?.wait(direction, until)
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.socket()?.wait_either(until)
    }

    fn now(&self) -> Time {
        self.connection.as_ref().map_or(Time::ZERO, Transport::now)
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.socket()?.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.socket()?.abort()
    }
}
