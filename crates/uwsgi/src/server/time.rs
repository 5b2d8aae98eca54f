//! Time as the machines are told it.

use core::time::Duration;

/// A point in time: how long after a moment of the caller's choosing, the same for all times it tells.
///
/// The machines have no clock; who drives them says what time it is, and a test may say anything.
///
/// ```
/// use core::time::Duration;
/// use uwsgi::server::Time;
///
/// let start = Time::ZERO;
/// let later = start.after(Duration::from_secs(10));
/// assert_eq!(later.since(start), Duration::from_secs(10));
/// assert_eq!(start.since(later), Duration::ZERO); // a clock that ran backwards is one that stood still
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The moment of the caller's choosing.
    pub const ZERO: Self = Self(0);

    /// A moment that never comes: the deadline of what may take for ever.
    pub const NEVER: Self = Self(u64::MAX);

    /// The time so many milliseconds after [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// How many milliseconds after [`ZERO`](Self::ZERO) it is.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time so much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long after another time this is; nothing if it is before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
