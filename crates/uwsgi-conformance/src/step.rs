//! What a sender does.

use crate::recipe::Recipe;

/// One thing that a sender does. Behind the last step, it reads until the connection closes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Step {
    /// Closes both directions, in order, and looks no more.
    Close,
    /// Reads until one more answer is whole.
    ReadAnswer,
    /// Resets the connection (`SO_LINGER` 0).
    Reset,
    /// Sends bytes; a [`Split`](crate::Split) may send them in pieces.
    Send(Bytes),
    /// Closes the sending direction, and goes on reading.
    ShutdownWrite,
    /// Sends bytes one at a time, with so many milliseconds before each.
    Trickle(u64, Bytes),
    /// Does nothing for so many milliseconds.
    Wait(u64),
}

/// Bytes to send, built when they are needed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Bytes {
    /// The bytes of a recipe.
    Of(Recipe),
    /// The bytes of a recipe from one place to another, or to its end.
    Part(Recipe, usize, usize),
    /// These bytes.
    Raw(&'static [u8]),
    /// These bytes, so many times.
    Times(&'static [u8], usize),
    /// A header, given as it stands, and a piece of block so many times behind it.
    Block([u8; 4], &'static [u8], usize),
}

impl Bytes {
    /// The bytes.
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
