//! The signal that asks connections to stop.

use core::future::Future;
use std::sync::OnceLock;

use alloc::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A signal that asks connections to stop: see [`serve_connection_until`](crate::serve_connection_until). All clones are the
/// same signal.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// One `Arc` for both fields, because every connection has several clones.
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    /// When the stop was asked for.
    asked: OnceLock<Instant>,
}

impl Stop {
    /// Makes a stop that is not asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the connections to stop. Idle connections close, and requests that have begun are finished within the settings'
    /// `stop_grace`.
    pub fn ask(&self) {
        self.inner.asked.get_or_init(Instant::now);
        // Wakes the tasks that found no stop before the line above.
        self.inner.token.cancel();
    }

    /// Waits until the stop is asked for.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        self.cancelled()
    }

    /// Returns whether the stop was asked for.
    ///
    /// ```
    /// let stop = uwsgi_tower::Stop::new();
    /// assert!(!stop.is_asked());
    /// stop.ask();
    /// assert!(stop.is_asked());
    /// ```
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.inner.token.is_cancelled()
    }

    /// Returns the future of [`asked`](Self::asked) as a type with a name.
    pub(crate) fn cancelled(&self) -> WaitForCancellationFutureOwned {
        self.inner.token.clone().cancelled_owned()
    }

    /// Returns when the stop was asked for.
    pub(crate) fn asked_at(&self) -> Option<Instant> {
        self.inner.asked.get().copied()
    }
}
