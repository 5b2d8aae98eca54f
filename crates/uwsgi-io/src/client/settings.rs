//! The settings of a client.

use core::time::Duration;
use std::time::Instant;

use uwsgi::Time;
use uwsgi::response::HeadLimits;

use crate::transport::stream::Timeouts;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) keepalive: bool,
    pub(crate) retries: bool,
    pub(crate) head_limits: HeadLimits,
}

impl Settings {
    /// Returns how much of the total timeout is left for a call that began at `start`.
    pub(crate) fn time_left(&self, start: Instant) -> Duration {
        self.total_timeout.saturating_sub(start.elapsed())
    }

    /// Returns the timeouts for the rest of a call that began at `start`. `now` is the current time of the connection's clock.
    pub(crate) fn timeouts(&self, start: Instant, now: Time) -> Timeouts {
        Timeouts {
            read: self.read_timeout,
            write: self.write_timeout,
            total: self.total_timeout,
            end: Some(now.after(self.time_left(start))),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            total_timeout: Duration::MAX,
            keepalive: false,
            retries: false,
            head_limits: HeadLimits::default(),
        }
    }
}
