//! The settings of a client.

use core::time::Duration;
use std::time::Instant;

use uwsgi::response::HeadLimits;
use uwsgi::server::Time;

use crate::transport::stream::Patience;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    pub(crate) total: Duration,
    pub(crate) keepalive: bool,
    pub(crate) retries: bool,
    pub(crate) limits: HeadLimits,
}

impl Settings {
    /// What is left of the time for a call that began then.
    pub(crate) fn left(&self, start: Instant) -> Duration {
        self.total.saturating_sub(start.elapsed())
    }

    /// For how long the rest of a call that began then waits, on a connection whose clock says this.
    pub(crate) fn patience(&self, start: Instant, now: Time) -> Patience {
        Patience { read: self.read, write: self.write, total: self.total, end: Some(now.after(self.left(start))) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(60),
            write: Duration::from_secs(60),
            total: Duration::MAX,
            keepalive: false,
            retries: false,
            limits: HeadLimits::default(),
        }
    }
}
