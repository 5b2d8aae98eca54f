//! A packet that is being written.

use crate::wire::buffer::{Buffer, total};
use crate::wire::draft::Draft;
use crate::wire::error::{EncodeError, EncodeErrorKind};
use crate::wire::header::Header;
use crate::wire::lengths::{datasize, pair_lengths};
use crate::wire::modifier::Modifier1;

/// A packet whose header is all zeros until [`finish`](Self::finish) writes it.
#[derive(Debug)]
pub(crate) struct UnfinishedPacket<'b, B: Buffer + ?Sized> {
    draft: Draft<'b, B>,
}

impl<'b, B: Buffer + ?Sized> UnfinishedPacket<'b, B> {
    #[inline]
    pub(crate) fn new(buffer: &'b mut B) -> Self {
        let mut draft = Draft::new(buffer);
        if !draft.append([&[0; Header::LEN]]) {
            // There is no room for a header. It counts all the same, so that every `append` and `finish` fails too.
            draft.skip(Header::LEN);
        }
        Self { draft }
    }

    #[inline]
    pub(crate) fn encoded_len(&self) -> usize {
        self.draft.len()
    }

    /// Writes a pair, or nothing if it is refused.
    #[inline(always)]
    pub(crate) fn append_pair(&mut self, key: &[u8], value: &[u8]) -> Result<(), EncodeError> {
        let (key_len, value_len) = pair_lengths(key, value)?;
        self.append([&key_len, key, &value_len, value])
    }

    /// Returns what [`append_pair`](Self::append_pair) would return, and writes nothing.
    ///
    /// Inlining lets the compiler keep the encoder in registers in a loop.
    #[inline(always)]
    pub(crate) fn fits_pair(&self, key: &[u8], value: &[u8]) -> Result<(), EncodeError> {
        pair_lengths(key, value)?;
        let len = key.len().saturating_add(value.len()).saturating_add(4);
        let written = self.draft.len();
        datasize(written.saturating_add(len).saturating_sub(Header::LEN))?;
        let room = self.draft.room_after(written);
        if len > room { Err(EncodeError::new(EncodeErrorKind::BufferFull, len, room)) } else { Ok(()) }
    }

    /// Writes all pieces, or nothing if they do not fit.
    #[inline(always)]
    pub(crate) fn append<const N: usize>(&mut self, pieces: [&[u8]; N]) -> Result<(), EncodeError> {
        let len = total(&pieces);
        let written = self.draft.len();
        datasize(written.saturating_add(len).saturating_sub(Header::LEN))?;
        if !self.draft.append(pieces) {
            return Err(EncodeError::new(EncodeErrorKind::BufferFull, len, self.draft.room_after(written)));
        }
        Ok(())
    }

    /// Returns the payload so far.
    pub(crate) fn payload(&self) -> &[u8] {
        self.draft.written_from(Header::LEN)
    }

    /// Returns the bytes of the packet so far, from the one at `from` on, to be changed.
    #[inline]
    pub(crate) fn written_from_mut(&mut self, from: usize) -> &mut [u8] {
        self.draft.written_from_mut(from)
    }

    #[inline]
    pub(crate) fn finish(mut self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        let datasize = datasize(self.draft.len().saturating_sub(Header::LEN))?;
        let header = Header { modifier1, datasize, modifier2 };
        match self.draft.written_from_mut(0).first_chunk_mut() {
            Some(place) => *place = header.to_bytes(),
            None => return Err(EncodeError::new(EncodeErrorKind::BufferFull, Header::LEN, self.draft.room_after(0))),
        }
        Ok(self.draft.keep())
    }
}
