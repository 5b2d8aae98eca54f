//! How an error prints that has a cause.

use core::fmt;

/// Prints what failed; `{:#}` prints the cause too, as in the crate anyhow. Without `#` the cause is left to those that print
/// the chain of sources, so that nothing is printed twice.
pub(crate) fn with_cause(f: &mut fmt::Formatter<'_>, what: &str, cause: &dyn fmt::Display) -> fmt::Result {
    f.write_str(what)?;
    if f.alternate() { write!(f, ": {cause:#}") } else { Ok(()) }
}
