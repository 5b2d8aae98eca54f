//! What was counted.

use alloc::collections::BTreeMap;
use core::time::Duration;

use hdrhistogram::{CreationError, Histogram};

use super::error::{Error, Kind};

/// What one thread counted, or all of them.
#[derive(Debug)]
pub(super) struct Tally {
    /// Nanoseconds to three digits, from the start of a request, or from when it was due, to the last byte of its answer.
    pub(super) latencies: Histogram<u64>,
    /// The same to when it was given up, of those that nobody waited for any longer: they would have taken more.
    pub(super) waits: Histogram<u64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<Kind, Seen>,
    /// Bytes of the answers.
    pub(super) received: u64,
    /// Requests that no answer was there for yet when all had to stop.
    pub(super) unfinished: u64,
    /// Requests that were due and never started.
    pub(super) unsent: u64,
}

/// An error as often as it was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) count: u64,
    /// What was said of it the first time.
    pub(super) detail: String,
}

/// The longest latency that is told from longer ones: an hour.
pub(super) const MOST: u64 = 3_600_000_000_000;

impl Tally {
    /// Nothing counted yet.
    pub(super) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            latencies: Histogram::new_with_bounds(1, MOST, 3)?,
            waits: Histogram::new_with_bounds(1, MOST, 3)?,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            received: 0,
            unfinished: 0,
            unsent: 0,
        })
    }

    /// Requests with an answer, whatever its status.
    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    /// Requests without one, and those that were asked twice.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|seen| seen.count).fold(0, u64::saturating_add)
    }

    pub(super) fn answer(&mut self, status: u16, received: u64, latency: Duration) {
        self.latencies.saturating_record(nanos(latency));
        let count = self.statuses.entry(status).or_default();
        *count = count.saturating_add(1);
        self.received = self.received.saturating_add(received);
    }

    /// `waited` is for how long, as a latency counts.
    pub(super) fn error(&mut self, Error { kind, detail }: Error, waited: Duration) {
        // Other errors come when they come: that says nothing about how long an answer takes.
        if kind == Kind::Timeout {
            self.waits.saturating_record(nanos(waited));
        }
        let seen = self.errors.entry(kind).or_insert_with(|| Seen { count: 0, detail });
        seen.count = seen.count.saturating_add(1);
    }

    /// A request that was due for so long and never started.
    pub(super) fn never_sent(&mut self, waited: Duration) {
        self.waits.saturating_record(nanos(waited));
        self.unsent = self.unsent.saturating_add(1);
    }

    /// A request that had waited for its answer so long when all had to stop.
    pub(super) fn never_finished(&mut self, waited: Duration) {
        self.waits.saturating_record(nanos(waited));
        self.unfinished = self.unfinished.saturating_add(1);
    }

    /// All requests that were or should have been made.
    pub(super) fn all(&self) -> u64 {
        [self.answered(), self.failed(), self.unsent, self.unfinished].into_iter().fold(0, u64::saturating_add)
    }

    /// Takes in what another thread counted.
    pub(super) fn add(&mut self, other: Self) {
        // Both have the same bounds, so that nothing can be out of them.
        let _fits = self.latencies.add(&other.latencies).and_then(|()| self.waits.add(&other.waits));
        for (status, count) in other.statuses {
            let sum = self.statuses.entry(status).or_default();
            *sum = sum.saturating_add(count);
        }
        for (kind, Seen { count, detail }) in other.errors {
            let seen = self.errors.entry(kind).or_insert_with(|| Seen { count: 0, detail });
            seen.count = seen.count.saturating_add(count);
        }
        self.received = self.received.saturating_add(other.received);
        self.unfinished = self.unfinished.saturating_add(other.unfinished);
        self.unsent = self.unsent.saturating_add(other.unsent);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
