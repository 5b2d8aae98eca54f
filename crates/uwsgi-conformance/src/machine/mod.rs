//! The state machines of [`uwsgi::server`] as an endpoint in memory. Its clock is simulated, so that no case waits.

mod connection;
mod request;

use alloc::boxed::Box;
use core::time::Duration;
use std::io;

use uwsgi::Time;

use crate::case::Case;
use crate::endpoint::{End, Endpoint, Peer, Received};
use crate::play::{Split, observe};

pub use connection::{Connection, State};

/// An [`Endpoint`] in memory, with the settings that each case needs.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::exhaustive_structs, reason = "it has no settings: the case has them")]
pub struct Machine;

impl Endpoint for Machine {
    fn connect(&self, case: &Case) -> io::Result<Box<dyn Peer + '_>> {
        let connection = Connection::new(case, Time::ZERO);
        let mut peer = MemoryPeer { connection, now: Time::ZERO, received: Vec::new(), last: Time::ZERO, ended: None };
        peer.pump();
        Ok(Box::new(peer))
    }
}

/// Returns how long a case takes on a real clock, as far as its settings and its sender decide.
///
/// ```
/// use core::time::Duration;
/// use uwsgi_conformance::{all, machine};
///
/// let takes = |name| machine::takes(all().find(|case| case.name == name).unwrap());
/// assert_eq!(takes("ok-get"), Duration::ZERO);
/// assert_eq!(takes("connect-wait"), Duration::from_secs(10));
/// ```
#[must_use]
pub fn takes(case: &Case) -> Duration {
    // Connecting to a machine cannot fail.
    observe(case, &Machine, Split::Whole).map_or(Duration::ZERO, |outcome| Duration::from_millis(outcome.took))
}

/// The sender's end in memory. After its own close it still sees what the server does, unlike a sender on a socket.
#[derive(Debug)]
struct MemoryPeer {
    connection: Connection,
    now: Time,
    received: Vec<u8>,
    /// When the last bytes came.
    last: Time,
    ended: Option<(End, Time)>,
}

/// The longest wait. A connection that is still open after it counts as open for ever.
const FOREVER: Duration = Duration::from_secs(3600);

impl MemoryPeer {
    /// Polls the server's connection, and takes the bytes that the server writes.
    fn pump(&mut self) {
        self.connection.poll(self.now);
        let output = self.connection.take_output();
        if !output.is_empty() {
            self.received.extend_from_slice(&output);
            self.last = self.now;
        }
        let end = match self.connection.state() {
            State::Aborted => End::Reset,
            State::Closed | State::HalfClosed => End::Closed,
            State::Gone => End::Gone,
            State::Open => return,
        };
        self.ended.get_or_insert((end, self.now));
    }

    /// Moves the clock to the next deadline that is not after `to`. Returns whether there was one.
    fn advance(&mut self, to: Time) -> bool {
        let deadline = self.connection.deadline().filter(|deadline| *deadline <= to);
        if let Some(deadline) = deadline {
            self.now = deadline;
            self.pump();
        }
        deadline.is_some()
    }
}

impl Peer for MemoryPeer {
    fn send(&mut self, bytes: &[u8]) {
        self.connection.received(bytes);
        self.pump();
    }

    fn wait(&mut self, millis: u64) {
        let to = self.now.after(Duration::from_millis(millis));
        while self.advance(to) {}
        self.now = to;
        self.pump();
    }

    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool) {
        let to = self.now.after(FOREVER);
        while self.ended.is_none() && !enough(&self.received) && self.advance(to) {}
    }

    fn shutdown_write(&mut self) {
        self.connection.ended();
        self.pump();
    }

    fn close(&mut self) {
        self.shutdown_write();
    }

    fn reset(&mut self) {
        self.connection.was_reset();
        self.pump();
        self.ended = Some((End::Gone, self.now));
    }

    fn finish(mut self: Box<Self>, _enough: &mut dyn FnMut(&[u8]) -> bool) -> Received {
        let to = self.now.after(FOREVER);
        while self.advance(to) {}
        let still_open = matches!(self.connection.state(), State::Open | State::HalfClosed);
        let (end, at) = self.ended.filter(|_| !still_open).unwrap_or((End::Open, self.now));
        let millis = |since: Duration| u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let (silence, took) = (millis(at.since(self.last)), millis(at.since(Time::ZERO)));
        Received { bytes: self.received, end, silence, took }
    }
}
