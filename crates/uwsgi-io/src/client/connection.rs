//! A client's connection while it is in use.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

use uwsgi::server::Time;

use crate::transport::socket::Socket;
use crate::transport::{Direction, Ready, Transport};

/// The connection of a client, which is closed at the end unless it [goes back](Self::give_back).
#[derive(Debug)]
pub(crate) struct Lease<'c> {
    place: &'c mut Option<Socket>,
    kept: bool,
}

impl<'c> Lease<'c> {
    pub(crate) const fn new(place: &'c mut Option<Socket>) -> Self {
        Self { place, kept: false }
    }

    /// The client may use the connection again.
    pub(crate) const fn give_back(&mut self) {
        self.kept = true;
    }

    pub(crate) fn replace(&mut self, socket: Socket) {
        *self.place = Some(socket);
    }

    fn socket(&self) -> io::Result<&Socket> {
        self.place.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.place.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.kept {
            *self.place = None;
        }
    }
}

impl Transport for Lease<'_> {
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
        self.place.as_ref().map_or(Time::ZERO, Transport::now)
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.socket()?.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.socket()?.abort()
    }
}
