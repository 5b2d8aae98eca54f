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
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<Kind, Seen>,
    /// Bytes of the answers.
    pub(super) received: u64,
    /// Requests that were sent a second time, because a kept connection was closed by then.
    pub(super) reconnected: u64,
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

impl Tally {
    /// Nothing counted yet.
    pub(super) fn new() -> Result<Self, CreationError> {
        const HOUR: u64 = 3_600_000_000_000;
        Ok(Self {
            latencies: Histogram::new_with_bounds(1, HOUR, 3)?,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            received: 0,
            reconnected: 0,
            unfinished: 0,
            unsent: 0,
        })
    }

    /// Requests with an answer, whatever its status.
    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    /// Requests without one.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|seen| seen.count).fold(0, u64::saturating_add)
    }

    pub(super) fn answer(&mut self, status: u16, received: u64, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        let count = self.statuses.entry(status).or_default();
        *count = count.saturating_add(1);
        self.received = self.received.saturating_add(received);
    }

    pub(super) fn error(&mut self, Error { kind, detail }: Error) {
        let seen = self.errors.entry(kind).or_insert_with(|| Seen { count: 0, detail });
        seen.count = seen.count.saturating_add(1);
    }

    /// Takes in what another thread counted.
    pub(super) fn add(&mut self, other: Self) {
        // Both have the same bounds, so that nothing can be out of them.
        let _fits = self.latencies.add(&other.latencies);
        for (status, count) in other.statuses {
            let sum = self.statuses.entry(status).or_default();
            *sum = sum.saturating_add(count);
        }
        for (kind, Seen { count, detail }) in other.errors {
            let seen = self.errors.entry(kind).or_insert_with(|| Seen { count: 0, detail });
            seen.count = seen.count.saturating_add(count);
        }
        self.received = self.received.saturating_add(other.received);
        self.reconnected = self.reconnected.saturating_add(other.reconnected);
        self.unfinished = self.unfinished.saturating_add(other.unfinished);
        self.unsent = self.unsent.saturating_add(other.unsent);
    }
}
