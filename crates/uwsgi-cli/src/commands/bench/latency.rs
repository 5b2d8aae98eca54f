//! Percentiles that include the requests that waited in vain.

use hdrhistogram::{CreationError, Histogram};

use super::float::float;
use super::tally::{MAX_LATENCY, Tally};

/// The latencies of the answered requests, and of the requests that waited in vain. Without the latter, a server that answers
/// fewer requests would look faster.
#[derive(Debug)]
pub(super) struct Latencies {
    /// The latencies as if each request that waited in vain had been answered at the end of its wait.
    lower: Histogram<u64>,
    /// The latencies as if such a request had waited for [`MAX_LATENCY`].
    upper: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new(tally: &Tally) -> Result<Self, CreationError> {
        let mut lower = Histogram::new_with_bounds(1, MAX_LATENCY, 3)?;
        let mut upper = lower.clone();
        // All histograms have the same bounds, so that no value is out of bounds.
        let _fits = lower.add(&tally.latencies).and_then(|()| lower.add(&tally.waits));
        let _fits = upper.add(&tally.latencies);
        upper.saturating_record_n(MAX_LATENCY, tally.waits.len());
        Ok(Self { lower, upper })
    }

    /// Returns the number of requests.
    pub(super) fn len(&self) -> u64 {
        self.lower.len()
    }

    /// Returns the latency of a quantile in microseconds. It is a lower bound if [`is_lower_bound`](Self::is_lower_bound).
    pub(super) fn at(&self, quantile: f64) -> f64 {
        float(self.lower.value_at_quantile(quantile)) / 1e3
    }

    /// Whether the latency of a quantile can be higher, because of requests that waited in vain.
    pub(super) fn is_lower_bound(&self, quantile: f64) -> bool {
        self.lower.value_at_quantile(quantile) != self.upper.value_at_quantile(quantile)
    }

    /// Returns the minimum, the mean and the standard deviation in microseconds.
    pub(super) fn min_mean_stdev(&self) -> [f64; 3] {
        [float(self.lower.min()) / 1e3, self.lower.mean() / 1e3, self.lower.stdev() / 1e3]
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::commands::bench::error::{Error, Kind};

    #[test]
    fn requests_that_waited_in_vain_are_in_the_tail() {
        let mut tally = Tally::new().unwrap();
        for _ in 0..90 {
            tally.answer(200, 0, Duration::from_micros(100));
        }
        let all = Latencies::new(&tally).unwrap();
        assert_eq!((all.len(), all.is_lower_bound(0.5), all.is_lower_bound(1.0)), (90, false, false));
        for _ in 0..4 {
            tally.error(Error::timeout(), Duration::from_secs(1));
            tally.unsent(Duration::from_micros(10));
        }
        tally.unfinished(Duration::from_micros(10));
        tally.error(Error { kind: Kind::Reset, detail: String::new() }, Duration::from_micros(10));
        let all = Latencies::new(&tally).unwrap();
        assert_eq!((all.len(), tally.all()), (99, 100));
        let near = |quantile, micros: f64| (all.at(quantile) / micros - 1.0).abs() < 0.002;
        // The latencies of 90 of 99 requests are known. Five others waited for less time, but their latencies are unknown.
        assert!(near(0.9, 100.0) && !all.is_lower_bound(0.9));
        assert!(near(0.95, 100.0) && all.is_lower_bound(0.95));
        assert!(near(0.99, 1e6) && all.is_lower_bound(0.99));
    }
}
