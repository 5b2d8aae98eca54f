//! Waking up on time.

use core::time::Duration;
use std::io;

use mio::{Registry, Token};

/// Wakes a poll when the next request is due.
///
/// Linux's poll counts milliseconds, in which a rate of 10,000 has ten requests; a timer of its own counts nanoseconds
/// (timerfd_create(2)). Where the poll itself is exact, it is told how long to wait.
#[derive(Debug)]
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    file: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// A timer, if one is going to be needed.
    pub(super) fn new(registry: &Registry, token: Token, needed: bool) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        use mio::Interest;
        use mio::unix::SourceFd;
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        if !needed {
            return Ok(Self { file: None });
        }
        let file = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&file.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { file: Some(file) })
    }

    /// Wakes the poll in so long. Gives what the poll itself must be told.
    pub(super) fn arm(&self, wait: Option<Duration>) -> io::Result<Option<Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        let (Some(file), Some(wait)) = (&self.file, wait) else { return Ok(wait) };
        if wait.is_zero() {
            // To a timer no time means never.
            return Ok(Some(wait));
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        // The poll tells of a timer once; setting it anew makes it tell again.
        timerfd_settime(file, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value: wait })?;
        Ok(None)
    }
}

#[cfg(not(target_os = "linux"))]
impl Timer {
    pub(super) fn new(_registry: &Registry, _token: Token, _needed: bool) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn arm(&self, wait: Option<Duration>) -> io::Result<Option<Duration>> {
        Ok(wait)
    }
}
