//! What a connection waits for.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What a connection waits for. The socket and the service share it.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    waiting: AtomicU8,
    /// Only the close of the connection tells the client where the current answer ends.
    ends_with_close: AtomicBool,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The first byte of a request.
    Request,
    /// The rest of a head.
    Head,
    /// Nothing from the client that this clock is for: a request is being answered.
    Answer,
}

impl Phase {
    pub(crate) fn waiting(&self) -> Waiting {
        match self.waiting.load(Ordering::Relaxed) {
            0 => Waiting::Request,
            1 => Waiting::Head,
            _ => Waiting::Answer,
        }
    }

    pub(crate) fn set(&self, waiting: Waiting) {
        let number = match waiting {
            Waiting::Request => 0,
            Waiting::Head => 1,
            Waiting::Answer => 2,
        };
        self.waiting.store(number, Ordering::Relaxed);
    }

    /// Notes whether only the close of the connection ends the current answer.
    pub(crate) fn set_ends_with_close(&self, ends_with_close: bool) {
        self.ends_with_close.store(ends_with_close, Ordering::Relaxed);
    }

    pub(crate) fn ends_with_close(&self) -> bool {
        self.ends_with_close.load(Ordering::Relaxed)
    }
}
