//! Chunked bodies (RFC 9112 section 7.1), strictly.

use core::fmt;

use crate::http::token::{is_control, is_token_byte};

/// Separates framing from data in a chunked body that comes in pieces. It stores no byte of the body.
///
/// It is strict, because lenient parsers have let requests be smuggled. A size has 1 to 16 hex digits, and only blanks or an
/// extension may follow it on its line. Every line ends in CR LF. Data ends where its size says. A trailer is a header line.
/// Extensions and trailers are read and dropped, up to a limit. After an error every later step returns the same error.
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
    /// In a size: its value so far. In data: the bytes that are left.
    left: u64,
    digits: u8,
    /// The bytes of extensions and trailers so far.
    dropped: u16,
}

/// What to do with the bytes that [`Chunked::step`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum ChunkStep {
    /// Skip `skip` bytes, then take the next `take` bytes of data; `take` may be 0.
    Data {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of data that follow them.
        take: usize,
    },
    /// The body has ended. Skip `skip` bytes; the bytes after them do not belong to the body.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// There were no bytes. At least this many more bytes belong to the body.
    Need(usize),
}

/// Why a chunked body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChunkError {
    /// A line that does not end in CR LF, or data that is longer than its size.
    Line,
    /// A size that is not 1 to 16 hex digits, or bytes after it on its line that are neither blanks nor an extension.
    Size,
    /// A trailer that is not a name, a colon and a value (RFC 9112 section 7.1.2); extensions and trailers that have over
    /// [`Chunked::MOST_DROPPED`] bytes together; a control byte other than a tab in one of them.
    Trailer,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "a line of the chunked body does not end in CR LF",
            Self::Size => "a chunk's size is not 1 to 16 hex digits",
            Self::Trailer => {
                "a trailer of the chunked body is not a header, or its extensions and trailers are too long or hold a control \
                 byte"
            }
        })
    }
}

impl core::error::Error for ChunkError {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// In the digits of a size.
    #[default]
    Size,
    /// In blanks after a size. The end of the line may follow, or an extension. RFC 9112 allows blanks only before an
    /// extension, but old servers write them before the end of the line too, and httparse 1.10 accepts them.
    SizeBlank,
    /// In an extension.
    Extension,
    /// At the LF of a size's line.
    SizeLf,
    Data,
    /// At the CR after data, and at the LF after that.
    DataCr,
    DataLf,
    /// At the start of a line after the last chunk.
    TrailerStart,
    /// In the name of a trailer.
    TrailerName,
    /// In the value of a trailer.
    TrailerValue,
    TrailerLf,
    /// At the LF of the empty line.
    EndLf,
    Ended,
    Refused(ChunkError),
}

impl Chunked {
    /// The largest number of bytes that extensions and trailers may have together.
    pub const MOST_DROPPED: u16 = 8192;

    /// Whether the body has ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Looks at the bytes that follow those of the last step. Before the next call the caller does what the step says.
    ///
    /// # Errors
    ///
    /// [`ChunkError`]: refuse the body. Every later step returns the same error.
    pub fn step(&mut self, got: &[u8]) -> Result<ChunkStep, ChunkError> {
        match self.state {
            State::Ended => return Ok(ChunkStep::End { skip: 0 }),
            State::Refused(error) => return Err(error),
            _ => {}
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
            self.frame(*byte).inspect_err(|error| self.state = State::Refused(*error))?;
            rest = after;
            if self.is_ended() {
                return Ok(ChunkStep::End { skip: got.len().saturating_sub(rest.len()) });
            }
        }
        Ok(ChunkStep::Data { skip: got.len(), take: 0 })
    }

    /// Returns the least number of bytes that must follow.
    fn least(&self) -> usize {
        match self.state {
            // CR LF, then at least `0 CR LF CR LF`.
            State::Data => usize::try_from(self.left).unwrap_or(usize::MAX).saturating_add(7),
            State::Size | State::SizeBlank | State::Extension | State::TrailerLf => 2,
            _ => 1,
        }
    }

    /// Takes one byte of framing.
    fn frame(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.state = match (self.state, byte) {
            (State::Size, digit) if digit.is_ascii_hexdigit() => return self.digit(digit),
            (State::Size, _) if self.digits == 0 => return Err(ChunkError::Size),
            (State::Size | State::SizeBlank | State::Extension, b'\r') => State::SizeLf,
            (State::Size | State::SizeBlank | State::Extension, b'\n') => return Err(ChunkError::Line),
            (State::Size, b';') => State::Extension,
            (State::Size, b' ' | b'\t') => State::SizeBlank,
            (State::SizeBlank, b';') => {
                self.state = State::Extension;
                return self.drop(byte);
            }
            (State::SizeBlank, b' ' | b'\t') => return self.drop(byte),
            (State::Size | State::SizeBlank, _) => return Err(ChunkError::Size),
            (State::Extension, byte) => return self.drop(byte),
            (State::SizeLf, b'\n') if self.left == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.digits = 0;
                State::Size
            }
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, byte) if is_token_byte(byte) => {
                self.state = State::TrailerName;
                return self.drop(byte);
            }
            (State::TrailerName, b':') => {
                self.state = State::TrailerValue;
                return self.drop(byte);
            }
            (State::TrailerName, byte) if is_token_byte(byte) => return self.drop(byte),
            // A line that begins with a blank would continue the value before it (RFC 9112 section 5.2: obs-fold).
            (State::TrailerStart | State::TrailerName, _) => return Err(ChunkError::Trailer),
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, byte) => return self.drop(byte),
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
        if self.dropped > Self::MOST_DROPPED || is_control(byte) {
            return Err(ChunkError::Trailer);
        }
        Ok(())
    }
}
