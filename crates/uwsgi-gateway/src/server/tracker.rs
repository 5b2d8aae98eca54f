//! The connections of all threads, counted.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uwsgi::server::{Admission, AllowList, ConnectionLimit};

/// Counts the connections of a gateway, and decides about each new one.
#[derive(Debug)]
pub(crate) struct ConnectionTracker {
    limit: Mutex<ConnectionLimit>,
    /// A permit for each connection that may be open, with those that are refused.
    permits: Arc<Semaphore>,
}

/// A permit for a connection. When it is dropped, the next connection may have it.
pub(super) type Permit = OwnedSemaphorePermit;

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    tracker: Arc<ConnectionTracker>,
    /// The count of the thread that serves the connection.
    load: Arc<AtomicUsize>,
    admission: Admission,
    _permit: Option<Permit>,
}

impl ConnectionTracker {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = ConnectionLimit::new(limit);
        let permits = Semaphore::new(limit.max_open().min(Semaphore::MAX_PERMITS));
        Arc::new(Self { limit: Mutex::new(limit), permits: Arc::new(permits) })
    }

    /// Waits until there may be another connection.
    pub(super) async fn permit(&self) -> Option<Permit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// Counts a connection, which the thread with this count will serve. `None` means that it must be closed: there are too
    /// many.
    pub(super) fn add(self: &Arc<Self>, load: &Arc<AtomicUsize>, permit: Option<Permit>) -> Option<ConnectionSlot> {
        // Clients may come from everywhere: only the number of connections matters.
        let admission = self.lock().admit(&AllowList::LOOPBACK, None);
        if let Admission::RefuseWithoutWaiting(_) = admission {
            return None;
        }
        load.fetch_add(1, Ordering::Relaxed);
        Some(ConnectionSlot { tracker: Arc::clone(self), load: Arc::clone(load), admission, _permit: permit })
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionLimit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionSlot {
    /// Returns whether the connection gets a 503, because there are too many.
    pub(super) fn is_refused(&self) -> bool {
        self.admission != Admission::Serve
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.tracker.lock().release(self.admission);
        self.load.fetch_sub(1, Ordering::Relaxed);
    }
}
