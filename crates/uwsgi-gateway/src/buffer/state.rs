//! What the writer and the reader of a buffer share.

use core::error::Error;
use core::mem;
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;

use crate::buffer::budget::Budget;
use crate::buffer::pieces::{MEMORY, Pieces, UNCOUNTED};
use crate::buffer::temp_file::TempFile;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) budget: Arc<Budget>,
    limit: u64,
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(budget: &Arc<Budget>, limit: u64) -> Self {
        // A limit of nothing would allow no progress.
        let limit = limit.max(u64::try_from(UNCOUNTED).unwrap_or(u64::MAX));
        Self { budget: Arc::clone(budget), limit, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The oldest bytes.
    pub(super) stored: Option<Stored>,
    /// The newest bytes. While the writer writes to the file, it has these bytes itself, and adds no others.
    pub(super) memory: Pieces,
    /// The number of all bytes, with those that are being written to the file.
    pub(super) len: u64,
    /// Whether a write to the file failed. Then the rest stays in memory.
    pub(super) has_failed: bool,
    pub(super) end: End,
    /// How often the reader took bytes; it wraps around.
    pub(super) reads: u64,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// The bytes in the file.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) file: Arc<TempFile>,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// How the writer ended.
#[derive(Debug, Default)]
pub(super) enum End {
    #[default]
    Open,
    Finished,
    Failed(Box<dyn Error + Send + Sync>),
}

/// What became of bytes that the writer brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    All,
    /// The buffer has as many bytes as it may have, or has failed.
    LimitReached,
    MemoryFull,
}

/// Where the next bytes are.
#[derive(Debug)]
pub(super) enum Next {
    Memory(Bytes),
    File { file: Arc<TempFile>, offset: u64, len: usize },
    NotYet,
    End,
    Failed(Box<dyn Error + Send + Sync>),
}

impl State {
    /// Takes bytes into memory, and wakes the reader.
    pub(super) fn push(&mut self, bytes: &mut Bytes, shared: &Shared) -> Pushed {
        if !matches!(self.end, End::Open) {
            return Pushed::LimitReached;
        }
        let limit = usize::try_from(shared.limit.saturating_sub(self.len)).unwrap_or(usize::MAX);
        let before = self.memory.len();
        self.memory.push(bytes, before.saturating_add(limit).min(MEMORY), &shared.budget);
        let count = u64::try_from(self.memory.len().saturating_sub(before)).unwrap_or(u64::MAX);
        self.len = self.len.saturating_add(count);
        if count > 0 {
            self.wake_reader();
        }
        if bytes.is_empty() {
            Pushed::All
        } else if self.len >= shared.limit {
            Pushed::LimitReached
        } else {
            Pushed::MemoryFull
        }
    }

    /// Finds the oldest bytes. Those in memory are taken out.
    pub(super) fn next(&mut self, max_len: usize) -> Next {
        if let Some(stored) = &self.stored {
            let left = stored.end.saturating_sub(stored.start);
            let len = usize::try_from(left).unwrap_or(usize::MAX).min(max_len);
            if len > 0 {
                return Next::File { file: Arc::clone(&stored.file), offset: stored.start, len };
            }
        }
        // The reader has read all of the file. The disk is freed, and the next bytes stay in memory. If the writer writes to the
        // file just now, it keeps the file.
        self.stored = None;
        if let Some(bytes) = self.memory.pop() {
            self.took(bytes.len());
            return Next::Memory(bytes);
        }
        match mem::replace(&mut self.end, End::Finished) {
            // If the writer was dropped while it wrote to the file, the bytes of that write are lost. So this is an error.
            End::Failed(error) => Next::Failed(error),
            End::Finished => Next::End,
            End::Open => {
                self.end = End::Open;
                Next::NotYet
            }
        }
    }

    /// Counts bytes that the reader took, and wakes the writer.
    pub(super) fn took(&mut self, count: usize) {
        self.len = self.len.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.reads = self.reads.wrapping_add(1);
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    pub(super) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
