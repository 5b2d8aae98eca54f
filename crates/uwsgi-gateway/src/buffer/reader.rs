//! The end of a buffer that takes bytes.

use core::error::Error;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::buffer::budget::Share;
use crate::buffer::pieces::{MEMORY, UNCOUNTED};
use crate::buffer::state::{End, Next, Shared};

/// Reads the bytes of a buffer, in their order.
#[derive(Debug)]
pub(crate) struct BufferReader {
    shared: Arc<Shared>,
    /// A read from the file, which runs.
    read: Option<JoinHandle<io::Result<ReadBytes>>>,
}

/// Bytes that were read from the file, and their memory.
type ReadBytes = (Bytes, Option<Share>);

/// Why the next bytes do not come.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The file cannot be read.
    File(io::Error),
    /// The writer ended with this error.
    Writer(Box<dyn Error + Send + Sync>),
}

impl BufferReader {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, read: None }
    }

    /// Returns the next bytes; `None` after the last.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        loop {
            if let Some(read) = &mut self.read {
                let done = ready!(Pin::new(read).poll(cx));
                self.read = None;
                return Poll::Ready(Some(self.take(done.unwrap_or_else(|error| Err(io::Error::other(error))))));
            }
            let mut state = self.shared.state();
            match state.next(MEMORY) {
                Next::Memory(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Next::End => return Poll::Ready(None),
                Next::Failed(error) => return Poll::Ready(Some(Err(ReadError::Writer(error)))),
                Next::NotYet => {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Next::File { file, offset, len } => {
                    drop(state);
                    let share = self.shared.budget.take_memory(len);
                    let len = if share.is_some() { len } else { len.min(UNCOUNTED) };
                    self.read = Some(spawn_blocking(move || Ok((file.read(offset, len)?, share))));
                }
            }
        }
    }

    /// Returns how many bytes are in the buffer.
    pub(crate) fn len(&self) -> u64 {
        self.shared.state().len
    }

    /// Whether the writer has ended without an error, and all bytes are read.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.shared.state();
        state.len == 0 && matches!(state.end, End::Finished)
    }

    /// Ends a read from the file.
    fn take(&self, read: io::Result<ReadBytes>) -> Result<Bytes, ReadError> {
        let (bytes, _share) = read.map_err(ReadError::File)?;
        let mut state = self.shared.state();
        if let Some(stored) = &mut state.stored {
            stored.start = stored.start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        state.took(bytes.len());
        Ok(bytes)
    }
}
