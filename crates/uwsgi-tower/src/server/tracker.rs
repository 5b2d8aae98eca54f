//! The open connections of a server: how many there are, and when the last one has closed.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::sync::Arc;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use uwsgi::server::{Admission, AllowList, ConnectionLimit};

/// Counts the open connections of a server, and waits for their tasks.
pub(crate) struct ConnectionTracker {
    counts: Mutex<Counts>,
    /// The tasks of connections, and the upgraded connections.
    pub(crate) tasks: TaskTracker,
}

struct Counts {
    connections: ConnectionLimit,
    /// How many connections are upgraded. Only the application can end an upgraded connection.
    upgraded: usize,
}

impl ConnectionTracker {
    /// Makes a tracker with this limit on connections.
    pub(crate) fn new(max_connections: usize) -> Arc<Self> {
        let counts = Counts { connections: ConnectionLimit::new(max_connections), upgraded: 0 };
        Arc::new(Self { counts: Mutex::new(counts), tasks: TaskTracker::new() })
    }

    /// Decides about a new connection, and counts it until its slot is dropped.
    pub(crate) fn admit(
        self: &Arc<Self>,
        allow: &AllowList,
        peer: Option<core::net::IpAddr>,
    ) -> (Admission, ConnectionSlot) {
        let admission = self.counts().connections.admit(allow, peer);
        (admission, ConnectionSlot { admission, tracker: Arc::clone(self), upgraded: None })
    }

    /// Returns how many of the connections are upgraded.
    pub(crate) fn upgraded(&self) -> usize {
        self.counts().upgraded
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection until it is dropped.
pub(crate) struct ConnectionSlot {
    admission: Admission,
    tracker: Arc<ConnectionTracker>,
    /// Makes a stop wait for an upgraded connection, which outlives its task.
    upgraded: Option<TaskTrackerToken>,
}

impl ConnectionSlot {
    /// Counts the connection as upgraded.
    pub(crate) fn mark_upgraded(&mut self) {
        let mut counts = self.tracker.counts();
        counts.upgraded = counts.upgraded.saturating_add(1);
        self.upgraded = Some(self.tracker.tasks.token());
    }
}

impl fmt::Debug for ConnectionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSlot").field("admission", &self.admission).finish_non_exhaustive()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut counts = self.tracker.counts();
        counts.connections.release(self.admission);
        counts.upgraded = counts.upgraded.saturating_sub(usize::from(self.upgraded.is_some()));
    }
}
