//! How an error prints its source.

use core::error::Error;
use core::fmt;

/// Writes the source of an error after the error's own text, if the text is for `{:#}`. The errors of this project print so: `{}`
/// prints what failed, and `{:#}` prints the cause too.
///
/// A program that prints the chain of sources would print the cause twice if `{}` printed it. `{:#}` is for one line of a log, as
/// in the crate anyhow.
///
/// ```
/// use core::error::Error;
/// use core::fmt;
/// use uwsgi::{DecodeError, write_source};
///
/// #[derive(Debug)]
/// struct ReadError(DecodeError);
///
/// impl fmt::Display for ReadError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("the file is not a packet")?;
///         write_source(self, f)
///     }
/// }
///
/// impl Error for ReadError {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
///
/// let error = ReadError(uwsgi::Packet::decode(b"").unwrap_err());
/// assert_eq!(error.to_string(), "the file is not a packet");
/// let line = format!("{error:#}");
/// assert_eq!(line, "the file is not a packet: 4 bytes belong at offset 0, there are 0: 4 more needed");
/// ```
///
/// # Errors
///
/// The formatter fails.
pub fn write_source(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error.source() {
        Some(source) if f.alternate() => write!(f, ": {source:#}"),
        _ => Ok(()),
    }
}
