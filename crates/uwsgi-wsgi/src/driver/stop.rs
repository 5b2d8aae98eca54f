//! The stop of a server.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::time::Instant;

use uwsgi::Time;
use uwsgi_io::{Socket, Transport};

use crate::driver::wake::Wake;

/// Whether a stop was requested. Its descriptor is readable after the request.
#[derive(Debug)]
pub(crate) struct Stop {
    requested: OnceLock<Instant>,
    wake: Wake,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { requested: OnceLock::new(), wake: Wake::new()? })
    }

    /// Requests a stop. Another request changes nothing.
    pub(crate) fn request(&self) {
        if self.requested.set(Instant::now()).is_ok() {
            self.wake.add();
        }
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.get().is_some()
    }

    /// Returns when the stop was requested, on the clock of this connection. If the connection began after the request, the
    /// result is the beginning of the connection.
    pub(crate) fn requested_at(&self, socket: &Socket) -> Option<Time> {
        let elapsed = u64::try_from(self.requested.get()?.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(Time::from_millis(socket.now().as_millis().saturating_sub(elapsed)))
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
