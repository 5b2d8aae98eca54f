//! How many requests an application works on at once.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use uwsgi::server::Time;
use uwsgi_io::{Direction, Transport};

/// Permits to work. They go to those who wait in the order in which they came.
#[derive(Debug)]
pub(crate) struct Workers {
    permits: Mutex<Permits>,
}

#[derive(Debug)]
struct Permits {
    /// Below 0 where some who had begun went on without. Nobody waits where it is above.
    free: isize,
    /// Who waits; a permit that is given back is the first one's, who is no longer in here then.
    queue: VecDeque<Thread>,
}

/// For how long a request that was begun waits for its permit when its peer is ready. Then it goes on without: those who have
/// the permits may wait for what it holds itself, a lock of the application's, say.
const TURN: Duration = Duration::from_millis(100);

impl Workers {
    pub(crate) fn new(count: usize) -> Self {
        let free = isize::try_from(count).unwrap_or(isize::MAX);
        Self { permits: Mutex::new(Permits { free, queue: VecDeque::new() }) }
    }

    /// Takes a permit; waits for one for as long as `patience` says, which is asked again whenever there is a reason to, as
    /// after [`wake`](Self::wake).
    pub(crate) fn take_within(&self, mut patience: impl FnMut() -> Duration) -> bool {
        let mut permits = self.lock();
        if permits.free > 0 {
            permits.free = permits.free.saturating_sub(1);
            return true;
        }
        let own = thread::current();
        permits.queue.push_back(own.clone());
        loop {
            // Asked under the lock, which who wakes takes too: a stop is seen here, or ends the wait.
            let left = patience();
            let Some(place) = permits.queue.iter().position(|waits| waits.id() == own.id()) else { return true };
            if left.is_zero() {
                permits.queue.remove(place);
                return false;
            }
            drop(permits);
            thread::park_timeout(left);
            permits = self.lock();
        }
    }

    /// Takes the permit of a request that was begun, after a while though there is none.
    fn take(&self, patience: Duration) {
        let begun = Instant::now();
        if !self.take_within(|| patience.saturating_sub(begun.elapsed())) {
            let mut permits = self.lock();
            permits.free = permits.free.saturating_sub(1);
        }
    }

    /// Gives a permit back.
    fn give(&self) {
        let mut permits = self.lock();
        let next = if permits.free < 0 { None } else { permits.queue.pop_front() };
        if next.is_none() {
            permits.free = permits.free.saturating_add(1);
        }
        drop(permits);
        if let Some(next) = next {
            next.unpark();
        }
    }

    /// Has everybody who waits look up: a stop was asked for.
    pub(crate) fn wake(&self) {
        self.lock().queue.iter().for_each(Thread::unpark);
    }

    fn lock(&self) -> MutexGuard<'_, Permits> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport whose waits cost no permit: while a slow peer is waited for, another request is worked on.
#[derive(Debug)]
pub(crate) struct Working<'a, T> {
    transport: &'a T,
    workers: &'a Workers,
    permit: Mutex<Permit>,
}

/// The permit of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permit {
    /// Nothing is worked on.
    None,
    Held,
    /// Given back, until the peer is ready.
    Lent,
}

impl<'a, T> Working<'a, T> {
    pub(crate) const fn new(transport: &'a T, workers: &'a Workers) -> Self {
        Self { transport, workers, permit: Mutex::new(Permit::None) }
    }

    /// A permit was taken.
    pub(crate) fn begin(&self) {
        *self.permit() = Permit::Held;
    }

    /// Gives the permit back, if one is held.
    pub(crate) fn end(&self) {
        if core::mem::replace(&mut *self.permit(), Permit::None) == Permit::Held {
            self.workers.give();
        }
    }

    /// Gives the permit back for as long as the peer is waited for.
    fn lend(&self) {
        let mut permit = self.permit();
        if *permit == Permit::Held {
            *permit = Permit::Lent;
            self.workers.give();
        }
    }

    /// Takes it again before the application goes on, for so long at most. Of two threads that wait, one for each direction,
    /// the first that may go on does.
    fn resume(&self, patience: impl FnOnce() -> Duration) {
        let mut permit = self.permit();
        if *permit == Permit::Lent {
            self.workers.take(patience().min(TURN));
            *permit = Permit::Held;
        }
    }

    fn permit(&self) -> MutexGuard<'_, Permit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Working<'_, T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<T: Transport> Transport for Working<'_, T> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.transport.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.lend();
        let waited = self.transport.wait(direction, until);
        // Where the wait's end is near, or has come, the peer is to be told so in time.
        self.resume(|| until.unwrap_or(Time::NEVER).since(self.transport.now()));
        waited
    }

    fn now(&self) -> Time {
        self.transport.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.transport.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.transport.abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        self.transport.stop_asked()
    }

    fn may_have_more(&self) -> bool {
        self.transport.may_have_more()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use super::*;

    const NOT: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(20);

    fn free(workers: &Workers) -> isize {
        workers.lock().free
    }

    /// Waits until so many wait.
    fn until_waiting(workers: &Workers, count: usize) {
        while workers.lock().queue.len() != count {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_permit_goes_to_who_waits_and_to_nobody_who_comes_later() {
        let workers = Workers::new(1);
        assert!(workers.take_within(|| NOT));
        assert!(!workers.take_within(|| NOT));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let mut waiting = Vec::new();
            for number in 0..3 {
                let (workers, order) = (&workers, &order);
                waiting.push(scope.spawn(move || {
                    assert!(workers.take_within(|| LONG));
                    order.lock().unwrap().push(number);
                }));
                until_waiting(workers, waiting.len());
            }
            for thread in waiting {
                workers.give();
                assert!(!workers.take_within(|| NOT), "it passed those who wait");
                thread.join().unwrap();
            }
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        workers.give();
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn who_has_begun_goes_on_without_and_the_debt_is_paid_first() {
        let workers = Workers::new(1);
        assert!(workers.take_within(|| NOT));
        workers.take(NOT);
        assert_eq!(free(&workers), -1);
        thread::scope(|scope| {
            let waits = scope.spawn(|| workers.take_within(|| LONG));
            until_waiting(&workers, 1);
            workers.give();
            assert_eq!((free(&workers), workers.lock().queue.len()), (0, 1));
            workers.give();
            assert!(waits.join().unwrap());
        });
        workers.give();
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn who_is_woken_looks_up_and_keeps_the_place() {
        let workers = Workers::new(0);
        let patience = Mutex::new(LONG);
        thread::scope(|scope| {
            let first = scope.spawn(|| workers.take_within(|| LONG));
            until_waiting(&workers, 1);
            let second = scope.spawn(|| workers.take_within(|| *patience.lock().unwrap()));
            until_waiting(&workers, 2);
            *patience.lock().unwrap() = NOT;
            workers.wake();
            assert!(!second.join().unwrap());
            workers.give();
            assert!(first.join().unwrap());
        });
    }
}
