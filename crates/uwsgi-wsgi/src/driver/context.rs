//! What all threads of a server share.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uwsgi::server::{AllowList, ConnectionLimit, Settings};

use crate::access_log::AccessLog;
use crate::driver::connection::Connection;
use crate::driver::stop::Stop;
use crate::driver::wake::Wake;

/// What all threads of a server share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    /// How long an application thread waits for a peer that takes no bytes of an answer.
    pub(crate) write_timeout: Duration,
    pub(crate) allow: AllowList<String>,
    pub(crate) access_log: Option<Arc<AccessLog>>,
    pub(crate) limit: Mutex<ConnectionLimit>,
    /// How many connections are open.
    open: AtomicUsize,
    pub(crate) stop: Stop,
    /// Connections whose request is complete. The polling thread gives them to the application threads.
    pub(crate) ready: Queue,
    /// Connections that wait for their peer. The application threads give them to the polling thread.
    pub(crate) waiting: Queue,
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        write_timeout: Duration,
        allow: AllowList<String>,
        max_connections: usize,
        access_log: Option<Arc<AccessLog>>,
    ) -> io::Result<Self> {
        Ok(Self {
            settings,
            write_timeout,
            allow,
            access_log,
            limit: Mutex::new(ConnectionLimit::new(max_connections)),
            open: AtomicUsize::new(0),
            stop: Stop::new()?,
            ready: Queue::new()?,
            waiting: Queue::new()?,
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
            // The polling thread ends with the last connection.
            self.waiting.wake.add();
        }
    }

    /// Whether no connection is open.
    pub(crate) fn has_no_connections(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }
}

/// Connections on their way from one thread to another.
#[derive(Debug)]
pub(crate) struct Queue {
    connections: Mutex<VecDeque<Box<Connection>>>,
    /// The number of connections. It is read without the lock.
    len: AtomicUsize,
    /// Readable while there are connections.
    pub(crate) wake: Wake,
}

impl Queue {
    fn new() -> io::Result<Self> {
        Ok(Self { connections: Mutex::default(), len: AtomicUsize::new(0), wake: Wake::new()? })
    }

    pub(crate) fn push(&self, connection: Box<Connection>) {
        let mut connections = lock(&self.connections);
        connections.push_back(connection);
        self.len.store(connections.len(), Ordering::Release);
        drop(connections);
        self.wake.add();
    }

    pub(crate) fn pop(&self) -> Option<Box<Connection>> {
        if self.len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut connections = lock(&self.connections);
        let connection = connections.pop_front()?;
        self.len.store(connections.len(), Ordering::Release);
        drop(connections);
        self.wake.take();
        Some(connection)
    }

    /// Makes the descriptor unreadable, if there are no connections. Call [`pop`](Self::pop) after it, because a connection may
    /// have come meanwhile.
    pub(crate) fn settle(&self) {
        if self.len.load(Ordering::Acquire) == 0 {
            self.wake.take();
        }
    }
}

/// Locks a mutex, even if it is poisoned: no code of this crate panics while the state is only partly changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
