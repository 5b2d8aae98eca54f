//! When each request is due.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use super::float::float;
use super::plan::{End, Plan};

/// The requests of a run, shared by all threads. A thread takes the next request when it has a free connection, so that no
/// request waits for the connections of one thread while another thread has a free one.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    begin: Instant,
    end: End,
    /// Requests per second.
    rate: Option<f64>,
    /// How long after the end a request may still start that was due before the end.
    grace: Duration,
    /// The number of requests that the threads have taken. It stays 0 in a closed loop that ends after a duration.
    taken: &'a AtomicU64,
}

/// When the next request starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Now,
    /// The request is due at this time, past or future. Its latency counts from this time, so that it includes a stall of the
    /// server.
    At(Instant),
    Never,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(plan: &Plan, begin: Instant, taken: &'a AtomicU64) -> Self {
        Self { begin, end: plan.end, rate: plan.rate, grace: plan.timeout, taken }
    }

    /// Returns when the next request starts. It does not take the request, and another thread may take it first.
    pub(super) fn next(&self, now: Instant) -> Next {
        self.at(self.taken.load(Ordering::Relaxed), now)
    }

    /// Takes the next request if it may start now. Returns the time from which its latency counts.
    pub(super) fn take(&self, now: Instant) -> Option<Instant> {
        let from = |number| match self.at(number, now) {
            Next::Now => Some(now),
            Next::At(due) if due <= now => Some(due),
            Next::At(_) | Next::Never => None,
        };
        if self.rate.is_none() && matches!(self.end, End::After(_)) {
            // Neither the start of a request nor the end of the run depends on the number of taken requests.
            return from(0);
        }
        let next = |number: u64| from(number).and(number.checked_add(1));
        from(self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?)
    }

    /// Returns the wait of each request that was due, but was never taken. Requests after the end were not due.
    pub(super) fn missed(&self, now: Instant) -> impl Iterator<Item = Duration> {
        let ran = now.saturating_duration_since(self.begin);
        let first = self.taken.load(Ordering::Relaxed);
        let due = self.rate.into_iter().flat_map(move |rate| (first..).map(move |number| (number, due(number, rate))));
        let end = self.end;
        due.take_while(move |(number, due)| match end {
            End::After(duration) => *due < ran.min(duration),
            End::Requests(count) => *number < count && *due < ran,
        })
        .map(move |(_, due)| ran.saturating_sub(due))
    }

    /// Returns when the request of this number starts.
    fn at(&self, number: u64, now: Instant) -> Next {
        let ran = now.saturating_duration_since(self.begin);
        let due = self.rate.map(|rate| due(number, rate));
        let over = match (self.end, due) {
            (End::Requests(count), _) => number >= count,
            (End::After(duration), None) => ran >= duration,
            // Requests that were due before the end still start after it, so that the report shows a stall at the end.
            (End::After(duration), Some(due)) => due >= duration || ran >= duration.saturating_add(self.grace),
        };
        match due {
            _ if over => Next::Never,
            None => Next::Now,
            Some(due) => self.begin.checked_add(due).map_or(Next::Never, Next::At),
        }
    }
}

/// Returns when a request is due, counted from the start of the run.
fn due(number: u64, per_second: f64) -> Duration {
    Duration::try_from_secs_f64(float(number) / per_second).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(taken: &AtomicU64, begin: Instant, end: End, rate: Option<f64>) -> Schedule<'_> {
        Schedule { begin, end, rate, grace: Duration::from_secs(2), taken }
    }

    #[test]
    fn threads_share_a_fixed_number_of_requests() {
        let (taken, begin) = (AtomicU64::new(0), Instant::now());
        let one = schedule(&taken, begin, End::Requests(3), None);
        let other = schedule(&taken, begin, End::Requests(3), None);
        assert!(one.take(begin).is_some() && other.take(begin).is_some());
        assert_eq!(other.next(begin), Next::Now);
        assert!(one.take(begin).is_some());
        assert_eq!(other.next(begin), Next::Never);
        assert_eq!(other.take(begin), None);
    }

    #[test]
    fn threads_share_the_requests_of_a_rate() {
        let (taken, begin) = (AtomicU64::new(0), Instant::now());
        let after = |millis| begin + Duration::from_millis(millis);
        let one = schedule(&taken, begin, End::Requests(4), Some(10.0));
        let other = schedule(&taken, begin, End::Requests(4), Some(10.0));
        assert_eq!(one.take(begin), Some(begin));
        assert_eq!((other.take(after(99)), other.next(after(99))), (None, Next::At(after(100))));
        // A thread with free connections takes all due requests in their order.
        assert_eq!(
            [other.take(after(200)), other.take(after(200)), one.take(after(200))],
            [Some(after(100)), Some(after(200)), None]
        );
        assert_eq!(one.take(after(9000)), Some(after(300)));
        assert_eq!((other.next(begin), other.take(after(9000))), (Next::Never, None));
    }

    #[test]
    fn requests_that_were_due_and_never_taken_are_missed() {
        let (taken, begin) = (AtomicU64::new(0), Instant::now());
        let after = |millis| begin + Duration::from_millis(millis);
        let schedule = schedule(&taken, begin, End::After(Duration::from_secs(1)), Some(4.0));
        assert_eq!(schedule.take(begin), Some(begin));
        // Requests 1, 2 and 3 are left. They are due after 250, 500 and 750 ms.
        for (now, waited) in [
            (0, &[][..]),
            (250, &[]),
            (251, &[1]),
            (800, &[550, 300, 50]),
            (1000, &[750, 500, 250]),
            (9000, &[8750, 8500, 8250]),
        ] {
            let waited = waited.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
            assert_eq!(schedule.missed(after(now)).collect::<Vec<_>>(), waited, "{now}");
        }
        // They may start up to two seconds after the end. No other request may.
        assert_eq!(schedule.next(after(2999)), Next::At(after(250)));
        assert_eq!(schedule.next(after(3000)), Next::Never);
        for due in [250, 500, 750] {
            assert_eq!(schedule.take(after(1001)), Some(after(due)));
        }
        assert_eq!((schedule.next(after(999)), schedule.take(after(1001))), (Next::Never, None));
    }
}
