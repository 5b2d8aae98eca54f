//! The end of a buffer that brings bytes.

use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::task::Poll;
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use tokio::task::{spawn_blocking, yield_now};

use crate::buffer::budget::{Budget, Share};
use crate::buffer::pieces::Pieces;
use crate::buffer::state::{End, Pushed, Shared, Stored};
use crate::buffer::temp_file::TempFile;

/// Writes bytes into a buffer. If it is dropped before its end, the reader fails.
#[derive(Debug)]
pub(crate) struct BufferWriter {
    shared: Arc<Shared>,
    /// The number of reads before the last try to add bytes.
    reads: u64,
}

/// Why a buffer takes no more bytes.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The budget is used up, or the buffer has as many bytes as it may have.
    Full,
    /// The disk is full, or does not work.
    File(io::Error),
}

impl BufferWriter {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, reads: 0 }
    }

    /// Adds bytes. After an error the buffer is as good as before, and `bytes` has what it did not take.
    pub(crate) async fn write(&mut self, bytes: &mut Bytes) -> Result<(), WriteError> {
        let mut has_yielded = false;
        loop {
            match self.push(bytes) {
                Pushed::All => return Ok(()),
                Pushed::LimitReached => return Err(WriteError::Full),
                // A reader that waited has been woken. It may take the bytes before they go to the file.
                Pushed::MemoryFull if !has_yielded => {
                    has_yielded = true;
                    yield_now().await;
                }
                Pushed::MemoryFull => {
                    has_yielded = false;
                    self.spill().await?;
                }
            }
        }
    }

    /// Waits until the reader has taken bytes since the last call of [`write`](Self::write) began to add some.
    pub(crate) async fn wait_for_reader(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.state();
            if state.reads != self.reads {
                return Poll::Ready(());
            }
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Ends the bytes.
    pub(crate) fn finish(self) {
        self.end(End::Finished);
    }

    /// Ends the bytes with an error. The reader gets it after all bytes.
    pub(crate) fn fail(self, error: Box<dyn Error + Send + Sync>) {
        self.end(End::Failed(error));
    }

    fn push(&mut self, bytes: &mut Bytes) -> Pushed {
        let mut state = self.shared.state();
        self.reads = state.reads;
        state.push(bytes, &self.shared)
    }

    /// Writes what is in memory to the file.
    async fn spill(&self) -> Result<(), WriteError> {
        let Some(spill) = self.begin_spill() else { return Err(WriteError::Full) };
        let budget = Arc::clone(&self.shared.budget);
        // If this future is dropped, the task still ends, and gives back the memory and the file.
        let done = spawn_blocking(move || spill.run(&budget)).await;
        let mut state = self.shared.state();
        let error = match done {
            Ok(Ok(stored)) => {
                match &mut state.stored {
                    Some(old) => old.end = stored.end,
                    none => *none = Some(stored),
                }
                state.wake_reader();
                return Ok(());
            }
            Ok(Err((pieces, error))) => {
                state.memory = pieces;
                error
            }
            // The task has panicked, or the runtime ends. The bytes are lost.
            Err(error) => {
                let error = io::Error::other(error);
                state.end = End::Failed(Box::new(io::Error::new(error.kind(), error.to_string())));
                error
            }
        };
        state.has_failed = true;
        state.wake_reader();
        Err(WriteError::File(error))
    }

    /// Takes out what is in memory; `None` if it may not go to a file.
    fn begin_spill(&self) -> Option<Spill> {
        let mut state = self.shared.state();
        if state.has_failed {
            return None;
        }
        let share = self.shared.budget.take_temp(state.memory.len())?;
        let (file, offset) = match &state.stored {
            Some(stored) => (Some(Arc::clone(&stored.file)), stored.end),
            None => (None, 0),
        };
        Some(Spill { pieces: mem::take(&mut state.memory), share, file, offset })
    }

    fn end(&self, end: End) {
        let mut state = self.shared.state();
        if matches!(state.end, End::Open) {
            state.end = end;
            state.wake_reader();
        }
    }
}

impl Drop for BufferWriter {
    fn drop(&mut self) {
        self.end(End::Failed(Box::new(io::Error::from(io::ErrorKind::BrokenPipe))));
    }
}

/// A write to the file.
struct Spill {
    pieces: Pieces,
    share: Share,
    /// `None` if there is no file yet.
    file: Option<Arc<TempFile>>,
    offset: u64,
}

impl Spill {
    /// Writes. It blocks. Returns the bytes that the file has now, or the pieces.
    fn run(self, budget: &Budget) -> Result<Stored, (Pieces, io::Error)> {
        let Self { pieces, share, file, offset } = self;
        let written = file.map_or_else(|| TempFile::create(budget.temp_dir()).map(Arc::new), Ok).and_then(|file| {
            file.write(pieces.iter(), offset, share)?;
            Ok(file)
        });
        match written {
            Ok(file) => {
                let end = offset.saturating_add(u64::try_from(pieces.len()).unwrap_or(u64::MAX));
                Ok(Stored { file, start: offset, end })
            }
            Err(error) => Err((pieces, error)),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the buffers are full"),
            Self::File(error) => write!(f, "the temporary file cannot be written: {error}"),
        }
    }
}
