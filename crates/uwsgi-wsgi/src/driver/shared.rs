//! What the connections of a server need of it. `context.rs` has what only its threads need.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::sync::Mutex;

use uwsgi::server::{AllowList, ConnectionLimit, Settings};

use crate::access_log::AccessLog;
use crate::driver::queue::Queue;
use crate::driver::rest::Bytes;
use crate::driver::stop::Stop;
use crate::driver::wake::Wake;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// How long an application thread waits for a peer that takes no bytes of an answer.
    pub(crate) write_timeout: Duration,
    pub(crate) allow: AllowList,
    pub(crate) access_log: Option<Arc<AccessLog>>,
    pub(crate) limit: Mutex<ConnectionLimit>,
    pub(crate) stop: Stop,
    /// Large bytes of answers that have left. The application threads drop them, since that needs Python.
    pub(crate) sent: Queue<Bytes>,
    /// How many connections are open.
    open: AtomicUsize,
    /// Readable when a stop was requested and the last connection is closed.
    pub(crate) all_closed: Wake,
}

impl Shared {
    pub(crate) fn new(
        settings: Settings,
        write_timeout: Duration,
        allow: AllowList,
        max_connections: usize,
        access_log: Option<Arc<AccessLog>>,
    ) -> io::Result<Self> {
        Ok(Self {
            settings,
            write_timeout,
            allow,
            access_log,
            limit: Mutex::new(ConnectionLimit::new(max_connections)),
            stop: Stop::new()?,
            sent: Queue::new()?,
            open: AtomicUsize::new(0),
            all_closed: Wake::new()?,
        })
    }

    /// Counts a connection that was accepted.
    pub(crate) fn connection_begins(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// Stops counting a connection that is closed.
    pub(crate) fn connection_ends(&self) {
        let was_last = self.open.fetch_sub(1, Ordering::AcqRel) == 1;
        if was_last && self.stop.is_requested() {
            self.all_closed.add();
        }
    }

    /// Whether no connection is open.
    pub(crate) fn has_no_connections(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }
}
