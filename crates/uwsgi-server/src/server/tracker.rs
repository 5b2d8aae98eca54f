//! Counts the connections of a server, and keeps the state of each one for the end of the server.

use alloc::sync::Arc;
use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use uwsgi::server::ConnectionLimit;

use crate::connection::{ConnectionState, list_requests};
use crate::lock::lock;

/// The connections of a server, and the limit on them.
#[derive(Debug, Default)]
pub(super) struct ConnectionTracker {
    pub(super) limit: Mutex<ConnectionLimit>,
    /// One for each thread.
    slots: Mutex<Vec<ConnectionSlot>>,
    slot_was_removed: Condvar,
}

/// The state of the connection that a thread serves.
pub(super) type ConnectionSlot = Arc<Mutex<ConnectionState>>;

/// How often a server that ends checks whether it must wait longer.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

impl ConnectionTracker {
    /// Creates a tracker with this limit on connections.
    pub(super) fn new(max_connections: usize) -> Self {
        Self { limit: Mutex::new(ConnectionLimit::new(max_connections)), ..Self::default() }
    }

    /// Adds a slot for a new thread.
    pub(super) fn add_slot(&self) -> ConnectionSlot {
        let slot = ConnectionSlot::default();
        lock(&self.slots).push(Arc::clone(&slot));
        slot
    }

    /// Removes the slot of a thread that ends.
    pub(super) fn remove_slot(&self, slot: &ConnectionSlot) {
        lock(&self.slots).retain(|other| !Arc::ptr_eq(other, slot));
        self.slot_was_removed.notify_all();
    }

    /// Waits until all threads have ended, for at most `timeout`, or until `is_interrupted` returns true. Logs the requests of
    /// the connections that are left, and resets these connections, so that their responses do not look whole.
    pub(super) fn wait_for_all(&self, timeout: Duration, is_interrupted: impl Fn() -> bool) {
        let begun = Instant::now();
        let mut slots = lock(&self.slots);
        while !slots.is_empty() && begun.elapsed() < timeout && !is_interrupted() {
            let waited = self.slot_was_removed.wait_timeout(slots, POLL_INTERVAL);
            slots = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !slots.is_empty() {
            let (count, requests) = (slots.len(), list_requests(slots.iter().map(|slot| &**slot)));
            let colon = if requests.is_empty() { "" } else { ": " };
            tracing::error!("{count} connections were not finished in time{colon}{requests}");
            slots.iter().for_each(|slot| lock(slot).abort());
        }
    }
}
