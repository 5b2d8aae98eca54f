//! The clock of a connection.

use core::time::Duration;
use std::time::Instant;

use uwsgi::Time;

/// A clock that counts from the moment of its creation.
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
    /// Returns a clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// Returns how long it is from now until `then`, or zero if `then` has passed.
    #[must_use]
    pub fn until(&self, then: Time) -> Duration {
        then.since(self.now())
    }
}
