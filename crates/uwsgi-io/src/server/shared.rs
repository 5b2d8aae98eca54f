//! What the two halves of an exchange share.

use core::sync::atomic::{AtomicBool, AtomicUsize};

/// What the body of a request and the writer of its answer share. They may be on two threads.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Whether the head of a 101 has left.
    pub(crate) upgraded: AtomicBool,
    /// How many bytes of the body are unread; the most there are, where that is not known.
    pub(crate) unread: AtomicUsize,
}
