//! The stop of a server. All its threads can see it, and can poll a descriptor for it.

use core::time::Duration;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Instant;

/// Whether a stop was requested.
#[derive(Debug)]
pub(crate) struct Stop {
    requested: OnceLock<Instant>,
    /// Becomes readable when a stop is requested, and stays readable: the request shuts the other end down.
    pub(crate) polled: UnixStream,
    other_end: UnixStream,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        let (polled, other_end) = UnixStream::pair()?;
        Ok(Self { requested: OnceLock::new(), polled, other_end })
    }

    /// Requests a stop. A second request changes nothing.
    pub(crate) fn request(&self) {
        self.requested.get_or_init(Instant::now);
        let _ = self.other_end.shutdown(Shutdown::Both);
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.get().is_some()
    }

    /// Returns how long ago a stop was requested.
    pub(crate) fn elapsed(&self) -> Option<Duration> {
        self.requested.get().map(Instant::elapsed)
    }
}
