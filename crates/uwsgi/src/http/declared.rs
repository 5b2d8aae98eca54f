//! Bodies of a declared length, counted down.

/// What is left of a body whose length was declared: the same rule for a request's body and for an answer's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    left: u64,
}

impl Declared {
    pub(crate) const fn new(length: u64) -> Self {
        Self { left: length }
    }

    /// How many bytes have yet to come, as the wire counts.
    pub(crate) const fn left(self) -> u64 {
        self.left
    }

    /// How many bytes have yet to come, as far as memory reaches.
    pub(crate) fn needed(self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    /// How many of `len` further bytes are the body's, and what is left of it behind them.
    pub(crate) fn take(self, len: usize) -> (usize, Self) {
        let take = len.min(self.needed());
        (take, Self { left: self.left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX)) })
    }
}
