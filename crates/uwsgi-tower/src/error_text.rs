//! The text of an error with those of its sources.

use core::error::Error;
use core::fmt;

/// The text of an error of a service, and the texts of all its sources.
pub(crate) struct WithSources<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut sources = core::iter::successors(self.0.source(), |error| (*error).source());
        sources.try_for_each(|source| write!(f, ": {source}"))
    }
}
