//! The rest of a body that has a declared length.

/// The rest of a body whose length was declared, in a request or in an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    left: u64,
}

impl Declared {
    pub(crate) const fn new(length: u64) -> Self {
        Self { left: length }
    }

    /// Returns how many bytes have yet to come.
    pub(crate) const fn left(self) -> u64 {
        self.left
    }

    /// Returns how many bytes have yet to come, or `usize::MAX` if that is less.
    pub(crate) fn needed(self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX)
    }

    /// Returns how many of `len` further bytes belong to the body, and the rest of the body after them.
    pub(crate) fn take(self, len: usize) -> (usize, Self) {
        let take = len.min(self.needed());
        (take, Self { left: self.left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX)) })
    }
}
