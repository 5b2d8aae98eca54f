//! How errors print their sources. `{}` leaves the source out, because a caller that walks the sources would print it twice.

use core::error::Error;
use core::fmt;

/// Writes the source of an error after its own text, for `{:#}`.
pub(crate) fn write_source(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error.source() {
        Some(source) if f.alternate() => write!(f, ": {source:#}"),
        _ => Ok(()),
    }
}

/// The text of an error of a service, and the texts of all its sources.
pub(crate) struct WithSources<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut sources = core::iter::successors(self.0.source(), |error| (*error).source());
        sources.try_for_each(|source| write!(f, ": {source}"))
    }
}
