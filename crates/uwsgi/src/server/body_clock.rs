//! How long a server waits for a body.

use core::time::Duration;

use crate::time::Time;

/// The clock of a body: the bytes that came, and the time that the server waited for them. It says when the body is too slow.
///
/// [`Receive`](crate::server::Receive) has such a clock. A gateway, which reads bodies by other means, holds its clients to the
/// same limits with a clock of its own.
///
/// Only waiting counts. The time that the application takes between two reads does not.
///
/// ```
/// use core::time::Duration;
/// use uwsgi::server::BodyClock;
/// use uwsgi::Time;
///
/// let (idle, rate) = (Duration::from_secs(30), 240);
/// let mut clock = BodyClock::new();
/// assert_eq!(clock.deadline(idle, rate), None);
/// clock.start(Time::ZERO);
/// assert_eq!(clock.deadline(idle, rate), Some(Time::from_millis(30_000)));
/// // After 20 seconds, 24,000 bytes come. They are enough for 100 seconds, but the next silence may only last 30 seconds.
/// clock.end_of_silence(Time::from_millis(20_000));
/// clock.count(24_000);
/// clock.start(Time::from_millis(20_000));
/// assert_eq!(clock.deadline(idle, rate), Some(Time::from_millis(50_000)));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct BodyClock {
    /// When the current wait began; `None` if the server does not wait.
    since: Option<Time>,
    /// The milliseconds of all earlier waits.
    waited: u32,
    /// The milliseconds of the earlier waits since the last byte.
    silent: u32,
    received: u64,
}

impl BodyClock {
    /// Makes the clock of a body whose first byte has not come.
    #[must_use]
    pub const fn new() -> Self {
        Self { since: None, waited: 0, silent: 0, received: 0 }
    }

    /// Returns how many bytes of the body have come.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Counts bytes that came.
    pub fn count(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Removes bytes from the count, because the application did not read them.
    pub(crate) fn take_back(&mut self, bytes: u64) {
        self.received = self.received.saturating_sub(bytes);
    }

    /// Begins a wait, unless the server waits already.
    pub fn start(&mut self, now: Time) {
        self.since = Time::earliest(self.since, Some(now));
    }

    /// Ends the wait, because nothing reads the body now. Its time counts.
    pub fn pause(&mut self, now: Time) {
        if let Some(since) = self.since.take() {
            let waited = now.as_millis().saturating_sub(since.as_millis());
            let waited = u32::try_from(waited).unwrap_or(u32::MAX);
            self.waited = self.waited.saturating_add(waited);
            self.silent = self.silent.saturating_add(waited);
        }
    }

    /// Ends the wait and the silence, because bytes came, or the end of the stream.
    pub fn end_of_silence(&mut self, now: Time) {
        self.pause(now);
        self.silent = 0;
    }

    /// Returns when the body is too slow; `None` if the server does not wait. Bytes that are there at this time are not too
    /// late. More waits and more bytes never make the deadline earlier.
    ///
    /// A body is too slow after a silence of `idle`. After `idle` of waiting it is also too slow if it came at less than `rate`
    /// bytes a second on average. A rate of 0 is no limit. [`Settings::body_idle`](crate::server::Settings::body_idle) and
    /// [`body_rate`](crate::server::Settings::body_rate) have the usual values.
    #[must_use]
    pub fn deadline(&self, idle: Duration, rate: u32) -> Option<Time> {
        self.since.map(|since| since.after(self.time_left(idle, rate)))
    }

    /// Returns how long the server waits from `since` on: until the body was silent for `idle`, or until its rate is too low.
    fn time_left(&self, idle: Duration, rate: u32) -> Duration {
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let silence = idle.saturating_sub(u64::from(self.silent));
        let Some(earned) = self.received.saturating_mul(1000).checked_div(u64::from(rate)) else {
            return Duration::from_millis(silence);
        };
        // A body of exactly the rate is not too slow, so it has one more millisecond.
        let time_for_rate = idle.max(earned).saturating_add(1).saturating_sub(u64::from(self.waited));
        Duration::from_millis(silence.min(time_for_rate))
    }
}
