//! Percentiles in which nobody who waited is left out.

use hdrhistogram::{CreationError, Histogram};

use super::real;
use super::tally::{MOST, Tally};

/// The latencies of the answers, and of those that waited for one until they were given up. Leaving these out would make a
/// server the faster the more requests it leaves without an answer.
#[derive(Debug)]
pub(super) struct Latencies {
    /// As if each of them had been answered when it was given up.
    least: Histogram<u64>,
    /// As if none of them had ever been answered.
    most: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new(tally: &Tally) -> Result<Self, CreationError> {
        let mut least = Histogram::new_with_bounds(1, MOST, 3)?;
        let mut most = least.clone();
        // All have the same bounds, so that nothing can be out of them.
        let _fits = least.add(&tally.latencies).and_then(|()| least.add(&tally.waits));
        let _fits = most.add(&tally.latencies);
        most.saturating_record_n(MOST, tally.waits.len());
        Ok(Self { least, most })
    }

    /// How many requests are in it.
    pub(super) fn len(&self) -> u64 {
        self.least.len()
    }

    /// The latency in microseconds that so many of the requests do not exceed, as far as it is known.
    pub(super) fn at(&self, quantile: f64) -> f64 {
        real(self.least.value_at_quantile(quantile)) / 1e3
    }

    /// Whether [`at`](Self::at) would be more had nobody been given up.
    pub(super) fn is_more(&self, quantile: f64) -> bool {
        self.least.value_at_quantile(quantile) != self.most.value_at_quantile(quantile)
    }

    /// The shortest, the mean and the standard deviation, in microseconds.
    pub(super) fn min_mean_stdev(&self) -> [f64; 3] {
        [real(self.least.min()) / 1e3, self.least.mean() / 1e3, self.least.stdev() / 1e3]
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::bench::error::{Error, Kind};

    #[test]
    fn what_was_given_up_is_in_the_tail() {
        let mut tally = Tally::new().unwrap();
        for _ in 0..90 {
            tally.answer(200, 0, Duration::from_micros(100));
        }
        let all = Latencies::new(&tally).unwrap();
        assert_eq!((all.len(), all.is_more(0.5), all.is_more(1.0)), (90, false, false));
        for _ in 0..4 {
            tally.error(Error::timeout(), Duration::from_secs(1));
            tally.never_sent(Duration::from_micros(10));
        }
        tally.never_finished(Duration::from_micros(10));
        tally.error(Error { kind: Kind::Reset, detail: String::new() }, Duration::from_micros(10));
        let all = Latencies::new(&tally).unwrap();
        assert_eq!((all.len(), tally.all()), (99, 100));
        let near = |quantile, micros: f64| (all.at(quantile) / micros - 1.0).abs() < 0.002;
        // 90 of 99 are known; that some of the others waited less until now says nothing.
        assert!(near(0.9, 100.0) && !all.is_more(0.9));
        assert!(near(0.95, 100.0) && all.is_more(0.95));
        assert!(near(0.99, 1e6) && all.is_more(0.99));
    }
}
