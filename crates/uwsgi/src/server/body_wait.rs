//! How long a server waits for a body.

use core::time::Duration;

use crate::server::settings::Settings;
use crate::server::time::Time;

/// The bytes of a body that came, and the time that the server waited for them.
///
/// Only waiting counts. The time that the application takes between two reads does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyWait {
    /// When the current wait began; `None` if the server does not wait.
    since: Option<Time>,
    /// The milliseconds of all earlier waits.
    waited: u32,
    /// The milliseconds of the earlier waits since the last byte.
    silent: u32,
    received: u64,
}

impl BodyWait {
    /// The state before the first byte of a body.
    pub(crate) const NEW: Self = Self { since: None, waited: 0, silent: 0, received: 0 };

    /// Returns how many bytes of the body have come.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// Counts bytes that came.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Removes bytes from the count, because the application did not read them.
    pub(crate) fn take_back(&mut self, bytes: u64) {
        self.received = self.received.saturating_sub(bytes);
    }

    /// Begins a wait, unless the server waits already.
    pub(crate) fn start(&mut self, now: Time) {
        self.since = Time::earliest(self.since, Some(now));
    }

    /// Ends the wait. Its time counts.
    pub(crate) fn pause(&mut self, now: Time) {
        if let Some(since) = self.since.take() {
            let waited = now.as_millis().saturating_sub(since.as_millis());
            let waited = u32::try_from(waited).unwrap_or(u32::MAX);
            self.waited = self.waited.saturating_add(waited);
            self.silent = self.silent.saturating_add(waited);
        }
    }

    /// Ends the wait and the silence, because bytes came, or the end of the stream.
    pub(crate) fn end_of_silence(&mut self, now: Time) {
        self.pause(now);
        self.silent = 0;
    }

    /// Returns until when the server waits; `None` if it does not wait.
    pub(crate) fn deadline(&self, settings: &Settings) -> Option<Time> {
        self.since.map(|since| since.after(self.time_left(settings)))
    }

    /// Returns how long the server waits from `since` on: until the body was silent for `body_idle`, or until its rate is too
    /// low. The rate counts after `body_idle` of waiting.
    fn time_left(&self, settings: &Settings) -> Duration {
        let idle = u64::try_from(settings.body_idle.as_millis()).unwrap_or(u64::MAX);
        let rate = u64::from(settings.body_rate);
        let silence = idle.saturating_sub(u64::from(self.silent));
        // A rate of 0 is no limit.
        let Some(earned) = self.received.saturating_mul(1000).checked_div(rate) else {
            return Duration::from_millis(silence);
        };
        // A body of exactly the rate is not too slow, so it has one more millisecond.
        let time_for_rate = idle.max(earned).saturating_add(1).saturating_sub(u64::from(self.waited));
        Duration::from_millis(silence.min(time_for_rate))
    }
}
