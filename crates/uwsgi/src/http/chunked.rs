//! Chunked bodies (RFC 9112 section 7.1), strictly.

use core::fmt;

/// A chunked body that arrives in pieces: tells framing from data, and holds no byte of either.
///
/// Strict where leniency has let requests be smuggled: a size has 1 to 16 hex digits, every line ends in CR LF, data ends
/// where its size says. Extensions and trailers are read and dropped, up to a limit.
///
/// ```
/// use uwsgi::chunked::{Chunked, ChunkStep};
///
/// let bytes = b"5\r\nhello\r\n0\r\n\r\nnext";
/// let mut chunked = Chunked::default();
/// assert_eq!(chunked.step(bytes)?, ChunkStep::Data { skip: 3, take: 5 });
/// assert_eq!(chunked.step(&bytes[8..])?, ChunkStep::End { skip: 7 });
/// # Ok::<(), uwsgi::chunked::ChunkError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chunked {
    state: State,
    /// Of a size, its digits; of data, the bytes that are left.
    left: u64,
    digits: u8,
    /// Bytes of extensions and trailers so far.
    dropped: u16,
}

/// What to do with the bytes that [`Chunked::step`] was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum ChunkStep {
    /// Pass `skip` bytes over, then take `take` bytes of data; `take` may be 0.
    Data {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of data behind them.
        take: usize,
    },
    /// Pass `skip` bytes over: the body has ended, and what follows is not its.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// There was nothing to look at: at least so many more bytes belong to the body.
    Need(usize),
}

/// Why a chunked body cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChunkError {
    /// A line that does not end in CR LF, or data that is longer than its size.
    Line,
    /// A size that is not 1 to 16 hex digits.
    Size,
    /// Extensions and trailers over [`Chunked::MOST_DROPPED`] bytes together, or a control byte in one.
    Trailer,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "a line of the chunked body does not end in CR LF",
            Self::Size => "a chunk's size is not 1 to 16 hex digits",
            Self::Trailer => "the extensions and trailers of the chunked body are too long, or hold a control byte",
        })
    }
}

impl core::error::Error for ChunkError {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// In the digits of a size.
    #[default]
    Size,
    /// Behind a size, in an extension.
    Extension,
    /// At the LF of a size's line.
    SizeLf,
    Data,
    /// At the CR, the LF behind data.
    DataCr,
    DataLf,
    /// At the start of a line behind the last chunk.
    TrailerStart,
    /// Inside a trailer.
    Trailer,
    TrailerLf,
    /// At the LF of the empty line.
    EndLf,
    Ended,
}

impl Chunked {
    /// The most bytes of extensions and trailers together.
    pub const MOST_DROPPED: u16 = 8192;

    /// Whether the body has ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Looks at the bytes that follow those of the last step. The caller passes over, or takes, what the step says before
    /// the next.
    ///
    /// # Errors
    ///
    /// [`ChunkError`]: nothing behind it can be believed.
    pub fn step(&mut self, got: &[u8]) -> Result<ChunkStep, ChunkError> {
        if self.is_ended() {
            return Ok(ChunkStep::End { skip: 0 });
        }
        if got.is_empty() {
            return Ok(ChunkStep::Need(self.least()));
        }
        let mut rest = got;
        while let Some((byte, after)) = rest.split_first() {
            if self.state == State::Data {
                let take = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left = self.left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                return Ok(ChunkStep::Data { skip: got.len().saturating_sub(rest.len()), take });
            }
            self.frame(*byte)?;
            rest = after;
            if self.is_ended() {
                return Ok(ChunkStep::End { skip: got.len().saturating_sub(rest.len()) });
            }
        }
        Ok(ChunkStep::Data { skip: got.len(), take: 0 })
    }

    /// How many more bytes there are at least: the rest of the data, and of what must follow it.
    fn least(&self) -> usize {
        match self.state {
            // CR LF, then at least `0 CR LF CR LF`.
            State::Data => usize::try_from(self.left).unwrap_or(usize::MAX).saturating_add(7),
            State::Size | State::Extension | State::TrailerLf => 2,
            _ => 1,
        }
    }

    /// One byte that is no data.
    fn frame(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.state = match (self.state, byte) {
            (State::Size, digit) if digit.is_ascii_hexdigit() => return self.digit(digit),
            (State::Size, _) if self.digits == 0 => return Err(ChunkError::Size),
            (State::Size | State::Extension, b'\r') => State::SizeLf,
            (State::Size, b';' | b' ' | b'\t') => State::Extension,
            (State::Size, b'\n') => return Err(ChunkError::Line),
            (State::Size, _) => return Err(ChunkError::Size),
            (State::Extension, b'\n') => return Err(ChunkError::Line),
            (State::Extension, byte) => return self.drop(byte),
            (State::SizeLf, b'\n') if self.left == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.digits = 0;
                State::Size
            }
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, byte) => {
                self.state = State::Trailer;
                return self.drop(byte);
            }
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, byte) => return self.drop(byte),
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Ended,
            _ => return Err(ChunkError::Line),
        };
        Ok(())
    }

    fn digit(&mut self, digit: u8) -> Result<(), ChunkError> {
        if self.digits == 16 {
            return Err(ChunkError::Size);
        }
        if self.digits == 0 {
            self.left = 0;
        }
        self.digits = self.digits.saturating_add(1);
        let value = char::from(digit).to_digit(16).unwrap_or(0);
        self.left = self.left.wrapping_shl(4) | u64::from(value);
        Ok(())
    }

    fn drop(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.dropped = self.dropped.saturating_add(1);
        if self.dropped > Self::MOST_DROPPED || (byte.is_ascii_control() && byte != b'\t') {
            return Err(ChunkError::Trailer);
        }
        Ok(())
    }
}
