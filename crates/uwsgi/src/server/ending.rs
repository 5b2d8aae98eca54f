//! What comes behind an answer: another request, or the end of the connection.

use crate::server::receive::Receive;
use crate::server::respond::Respond;
use crate::server::settings::Settings;
use crate::server::time::Time;

/// What to do with a connection whose answer is written.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
#[allow(clippy::large_enum_variant, reason = "there is no allocator to box it with, and it is looked at once")]
pub enum Ending {
    /// Reset the connection (`SO_LINGER` 0): the front end must see that the answer is not whole.
    Abort,
    /// Shut down writing, read and drop what [`Drain`] says, then close. Closing over unread bytes would make the kernel
    /// reset the connection, and the front end lose the answer. Where [nothing is expected](Drain::expects_nothing) and a
    /// read finds nothing, close at once.
    HalfClose(Drain),
    /// The connection goes on: bytes that were read and not used are those of the next packet, or of the body's rest, which
    /// [`Receive::head`] has passed over.
    Next(Receive),
}

impl Ending {
    /// Joins the two halves when the answer is finished or has failed. The answer to an earlier request of the connection ends it
    /// with [`Abort`](Self::Abort): the request that was received last has no answer.
    #[must_use]
    pub fn of(receive: Receive, respond: &Respond, now: Time) -> Self {
        if respond.is_aborted() || !respond.belongs_to(&receive) {
            Self::Abort
        } else if respond.allows_another() && receive.allows_another() {
            Self::Next(receive.another(now))
        } else {
            // Where connections are kept, the next request may be on its way: to close over it would reset the connection
            // (RFC 9112, section 9.6).
            let expects_nothing = receive.has_read_all() && receive.settings().keepalive.is_none();
            Self::HalfClose(Drain { expects_nothing, ..Drain::new(receive.settings(), now) })
        }
    }
}

/// How much longer a connection is read from, once its answer is written; also behind a refusal and a pong.
///
/// ```
/// use uwsgi::server::{Drain, DrainStep, Settings, Time};
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
#[allow(clippy::exhaustive_enums, reason = "it is read from, or it is not")]
pub enum DrainStep {
    /// Close it.
    Close,
    /// Read and drop so many bytes at most.
    Need(usize),
}

impl Drain {
    /// Drains from now on.
    #[must_use]
    pub fn new(settings: &Settings, now: Time) -> Self {
        Self { left: settings.drain_bytes, until: now.after(settings.drain_time), expects_nothing: false }
    }

    /// Whether the request was read to its end and no other may be on its way, so that only a peer that sends more than it
    /// announced has anything to be drained. If none was read behind it, and a read that does not wait finds none, then close at
    /// once: to wait for the peer's own close costs more than all the rest of a small request.
    #[must_use]
    pub const fn expects_nothing(&self) -> bool {
        self.expects_nothing
    }

    /// So many bytes were dropped since the last step; `eof` says that no more will come. A close stays one.
    pub fn step(&mut self, dropped: usize, eof: bool, now: Time) -> DrainStep {
        self.left = self.left.saturating_sub(u32::try_from(dropped).unwrap_or(u32::MAX));
        if eof || self.left == 0 || now >= self.until {
            self.left = 0;
            DrainStep::Close
        } else {
            DrainStep::Need(usize::try_from(self.left).unwrap_or(usize::MAX))
        }
    }

    /// When to close though the peer has not.
    #[must_use]
    pub const fn deadline(&self) -> Time {
        self.until
    }
}
