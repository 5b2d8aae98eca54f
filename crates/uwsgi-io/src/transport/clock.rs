//! The clock of a connection.

use core::time::Duration;
use std::time::Instant;

use uwsgi::server::Time;

/// A clock that began when it was made.
///
/// ```
/// use uwsgi_io::Clock;
///
/// let clock = Clock::start();
/// assert!(clock.now() <= clock.now());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// How long it is until then; nothing if it was before.
    #[must_use]
    pub fn until(&self, then: Time) -> Duration {
        then.since(self.now())
    }
}
