//! Time as the machines are told it.

use core::fmt;
use core::num::NonZeroU64;
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// The milliseconds and one more: so an `Option<Time>` takes no room of its own, of which every machine has several.
    millis_and_one: NonZeroU64,
}

impl Time {
    /// The moment of the caller's choosing.
    pub const ZERO: Self = Self { millis_and_one: NonZeroU64::MIN };

    /// The time so many milliseconds after [`ZERO`](Self::ZERO). There is no time after `u64::MAX - 1` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis_and_one: NonZeroU64::MIN.saturating_add(millis) }
    }

    /// How many milliseconds after [`ZERO`](Self::ZERO) it is.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis_and_one.get().saturating_sub(1)
    }

    /// The time so much later. Where 64 bits do not hold the milliseconds, it is the last time that they hold, which is over
    /// 500 million years after [`ZERO`](Self::ZERO).
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self { millis_and_one: self.millis_and_one.saturating_add(millis) }
    }

    /// How long after another time this is; nothing if it is before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_and_one.get().saturating_sub(earlier.millis_and_one.get()))
    }

    /// The earlier of two deadlines, of which either may be missing.
    pub(crate) fn earliest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.as_millis()).finish()
    }
}

/// Which of two deadlines has come: that of a wait, or that of a stop.
///
/// Whoever asks may be late, so that both have come. Then the earlier one counts, and of two at the same time the stop:
/// nothing that the server does by itself goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Own,
    Stop,
}

impl Due {
    pub(crate) fn of(own: Option<Time>, stop: Option<Time>, now: Time) -> Self {
        match (own.filter(|own| now >= *own), stop.filter(|stop| now >= *stop)) {
            (None, None) => Self::Nothing,
            (Some(own), Some(stop)) if own < stop => Self::Own,
            (Some(_), None) => Self::Own,
            (_, Some(_)) => Self::Stop,
        }
    }
}
