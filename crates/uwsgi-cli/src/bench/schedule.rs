//! Which request is the next, and when it is due.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use super::plan::{End, Plan};

/// The requests that one thread starts.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    begin: Instant,
    end: End,
    /// Where all threads count what they start when there is no rate.
    tickets: &'a AtomicU64,
    pace: Option<Pace>,
}

/// A rate, of which each thread starts every `step`th request.
#[derive(Debug)]
struct Pace {
    per_second: f64,
    next: u64,
    step: u64,
}

/// When the next request is to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Now,
    /// Since or from then on. Its latency counts from there, so that a server that stalls does not stop the clock.
    At(Instant),
    Never,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(plan: &Plan, begin: Instant, tickets: &'a AtomicU64, thread: u64, threads: u64) -> Self {
        let pace = plan.rate.map(|per_second| Pace { per_second, next: thread, step: threads });
        Self { begin, end: plan.end, tickets, pace }
    }

    /// What to start next; asking changes nothing.
    pub(super) fn next(&self, now: Instant) -> Next {
        let Some(pace) = &self.pace else {
            let over = match self.end {
                End::After(duration) => now.saturating_duration_since(self.begin) >= duration,
                End::Requests(most) => self.tickets.load(Ordering::Relaxed) >= most,
            };
            return if over { Next::Never } else { Next::Now };
        };
        let over = match self.end {
            // Also what was due before: a backlog does not make a run longer.
            End::After(duration) => {
                pace.due(pace.next) >= duration || now.saturating_duration_since(self.begin) >= duration
            }
            End::Requests(most) => pace.next >= most,
        };
        match self.begin.checked_add(pace.due(pace.next)) {
            Some(at) if !over => Next::At(at),
            _ => Next::Never,
        }
    }

    /// Takes what [`next`](Self::next) offered; another thread may have been faster.
    pub(super) fn take(&mut self) -> bool {
        match (&mut self.pace, self.end) {
            (Some(pace), _) => {
                pace.next = pace.next.saturating_add(pace.step);
                true
            }
            (None, End::Requests(most)) => self.tickets.fetch_add(1, Ordering::Relaxed) < most,
            (None, End::After(_)) => true,
        }
    }

    /// How many requests were due by `now`, or by the end if that is past, and were not taken.
    pub(super) fn missed(&self, now: Instant) -> u64 {
        let Some(pace) = &self.pace else { return 0 };
        let ran = now.saturating_duration_since(self.begin);
        let is_due = |number: u64| match self.end {
            End::After(duration) => pace.due(number) < ran.min(duration),
            End::Requests(most) => number < most && pace.due(number) < ran,
        };
        let mut number = pace.next;
        let mut missed: u64 = 0;
        while is_due(number) {
            missed = missed.saturating_add(1);
            number = number.saturating_add(pace.step);
        }
        missed
    }
}

impl Pace {
    /// When a request is due, from the begin on.
    fn due(&self, number: u64) -> Duration {
        Duration::try_from_secs_f64(super::real(number) / self.per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(tickets: &AtomicU64, begin: Instant, end: End, rate: Option<f64>) -> Schedule<'_> {
        let pace = rate.map(|per_second| Pace { per_second, next: 1, step: 2 });
        Schedule { begin, end, tickets, pace }
    }

    #[test]
    fn threads_share_a_number_of_requests() {
        let (tickets, begin) = (AtomicU64::new(0), Instant::now());
        let mut one = schedule(&tickets, begin, End::Requests(3), None);
        let mut other = schedule(&tickets, begin, End::Requests(3), None);
        assert!(one.take() && other.take());
        assert_eq!(other.next(begin), Next::Now);
        assert!(one.take());
        assert_eq!(other.next(begin), Next::Never);
        assert!(!other.take());
    }

    #[test]
    fn a_thread_takes_every_second_request_of_a_rate() {
        let (tickets, begin) = (AtomicU64::new(0), Instant::now());
        let mut schedule = schedule(&tickets, begin, End::Requests(6), Some(10.0));
        for due in [100, 300, 500] {
            assert_eq!(schedule.next(begin), Next::At(begin + Duration::from_millis(due)));
            assert!(schedule.take());
        }
        assert_eq!(schedule.next(begin), Next::Never);
    }

    #[test]
    fn what_was_due_and_not_taken_is_counted() {
        let (tickets, begin) = (AtomicU64::new(0), Instant::now());
        let after = |millis| begin + Duration::from_millis(millis);
        let mut schedule = schedule(&tickets, begin, End::After(Duration::from_secs(1)), Some(10.0));
        assert!(schedule.take());
        // Numbers 3, 5, 7 and 9 are left, due after 300, 500, 700 and 900 ms.
        for (now, missed) in [(0, 0), (300, 0), (301, 1), (800, 3), (1000, 4), (9000, 4)] {
            assert_eq!(schedule.missed(after(now)), missed, "{now}");
        }
        assert_eq!(schedule.next(after(999)), Next::At(after(300)));
        assert_eq!(schedule.next(after(1000)), Next::Never);
    }
}
