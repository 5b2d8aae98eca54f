//! A descriptor that wakes threads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// A counter that a thread can poll (eventfd(2)). It is readable while it is above 0.
#[derive(Debug)]
pub(crate) struct Wake(OwnedFd);

impl Wake {
    /// Creates a counter of 0.
    pub(crate) fn new() -> io::Result<Self> {
        // With SEMAPHORE each read takes 1 from the counter.
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE)?))
    }

    /// Adds 1 to the counter.
    pub(crate) fn add(&self) {
        // This fails only if the counter is full, and then it is readable.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Takes 1 from the counter, if it is above 0.
    pub(crate) fn take(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
