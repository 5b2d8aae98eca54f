//! What a connection waits for.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

/// What a connection waits for. Its stream, its clock and its service share this.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    waiting: AtomicU8,
    /// The client takes no byte of an answer at present.
    write_waits: AtomicBool,
    /// Counts what restarts the clock: changes of the phase, and writes.
    progress: AtomicU32,
    /// Only the close of the connection tells the client where the current answer ends.
    ends_with_close: AtomicBool,
    /// The client may still send bytes of a request that was answered already.
    lingers: AtomicBool,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The first byte of a request.
    Request,
    /// The rest of a head.
    Head,
    /// The answer of the service, which has its own clocks.
    Answer,
    /// The client, which has to take bytes of an answer.
    Client,
}

/// The values of `Phase::waiting`, of which the first is the default.
const REQUEST: u8 = 0;
const HEAD: u8 = 1;
const ANSWER: u8 = 2;

impl Phase {
    pub(crate) fn waiting(&self) -> Waiting {
        match self.waiting.load(Ordering::Relaxed) {
            // The last bytes of an answer may still be on their way when the service is ready for the next request.
            _ if self.write_waits.load(Ordering::Relaxed) => Waiting::Client,
            REQUEST => Waiting::Request,
            HEAD => Waiting::Head,
            _ => Waiting::Answer,
        }
    }

    pub(super) fn progress(&self) -> u32 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Notes that a request was answered.
    pub(crate) fn wait_for_request(&self) {
        self.set(REQUEST);
    }

    /// Notes that bytes of a head came.
    pub(super) fn begin_head(&self) {
        if self.waiting.load(Ordering::Relaxed) == REQUEST {
            self.set(HEAD);
        }
    }

    /// Notes that the service has a request.
    pub(crate) fn begin_answer(&self) {
        self.lingers.store(false, Ordering::Relaxed);
        self.set(ANSWER);
    }

    /// Notes whether the client took bytes.
    pub(super) fn set_written(&self, written: bool) {
        let was_waiting = self.write_waits.swap(!written, Ordering::Relaxed);
        if written || !was_waiting {
            self.progress.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes whether only the close of the connection ends the current answer.
    pub(crate) fn set_ends_with_close(&self, ends_with_close: bool) {
        self.ends_with_close.store(ends_with_close, Ordering::Relaxed);
    }

    pub(crate) fn ends_with_close(&self) -> bool {
        self.ends_with_close.load(Ordering::Relaxed)
    }

    /// Returns whether the connection is inside an answer that only its close ends.
    pub(super) fn is_inside_answer_to_close(&self) -> bool {
        let is_inside = matches!(self.waiting(), Waiting::Answer | Waiting::Client);
        is_inside && self.ends_with_close()
    }

    /// Notes that the client may still send bytes of the request, though it is answered.
    pub(crate) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    pub(crate) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    fn set(&self, waiting: u8) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}
