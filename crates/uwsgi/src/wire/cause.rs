//! How an error prints that has a cause.

use core::fmt;

/// Prints an error that has a cause, as the errors of this crate do: `{}` prints what failed, and `{:#}` prints the cause too.
///
/// A program that prints the chain of sources would print the cause twice if `{}` printed it. `{:#}` is for one line of a log, as
/// in the crate anyhow.
///
/// ```
/// use core::fmt;
/// use uwsgi::{DecodeError, write_with_cause};
///
/// struct ReadError(DecodeError);
///
/// impl fmt::Display for ReadError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write_with_cause(f, "the file is not a packet", &self.0)
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
pub fn write_with_cause(f: &mut fmt::Formatter<'_>, what: &str, cause: &dyn fmt::Display) -> fmt::Result {
    f.write_str(what)?;
    if f.alternate() { write!(f, ": {cause:#}") } else { Ok(()) }
}
