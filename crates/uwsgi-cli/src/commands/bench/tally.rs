//! Counts of answers, errors and latencies.

use alloc::collections::BTreeMap;
use core::time::Duration;

use hdrhistogram::{CreationError, Histogram};

use super::error::{Error, Kind};

/// The counts of one thread, or of all threads.
#[derive(Debug)]
pub(super) struct Tally {
    /// The latencies of answered requests in nanoseconds, to three digits. A latency is the time from the start of a request,
    /// or from the time when it was due, to the last byte of its answer.
    pub(super) latencies: Histogram<u64>,
    /// The waits of requests that waited in vain, in the same unit. Their latencies would have been longer.
    pub(super) waits: Histogram<u64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<Kind, Errors>,
    /// The bytes of the answers.
    pub(super) received: u64,
    /// The number of requests without an answer at the end of the run.
    pub(super) unfinished: u64,
    /// The number of requests that were due and never started.
    pub(super) unsent: u64,
}

/// The errors of one kind.
#[derive(Debug)]
pub(super) struct Errors {
    pub(super) count: u64,
    /// The message of the first error.
    pub(super) first: String,
}

/// The longest latency that is recorded: an hour. Longer latencies count as an hour.
pub(super) const MAX_LATENCY: u64 = 3_600_000_000_000;

impl Tally {
    pub(super) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            latencies: Histogram::new_with_bounds(1, MAX_LATENCY, 3)?,
            waits: Histogram::new_with_bounds(1, MAX_LATENCY, 3)?,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            received: 0,
            unfinished: 0,
            unsent: 0,
        })
    }

    /// Returns the number of answered requests, whatever the status.
    pub(super) fn answered(&self) -> u64 {
        self.latencies.len()
    }

    /// Returns the number of failed requests. A request that was answered only when it was sent again counts as failed.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).fold(0, u64::saturating_add)
    }

    /// Counts an answer.
    pub(super) fn answer(&mut self, status: u16, received: u64, latency: Duration) {
        self.latencies.saturating_record(nanos(latency));
        let count = self.statuses.entry(status).or_default();
        *count = count.saturating_add(1);
        self.received = self.received.saturating_add(received);
    }

    /// Counts an error. `wait` counts from the same time as a latency.
    pub(super) fn error(&mut self, Error { kind, detail }: Error, wait: Duration) {
        // The time until any other error says nothing about the time until an answer.
        if kind == Kind::Timeout {
            self.waits.saturating_record(nanos(wait));
        }
        let errors = self.errors.entry(kind).or_insert_with(|| Errors { count: 0, first: detail });
        errors.count = errors.count.saturating_add(1);
    }

    /// Counts a request that was due and never started.
    pub(super) fn unsent(&mut self, wait: Duration) {
        self.waits.saturating_record(nanos(wait));
        self.unsent = self.unsent.saturating_add(1);
    }

    /// Counts a request without an answer at the end of the run.
    pub(super) fn unfinished(&mut self, wait: Duration) {
        self.waits.saturating_record(nanos(wait));
        self.unfinished = self.unfinished.saturating_add(1);
    }

    /// Returns the number of all requests that were started or due.
    pub(super) fn all(&self) -> u64 {
        [self.answered(), self.failed(), self.unsent, self.unfinished].into_iter().fold(0, u64::saturating_add)
    }

    /// Adds the counts of another thread.
    pub(super) fn add(&mut self, other: Self) {
        // Both histograms have the same bounds, so that no value is out of bounds.
        let _fits = self.latencies.add(&other.latencies).and_then(|()| self.waits.add(&other.waits));
        for (status, count) in other.statuses {
            let sum = self.statuses.entry(status).or_default();
            *sum = sum.saturating_add(count);
        }
        for (kind, Errors { count, first }) in other.errors {
            let errors = self.errors.entry(kind).or_insert_with(|| Errors { count: 0, first });
            errors.count = errors.count.saturating_add(count);
        }
        self.received = self.received.saturating_add(other.received);
        self.unfinished = self.unfinished.saturating_add(other.unfinished);
        self.unsent = self.unsent.saturating_add(other.unsent);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
