//! How many requests an application works on at once.

use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use core::sync::atomic::{AtomicBool, Ordering};
use uwsgi::server::Time;
use uwsgi_io::{Direction, Transport};

/// Permits to work.
#[derive(Debug)]
pub(crate) struct Workers {
    permits: Mutex<Permits>,
    freed: Condvar,
}

#[derive(Debug)]
struct Permits {
    free: usize,
    /// How many wait for one: a call to the system is made for them alone.
    waiting: usize,
}

impl Workers {
    pub(crate) const fn new(count: usize) -> Self {
        Self { permits: Mutex::new(Permits { free: count, waiting: 0 }), freed: Condvar::new() }
    }

    /// Takes a permit; waits for one so long at most, or until [`wake`](Self::wake) was called.
    pub(crate) fn take_within(&self, patience: Duration) -> bool {
        let mut permits = self.lock();
        if permits.free == 0 {
            permits.waiting = permits.waiting.saturating_add(1);
            permits = self.freed.wait_timeout(permits, patience).unwrap_or_else(PoisonError::into_inner).0;
            permits.waiting = permits.waiting.saturating_sub(1);
        }
        let taken = permits.free.checked_sub(1);
        permits.free = taken.unwrap_or(0);
        taken.is_some()
    }

    /// Takes a permit, however long it takes.
    fn take(&self) {
        let mut permits = self.lock();
        permits.waiting = permits.waiting.saturating_add(1);
        permits = self.freed.wait_while(permits, |permits| permits.free == 0).unwrap_or_else(PoisonError::into_inner);
        permits.waiting = permits.waiting.saturating_sub(1);
        permits.free = permits.free.saturating_sub(1);
    }

    /// Gives a permit back.
    fn give(&self) {
        let mut permits = self.lock();
        permits.free = permits.free.saturating_add(1);
        let wanted = permits.waiting > 0;
        drop(permits);
        if wanted {
            self.freed.notify_one();
        }
    }

    /// Has everybody who waits look up: a stop was asked for.
    pub(crate) fn wake(&self) {
        // The lock keeps the call from falling between a look and a wait.
        drop(self.lock());
        self.freed.notify_all();
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
    /// Whether a permit is held for this connection.
    held: AtomicBool,
}

impl<'a, T> Working<'a, T> {
    pub(crate) const fn new(transport: &'a T, workers: &'a Workers) -> Self {
        Self { transport, workers, held: AtomicBool::new(false) }
    }

    /// A permit was taken.
    pub(crate) fn begin(&self) {
        self.held.store(true, Ordering::Relaxed);
    }

    /// Gives the permit back, if one is held; whether it was.
    pub(crate) fn rest(&self) -> bool {
        let held = self.held.swap(false, Ordering::Relaxed);
        if held {
            self.workers.give();
        }
        held
    }
}

impl<T> Drop for Working<'_, T> {
    fn drop(&mut self) {
        self.rest();
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
        let rested = self.rest();
        let waited = self.transport.wait(direction, until);
        if rested {
            self.workers.take();
            self.begin();
        }
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
