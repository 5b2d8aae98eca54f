//! What the head of an answer may have at most.

/// What a head may have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeadLimits {
    pub(crate) bytes: u32,
    pub(crate) lines: u16,
}

impl Default for HeadLimits {
    /// 64 KiB and 256 header lines.
    fn default() -> Self {
        Self { bytes: 65536, lines: MOST_LINES }
    }
}

/// As many lines as there are places for on the stack.
const MOST_LINES: u16 = 256;
pub(crate) const SLOTS: usize = 256;

impl HeadLimits {
    /// The most bytes of a head, its empty line counted.
    #[must_use]
    pub const fn with_bytes(self, bytes: u32) -> Self {
        Self { bytes, ..self }
    }

    /// The most header lines, 256 at most: more are taken as 256.
    #[must_use]
    pub const fn with_lines(self, lines: u16) -> Self {
        Self { lines: if lines > MOST_LINES { MOST_LINES } else { lines }, ..self }
    }

    /// The most bytes of a head.
    pub(crate) fn most_bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}
