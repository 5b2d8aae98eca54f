//! Whether a connection goes on after an answer, and what the answer's head says about it.

use crate::server::receive::Receive;

/// Whether the connection goes on: decided when the head leaves, since the head says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Persistence {
    /// Whether the server keeps connections.
    asked_for: bool,
    /// How many bytes of the request's body are unread; `None` where the next request cannot be found after it.
    unread: Option<u64>,
    /// What the head has said.
    goes_on: bool,
}

impl Persistence {
    /// The most bytes of a body that are read though nobody wants them, so that the connection goes on. They cost less than
    /// another connection.
    pub(crate) const MOST_UNREAD: u64 = 64 << 10;

    /// What can be said of it when the request was received.
    pub(crate) fn of(receive: &Receive) -> Self {
        Self { asked_for: receive.settings().keepalive.is_some(), unread: receive.unread_body(), goes_on: false }
    }

    pub(crate) const fn unread(&mut self, bytes: Option<u64>) {
        self.unread = bytes;
    }

    /// The head of the answer leaves now. `can_go_on` says whether the connection can go on after this answer.
    pub(crate) const fn head_leaves(&mut self, can_go_on: bool) {
        self.goes_on = self.asked_for && can_go_on && is_short_enough(self.unread);
    }

    pub(crate) const fn is_asked_for(&self) -> bool {
        self.asked_for
    }

    pub(crate) const fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// The last line of the head, and the empty line.
    ///
    /// A server that keeps no connections says nothing. uWSGI's router passes a `close` on to its own client, and gives up that
    /// client's connection (plugins/http/keepalive.c, 2.0.31).
    pub(crate) const fn head_end(&self) -> &'static [u8] {
        match (self.asked_for, self.goes_on) {
            (false, _) => b"\r\n",
            (true, false) => b"Connection: close\r\n\r\n",
            (true, true) => b"Connection: keep-alive\r\n\r\n",
        }
    }
}

/// Whether what is left of a body may be read and dropped.
pub(crate) const fn is_short_enough(unread: Option<u64>) -> bool {
    matches!(unread, Some(0..=Persistence::MOST_UNREAD))
}
