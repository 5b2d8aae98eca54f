//! What a sender does.

use crate::case::recipe::Recipe;

/// One thing that a sender does. After the last step, the sender reads until the connection closes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Step {
    /// Closes both directions in order, and reads no more.
    Close,
    /// Reads until one more answer is whole.
    ReadAnswer,
    /// Resets the connection (`SO_LINGER` 0).
    Reset,
    /// Sends bytes; a [`Split`](crate::Split) may cut them into pieces.
    Send(Bytes),
    /// Closes the sending direction, and goes on reading.
    ShutdownWrite,
    /// Sends bytes one at a time, and waits this many milliseconds before each.
    Trickle(u64, Bytes),
    /// Waits this many milliseconds.
    Wait(u64),
}

impl Step {
    /// Sends the packet of a recipe, and the bytes that follow the packet.
    #[must_use]
    pub const fn packet(recipe: Recipe) -> Self {
        Self::Send(Bytes::Of(recipe))
    }

    /// Sends the bytes of a recipe from one index to another, or to the end of the bytes.
    #[must_use]
    pub const fn part(recipe: Recipe, from: usize, to: usize) -> Self {
        Self::Send(Bytes::Part(recipe, from, to))
    }

    /// Sends these bytes.
    #[must_use]
    pub const fn raw(bytes: &'static [u8]) -> Self {
        Self::Send(Bytes::Raw(bytes))
    }
}

/// Bytes to send. A case holds only their description, since some cases send many bytes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Bytes {
    /// The bytes of a recipe.
    Of(Recipe),
    /// The bytes of a recipe from one index to another, or to the end of the bytes.
    Part(Recipe, usize, usize),
    /// These bytes.
    Raw(&'static [u8]),
    /// These bytes, this many times.
    Times(&'static [u8], usize),
    /// This header, then these bytes of a block, this many times.
    Block([u8; 4], &'static [u8], usize),
}

impl Bytes {
    /// Returns the bytes.
    ///
    /// ```
    /// use uwsgi_conformance::{Bytes, SMALL};
    ///
    /// assert_eq!(Bytes::Times(b"ab", 2).build(), b"abab");
    /// assert_eq!(Bytes::Part(SMALL, 0, 3).build(), [0, 191, 0]);
    /// ```
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        match *self {
            Self::Of(recipe) => recipe.build(),
            Self::Part(recipe, from, to) => recipe.build().into_iter().take(to).skip(from).collect(),
            Self::Raw(bytes) => bytes.to_vec(),
            Self::Times(bytes, count) => bytes.repeat(count),
            Self::Block(header, piece, count) => {
                let mut bytes = header.to_vec();
                bytes.extend(piece.repeat(count));
                bytes
            }
        }
    }
}
