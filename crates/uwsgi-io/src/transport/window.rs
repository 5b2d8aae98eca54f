//! Buffers, and what of them is in use.

/// Which bytes of a buffer were read and not used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    pub(crate) start: usize,
    pub(crate) filled: usize,
    pub(crate) eof: bool,
    /// How many of the bytes at the start are a request's body: given to be read, and not read yet.
    pub(crate) body: usize,
}

impl Window {
    pub(crate) const fn len(&self) -> usize {
        self.filled.saturating_sub(self.start)
    }

    /// The bytes, of the buffer that this is the window of.
    pub(crate) fn of<'b>(&self, buffer: &'b [u8]) -> &'b [u8] {
        buffer.get(self.start..self.filled).unwrap_or_default()
    }

    /// Passes bytes over.
    pub(crate) fn pass(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.filled);
    }
}

/// What a client's buffer begins with, about as much as a socket holds for a reader.
pub(crate) const SMALL: usize = 32 * 1024;

/// Makes a buffer at least so long.
pub(crate) fn make_room(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        // No more than that: what a buffer takes is promised.
        buffer.reserve_exact(len.saturating_sub(buffer.len()));
        buffer.resize(len, 0);
    }
}
