//! The permits that limit how many requests the application works on at once.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::sync::Mutex;
use std::thread::{self, Thread};

use crate::lock::lock;

/// The permits of a server. Requests that have begun get one before new requests. Requests of one priority get them in the
/// order in which they asked.
#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) count: usize,
    permits: Mutex<Permits>,
}

#[derive(Debug)]
struct Permits {
    /// Below 0 while requests work without a permit. No thread waits while it is above 0.
    free: isize,
    /// The threads that wait, in the order in which they get a permit. A thread that gets a permit is removed.
    waiting: VecDeque<(Priority, Thread)>,
}

/// Which requests get a permit first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// The application has begun with the request. The request may hold what all others need, such as a lock.
    Begun,
    /// The application has not seen the request yet.
    New,
}

impl Workers {
    /// Creates this many permits.
    pub(crate) fn new(count: usize) -> Self {
        let free = isize::try_from(count).unwrap_or(isize::MAX);
        Self { count, permits: Mutex::new(Permits { free, waiting: VecDeque::new() }) }
    }

    /// Returns how many requests the application may be working on now: one for each permit, and those without a permit.
    pub(crate) fn max_at_work(&self) -> usize {
        self.count.saturating_add(usize::try_from(lock(&self.permits).free.saturating_neg()).unwrap_or(0))
    }

    /// Takes a permit, or waits for one until `timeout` returns zero. Returns whether the thread got a permit. `timeout` is
    /// called again each time the thread wakes up, for example after [`wake_all`](Self::wake_all).
    pub(crate) fn acquire(&self, priority: Priority, mut timeout: impl FnMut() -> Duration) -> bool {
        let mut permits = lock(&self.permits);
        if permits.free > 0 {
            permits.free = permits.free.saturating_sub(1);
            return true;
        }
        let thread = thread::current();
        let end_of_queue = permits.waiting.partition_point(|(other, _)| *other <= priority);
        permits.waiting.insert(end_of_queue, (priority, thread.clone()));
        loop {
            // `wake_all` takes this lock too. So either this call sees a stop, or the stop ends the wait below.
            let left = timeout();
            let index = permits.waiting.iter().position(|(_, waiting)| waiting.id() == thread.id());
            let Some(index) = index else { return true };
            if left.is_zero() {
                permits.waiting.remove(index);
                return false;
            }
            drop(permits);
            thread::park_timeout(left);
            permits = lock(&self.permits);
        }
    }

    /// Counts a request that goes on without a permit. The next permit that is released makes up for it.
    pub(crate) fn go_without(&self) {
        let mut permits = lock(&self.permits);
        permits.free = permits.free.saturating_sub(1);
    }

    /// Releases a permit. The first thread that waits gets it, unless a request works without a permit.
    pub(crate) fn release(&self) {
        let mut permits = lock(&self.permits);
        let next = if permits.free < 0 { None } else { permits.waiting.pop_front() };
        let Some((_, next)) = next else {
            permits.free = permits.free.saturating_add(1);
            return;
        };
        drop(permits);
        next.unpark();
    }

    /// Wakes all threads that wait for a permit, because a stop was requested.
    pub(crate) fn wake_all(&self) {
        lock(&self.permits).waiting.iter().for_each(|(_, thread)| thread.unpark());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that panics has found something")]

    use std::time::Instant;

    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(20);

    fn free(workers: &Workers) -> isize {
        lock(&workers.permits).free
    }

    fn waiting(workers: &Workers) -> usize {
        lock(&workers.permits).waiting.len()
    }

    /// Waits until this many threads wait for a permit.
    fn wait_for_waiting(workers: &Workers, count: usize) {
        let begun = Instant::now();
        while waiting(workers) != count {
            assert!(begun.elapsed() < LONG, "{} threads wait, not {count}", waiting(workers));
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_released_permit_goes_to_the_request_that_has_waited_longest() {
        let workers = Workers::new(1);
        assert!(workers.acquire(Priority::New, || NOW));
        assert!(!workers.acquire(Priority::New, || NOW));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let mut threads = Vec::new();
            for number in 0..3 {
                let (workers, order) = (&workers, &order);
                threads.push(scope.spawn(move || {
                    assert!(workers.acquire(Priority::New, || LONG));
                    order.lock().unwrap().push(number);
                }));
                wait_for_waiting(workers, threads.len());
            }
            for thread in threads {
                workers.release();
                assert!(!workers.acquire(Priority::Begun, || NOW), "a later request got the permit");
                thread.join().unwrap();
            }
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        workers.release();
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn requests_that_have_begun_get_permits_before_new_ones() {
        let workers = Workers::new(1);
        assert!(workers.acquire(Priority::New, || NOW));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let priorities = [Priority::New, Priority::New, Priority::Begun, Priority::Begun];
            for (number, priority) in priorities.into_iter().enumerate() {
                let (workers, order) = (&workers, &order);
                scope.spawn(move || {
                    assert!(workers.acquire(priority, || LONG));
                    order.lock().unwrap().push(number);
                    workers.release();
                });
                wait_for_waiting(workers, number + 1);
            }
            workers.release();
        });
        assert_eq!(*order.lock().unwrap(), [2, 3, 0, 1]);
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn the_next_released_permit_makes_up_for_a_request_without_one() {
        let workers = Workers::new(1);
        assert!(workers.acquire(Priority::New, || NOW));
        assert_eq!(workers.max_at_work(), 1);
        workers.go_without();
        assert_eq!((free(&workers), workers.max_at_work()), (-1, 2));
        thread::scope(|scope| {
            let thread = scope.spawn(|| workers.acquire(Priority::New, || LONG));
            wait_for_waiting(&workers, 1);
            workers.release();
            assert_eq!((free(&workers), workers.max_at_work(), waiting(&workers)), (0, 1, 1));
            workers.release();
            assert!(thread.join().unwrap());
        });
        workers.release();
        assert_eq!((free(&workers), workers.max_at_work()), (1, 1));
    }

    #[test]
    fn a_thread_that_wakes_up_asks_for_its_timeout_again_and_keeps_its_turn() {
        let workers = Workers::new(0);
        let timeout = Mutex::new(LONG);
        for priority in [Priority::New, Priority::Begun] {
            *timeout.lock().unwrap() = LONG;
            thread::scope(|scope| {
                let first = scope.spawn(|| workers.acquire(priority, || LONG));
                wait_for_waiting(&workers, 1);
                let second = scope.spawn(|| workers.acquire(priority, || *timeout.lock().unwrap()));
                wait_for_waiting(&workers, 2);
                *timeout.lock().unwrap() = NOW;
                workers.wake_all();
                assert!(!second.join().unwrap());
                workers.release();
                assert!(first.join().unwrap());
            });
        }
    }
}
