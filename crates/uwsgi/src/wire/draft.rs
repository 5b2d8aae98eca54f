//! The bytes that an encoder has written so far. They are removed if the encoder does not keep them.

use crate::wire::buffer::{Buffer, total};

/// Bytes at the end of a buffer that are not complete yet.
///
/// Dropping a draft removes its bytes. If half a packet stayed in a `Vec`, a peer would read it as the start of the next
/// packet.
#[derive(Debug)]
pub(crate) struct Draft<'b, B: Buffer + ?Sized> {
    /// `None` once the bytes are kept, so that the drop removes nothing.
    buffer: Option<&'b mut B>,
    start: usize,
    end: usize,
}

impl<'b, B: Buffer + ?Sized> Draft<'b, B> {
    /// Begins at the start of a slice, or at the end of an `ArrayVec` or a `Vec`.
    #[inline]
    pub(crate) fn new(buffer: &'b mut B) -> Self {
        let start = buffer.begin();
        Self { buffer: Some(buffer), start, end: start }
    }

    /// Writes all pieces and returns true, or writes nothing and returns false.
    #[inline(always)]
    pub(crate) fn append<const N: usize>(&mut self, pieces: [&[u8]; N]) -> bool {
        let len = total(&pieces);
        let written = self.buffer.as_deref_mut().is_some_and(|buffer| buffer.append(self.end, pieces));
        if written {
            self.end = self.end.saturating_add(len);
        }
        written
    }

    /// Counts `len` bytes without writing them, so that no later piece fits either.
    #[inline]
    pub(crate) fn skip(&mut self, len: usize) {
        self.end = self.end.saturating_add(len);
    }

    /// Returns the number of bytes so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Returns how many bytes of the buffer are free after the first `len` bytes of the draft.
    pub(crate) fn room_after(&self, len: usize) -> usize {
        self.buffer.as_deref().map_or(0, |buffer| buffer.room(self.start.saturating_add(len)))
    }

    /// Returns the bytes so far, beginning with the one at `from`.
    #[inline]
    pub(crate) fn written_from(&self, from: usize) -> &[u8] {
        self.buffer.as_deref().map_or(&[], |buffer| buffer.written(self.start.saturating_add(from), self.end))
    }

    /// Returns the bytes so far, beginning with the one at `from`, to be changed.
    #[inline]
    pub(crate) fn written_from_mut(&mut self, from: usize) -> &mut [u8] {
        match self.buffer.as_deref_mut() {
            Some(buffer) => buffer.written_mut(self.start.saturating_add(from), self.end),
            None => &mut [],
        }
    }

    /// Keeps the bytes and returns them; they live as long as the buffer.
    #[inline]
    pub(crate) fn keep(mut self) -> &'b [u8] {
        match self.buffer.take() {
            Some(buffer) => buffer.written(self.start, self.end),
            None => &[],
        }
    }
}

impl<B: Buffer + ?Sized> Drop for Draft<'_, B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.as_deref_mut() {
            buffer.cut(self.start);
        }
    }
}
