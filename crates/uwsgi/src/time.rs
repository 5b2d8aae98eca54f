//! Points in time, which the driver passes to the state machines.

use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

/// A point in time, as the time since a start that the driver chooses. All times of a driver must have the same start.
///
/// The state machines have no clock. The driver tells them the time, and a test may tell them any time.
///
/// ```
/// use core::time::Duration;
/// use uwsgi::Time;
///
/// let start = Time::ZERO;
/// let later = start.after(Duration::from_secs(10));
/// assert_eq!(later.since(start), Duration::from_secs(10));
/// assert_eq!(start.since(later), Duration::ZERO); // a clock that ran backwards counts as one that stood still
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// The milliseconds plus 1. So an `Option<Time>` is no larger than a `Time`; every machine has several of them.
    millis_and_one: NonZeroU64,
}

impl Time {
    /// The start that the driver chooses.
    pub const ZERO: Self = Self { millis_and_one: NonZeroU64::MIN };

    /// Returns the time this many milliseconds after [`ZERO`](Self::ZERO), at most `u64::MAX - 1`.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis_and_one: NonZeroU64::MIN.saturating_add(millis) }
    }

    /// Returns the milliseconds since [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis_and_one.get().saturating_sub(1)
    }

    /// Returns the time that is `duration` later. If its milliseconds do not fit into 64 bits, it is the latest possible time,
    /// over 500 million years after [`ZERO`](Self::ZERO).
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self { millis_and_one: self.millis_and_one.saturating_add(millis) }
    }

    /// Returns the time since `earlier`; 0 if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_and_one.get().saturating_sub(earlier.millis_and_one.get()))
    }

    /// Returns the earlier of two deadlines; either may be absent.
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

/// Which of two deadlines has passed: that of a wait, or that of a stop.
///
/// The driver may be late, so both may have passed. Then the earlier one counts. If they are equal, the stop counts, because
/// the server does nothing by itself after the deadline of a stop.
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
