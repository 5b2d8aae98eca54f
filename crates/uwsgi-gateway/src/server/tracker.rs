//! The connections of all threads, counted.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::string::String;
use alloc::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uwsgi::server::{Admission, AllowList, ConnectionLimit};

/// Counts the connections of a gateway, and decides about each new one.
#[derive(Debug)]
pub(crate) struct Tracker {
    limit: Mutex<ConnectionLimit>,
    /// As many as there may be connections, with those that are refused.
    places: Arc<Semaphore>,
}

/// A place for a connection. When it is dropped, the next connection may have it.
pub(super) type Place = OwnedSemaphorePermit;

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    tracker: Arc<Tracker>,
    /// The count of the thread that serves the connection.
    load: Arc<AtomicUsize>,
    admission: Admission,
    _place: Option<Place>,
}

impl Tracker {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let limit = ConnectionLimit::new(limit);
        let places = Semaphore::new(limit.max_open().min(Semaphore::MAX_PERMITS));
        Arc::new(Self { limit: Mutex::new(limit), places: Arc::new(places) })
    }

    /// Waits until there is a place for another connection. Further connections wait in the queue of the kernel meanwhile.
    pub(super) async fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Counts a connection, which the thread with this count will serve. `None` means that it must be closed: there are too
    /// many.
    pub(super) fn count(self: &Arc<Self>, load: &Arc<AtomicUsize>, place: Option<Place>) -> Option<Counted> {
        // Clients may come from everywhere: only the number of connections matters.
        let admission = self.lock().admit(&AllowList::<String>::from(AllowList::default()), None);
        if let Admission::RefuseWithoutWaiting(_) = admission {
            return None;
        }
        load.fetch_add(1, Ordering::Relaxed);
        Some(Counted { tracker: Arc::clone(self), load: Arc::clone(load), admission, _place: place })
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionLimit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Returns whether the connection gets a 503, because there are too many.
    pub(super) fn is_refused(&self) -> bool {
        self.admission != Admission::Serve
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tracker.lock().release(self.admission);
        self.load.fetch_sub(1, Ordering::Relaxed);
    }
}
