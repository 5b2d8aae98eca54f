//! What follows an answer: another request, or the end of the connection.

use crate::server::receive::Receive;
use crate::server::respond::Respond;
use crate::server::settings::Settings;
use crate::time::Time;

/// What to do with a connection after its answer.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
#[allow(clippy::large_enum_variant, reason = "there is no allocator for a box, and the value lives for a moment")]
pub enum Ending {
    /// Reset the connection (`SO_LINGER` 0): the front end must see that the answer is not complete.
    Abort,
    /// Shut down writing, read and drop what [`Drain`] says, then close. If the server closed while bytes are unread, the
    /// kernel would reset the connection, and the front end would lose the answer. If [no bytes are
    /// expected](Drain::expects_nothing) and a read finds no bytes, close at once.
    HalfClose(Drain),
    /// Keep the connection. Bytes that were read and not used belong to the next packet, or to the rest of the body, which
    /// [`Receive::head`] tells the driver to skip.
    Next(Receive),
}

impl Ending {
    /// Decides once the answer is finished or has failed. If `respond` answers an earlier request of the connection, the result
    /// is [`Abort`](Self::Abort), because the request that was received last has no answer.
    #[must_use]
    pub fn of(receive: Receive, respond: &Respond, now: Time) -> Self {
        if respond.is_aborted() || !respond.belongs_to(&receive) {
            Self::Abort
        } else if respond.allows_another() && receive.allows_another() {
            Self::Next(receive.another(now))
        } else {
            // If the server keeps connections, the next request may be on its way, and a close would then reset the connection
            // (RFC 9112, section 9.6).
            let expects_nothing = receive.has_read_all() && receive.settings().keepalive.is_none();
            Self::HalfClose(Drain { expects_nothing, ..Drain::new(receive.settings(), now) })
        }
    }
}

/// The end of a connection after an answer, a refusal or a pong: how long the server still reads, and how many bytes it drops.
///
/// ```
/// use uwsgi::server::{Drain, DrainStep, Settings};
/// use uwsgi::Time;
///
/// let mut drain = Drain::new(&Settings::default(), Time::ZERO);
/// assert_eq!(drain.step(0, false, Time::ZERO), DrainStep::Need(1 << 30));
/// assert_eq!(drain.step(1 << 30, false, Time::ZERO), DrainStep::Close);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    left: u32,
    until: Time,
    expects_nothing: bool,
}

/// What to do with a connection that is being drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum DrainStep {
    /// Close it.
    Close,
    /// Read and drop at most this many bytes.
    Need(usize),
}

impl Drain {
    /// Begins to drain.
    #[must_use]
    pub fn new(settings: &Settings, now: Time) -> Self {
        Self { left: settings.drain_bytes, until: now.after(settings.drain_time), expects_nothing: false }
    }

    /// Whether the request was read to its end and no other request may be on its way. Then only a peer that sends more than it
    /// declared has bytes to drain. If no byte was read after the request, and a read that does not wait finds no byte, close
    /// at once: a wait for the peer's close would take longer than all the rest of a small request.
    #[must_use]
    pub const fn expects_nothing(&self) -> bool {
        self.expects_nothing
    }

    /// Counts the bytes that were dropped since the last step, and decides. `eof` says that no more bytes will come. After
    /// [`Close`](DrainStep::Close) every later step is `Close` too.
    pub fn step(&mut self, dropped: usize, eof: bool, now: Time) -> DrainStep {
        self.left = self.left.saturating_sub(u32::try_from(dropped).unwrap_or(u32::MAX));
        if eof || self.left == 0 || now >= self.until {
            self.left = 0;
            DrainStep::Close
        } else {
            DrainStep::Need(usize::try_from(self.left).unwrap_or(usize::MAX))
        }
    }

    /// Returns when to close even if the peer has not closed.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.until
    }
}
