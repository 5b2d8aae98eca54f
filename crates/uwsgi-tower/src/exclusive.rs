//! Makes a `Send` value `Sync`.

use core::fmt;
use std::sync::{Mutex, PoisonError};

/// A value that is used only through `&mut`, so the mutex is never locked. `Exclusive` is `Sync` even if the value is not.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self(Mutex::new(inner))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exclusive").finish_non_exhaustive()
    }
}
