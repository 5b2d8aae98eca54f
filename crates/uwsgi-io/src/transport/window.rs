//! The part of a buffer that is in use.

/// The range of the bytes in a buffer that were read and not consumed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    pub(crate) start: usize,
    pub(crate) filled: usize,
    pub(crate) eof: bool,
    /// How many of the bytes at the start belong to a request's body: the state machine has given them to the application,
    /// which has not read them yet.
    pub(crate) body: usize,
}

impl Window {
    pub(crate) const fn len(&self) -> usize {
        self.filled.saturating_sub(self.start)
    }

    /// Returns the bytes of the range. `buffer` is the buffer that this window belongs to.
    pub(crate) fn bytes<'b>(&self, buffer: &'b [u8]) -> &'b [u8] {
        buffer.get(self.start..self.filled).unwrap_or_default()
    }

    /// Removes `count` bytes from the start of the range.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.filled);
    }
}

/// Makes a buffer at least `len` bytes long.
pub(crate) fn make_room(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        // A `Vec` that grows by itself takes up to twice the room. The documentation promises how much a buffer takes.
        buffer.reserve_exact(len.saturating_sub(buffer.len()));
        buffer.resize(len, 0);
    }
}
