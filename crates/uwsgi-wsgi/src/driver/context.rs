//! What the threads of a server share: what its connections need, and the queues between the threads.

use alloc::sync::Arc;
use core::ops::Deref;
use std::io;

use crate::driver::connection::Connection;
use crate::driver::queue::Queue;
use crate::driver::shared::Shared;

/// What all threads of a server share: what its connections share, and the queues between the threads.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    /// Connections whose request is complete. The polling thread gives them to the application threads.
    pub(crate) ready: Queue<Box<Connection>>,
    /// Connections that wait for their peer. The application threads give them to the polling thread.
    pub(crate) waiting: Queue<Box<Connection>>,
}

impl Context {
    pub(crate) fn new(shared: Shared) -> io::Result<Self> {
        Ok(Self { shared: Arc::new(shared), ready: Queue::new()?, waiting: Queue::new()? })
    }
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
