//! A timer with a resolution of nanoseconds.

use core::time::Duration;
use std::io;

use mio::{Registry, Token};

/// A timer that wakes a poll when the next request is due.
///
/// Linux's poll counts in milliseconds. At 10,000 requests per second, ten requests are due in each millisecond. A timer counts
/// in nanoseconds (timerfd_create(2)). On other systems the poll is exact, so that the timer passes the time to the poll.
#[derive(Debug)]
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    file: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// Creates a timer, if it is needed.
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

    /// Wakes the poll after `wait`. Returns the time that the poll itself has to wait at most.
    pub(super) fn arm(&self, wait: Option<Duration>) -> io::Result<Option<Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        let (Some(file), Some(wait)) = (&self.file, wait) else { return Ok(wait) };
        if wait.is_zero() {
            // A timer that is set to 0 is off.
            return Ok(Some(wait));
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        // mio reports a timer that has run out once. After the timer is set again, mio reports it again.
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
