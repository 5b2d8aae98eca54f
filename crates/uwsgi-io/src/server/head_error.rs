//! Why a head is not accepted.

use core::fmt;

use uwsgi::response::RefusedLine;

/// Why a writer does not accept a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// A head has left already.
    Left,
    /// A line is not valid in a head. The previous head, if there is one, stays.
    Line(RefusedLine),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("the head has left already"),
            Self::Line(line) => line.fmt(f),
        }
    }
}

impl core::error::Error for HeadError {}

impl From<RefusedLine> for HeadError {
    fn from(line: RefusedLine) -> Self {
        Self::Line(line)
    }
}
