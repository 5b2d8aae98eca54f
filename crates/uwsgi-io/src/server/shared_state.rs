//! What the body of a request and the writer of its response share.

use core::sync::atomic::{AtomicBool, AtomicUsize};

/// The state that the body of a request and the writer of its response share. They may be on two threads.
#[derive(Debug, Default)]
pub(crate) struct SharedState {
    /// Whether the head of a 101 has left.
    pub(crate) upgraded: AtomicBool,
    /// How many bytes of the body are unread; `usize::MAX` where that is not known.
    pub(crate) unread: AtomicUsize,
}
