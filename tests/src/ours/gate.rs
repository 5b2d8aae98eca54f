//! A gate that holds requests, so that each held request occupies a worker.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Holds the requests for [`Gate::PATH`] until it opens.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

/// Far longer than a request takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    held: usize,
    open: bool,
}

impl Gate {
    /// The path of the requests that are held.
    pub const PATH: &str = "/held";

    /// Counts a request that is held, for an application that must not wait here.
    pub fn hold(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held += 1;
        self.changed.notify_all();
    }

    /// Returns whether the gate is open.
    pub fn is_open(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.open));
    }

    /// Waits until `held` requests are held.
    ///
    /// # Panics
    ///
    /// If fewer requests come in time.
    pub fn wait_for(&self, held: usize) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, TIMEOUT, |state| state.held < held);
        let came = waited.unwrap_or_else(PoisonError::into_inner).0.held;
        assert!(came >= held, "{came} of {held} requests came to the gate");
    }

    pub fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.changed.notify_all();
    }
}
