//! A buffer between a writer and a reader that do not have the same pace: in memory, then in a temporary file.
//!
//! A buffer has at most 64 KiB in memory. When these are full, or when the budget has no memory left, the writer appends them to
//! a temporary file. When the reader has read all of the file, the file is closed, and the next bytes stay in memory. So the
//! order of the bytes is always: those in the file, then those in memory.
//!
//! All bytes in memory and in files are counted in a [`Budget`]. Files are only touched in tasks that may block.

mod budget;
mod pieces;
mod reader;
mod state;
mod temp_file;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use alloc::sync::Arc;

pub(crate) use budget::{Budget, Share};
pub(crate) use pieces::{MEMORY, UNCOUNTED};
pub(crate) use reader::{BufferReader, ReadError};
pub(crate) use writer::{BufferWriter, WriteError};

use state::Shared;

/// Makes an empty buffer for at most so many bytes at once. The writer and the reader may be on one task, or on two.
pub(crate) fn buffer(budget: &Arc<Budget>, limit: u64) -> (BufferWriter, BufferReader) {
    let shared = Arc::new(Shared::new(budget, limit));
    (BufferWriter::new(Arc::clone(&shared)), BufferReader::new(shared))
}
