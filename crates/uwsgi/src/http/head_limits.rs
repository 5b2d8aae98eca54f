//! The limits for the head of an answer.

/// The limits for the head of an answer.
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

/// The largest limit on header lines. The parser has this many slots on the stack.
const MOST_LINES: u16 = 256;
pub(crate) const SLOTS: usize = 256;

impl HeadLimits {
    /// Sets the length of the longest head in bytes, with its empty line; 65536 by default.
    #[must_use]
    pub const fn with_bytes(self, bytes: u32) -> Self {
        Self { bytes, ..self }
    }

    /// Sets the largest number of header lines; 256 by default. A larger number counts as 256.
    #[must_use]
    pub const fn with_lines(self, lines: u16) -> Self {
        Self { lines: if lines > MOST_LINES { MOST_LINES } else { lines }, ..self }
    }

    /// Returns the length of the longest head in bytes.
    pub(crate) fn most_bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}
