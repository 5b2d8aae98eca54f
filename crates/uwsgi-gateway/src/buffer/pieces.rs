//! The bytes of a buffer that are in memory.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use bytes::{Bytes, BytesMut};

use crate::buffer::budget::{Budget, Share};

/// The most bytes that a buffer has in memory, and the most that it writes to its file at once.
pub(crate) const MEMORY: usize = 64 << 10;

/// What a buffer may have in memory if the budget has nothing left. So each body makes progress, and no write to a file is
/// tiny. The budget does not count it. hyper's own buffer for the connection has as many bytes.
pub(crate) const UNCOUNTED: usize = 8 << 10;

/// The memory that is taken from the budget at once.
const PIECE: usize = 16 << 10;

/// Bytes in memory, first in, first out.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Piece>,
    len: usize,
}

#[derive(Debug)]
struct Piece {
    bytes: BytesMut,
    /// How many more bytes fit.
    room: usize,
    /// `None` for a piece that is not counted.
    _share: Option<Share>,
}

impl Pieces {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Takes bytes from the front of `bytes`: as many as the budget allows, and at most until there are `limit`.
    ///
    /// The bytes are copied. A frame of a body may be a few bytes of a large read buffer, and would hold all of it.
    pub(super) fn push(&mut self, bytes: &mut Bytes, limit: usize, budget: &Arc<Budget>) {
        while !bytes.is_empty() && self.len < limit {
            if self.pieces.back().is_none_or(|piece| piece.room == 0) {
                let piece = if self.pieces.is_empty() { Some(Piece::uncounted()) } else { Piece::counted(budget) };
                let Some(piece) = piece else { return };
                self.pieces.push_back(piece);
            }
            let Some(piece) = self.pieces.back_mut() else { return };
            let count = piece.room.min(bytes.len()).min(limit.saturating_sub(self.len));
            piece.bytes.extend_from_slice(&bytes.split_to(count));
            piece.room = piece.room.saturating_sub(count);
            self.len = self.len.saturating_add(count);
        }
    }

    /// Takes out the oldest bytes. Their memory is given back to the budget.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.len = self.len.saturating_sub(piece.bytes.len());
        Some(piece.bytes.freeze())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &*piece.bytes)
    }
}

impl Piece {
    fn uncounted() -> Self {
        Self { bytes: BytesMut::new(), room: UNCOUNTED, _share: None }
    }

    /// Makes a piece that the budget counts; `None` if too little is left.
    fn counted(budget: &Arc<Budget>) -> Option<Self> {
        let share = budget.take_memory(PIECE)?;
        Some(Self { bytes: BytesMut::with_capacity(PIECE), room: PIECE, _share: Some(share) })
    }
}
