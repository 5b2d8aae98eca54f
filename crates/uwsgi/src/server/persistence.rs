//! Whether a connection is kept after an answer, and what the answer's head says about it.

/// Whether a connection is kept. This is decided when the head leaves, because the head says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Persistence {
    /// The server keeps connections.
    is_enabled: bool,
    /// How many bytes of the request's body are unread; `None` where no other request may follow them.
    unread: Option<u64>,
    /// The head has said that the connection is kept.
    is_kept: bool,
}

impl Persistence {
    /// The largest number of unread bytes of a body that a server reads and drops to keep the connection. This costs less than
    /// another connection.
    pub(crate) const MOST_UNREAD: u64 = 64 << 10;

    /// Makes the state before the head leaves.
    pub(crate) const fn new(is_enabled: bool, unread: Option<u64>) -> Self {
        Self { is_enabled, unread, is_kept: false }
    }

    pub(crate) const fn unread(&mut self, bytes: Option<u64>) {
        self.unread = bytes;
    }

    /// Decides whether the connection is kept, because the head leaves now. `is_possible` says whether the answer allows it.
    pub(crate) const fn head_leaves(&mut self, is_possible: bool) {
        self.is_kept = self.is_enabled && is_possible && is_short_enough(self.unread);
    }

    pub(crate) const fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    pub(crate) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Returns the end of the head: a `Connection` line, if the server keeps connections, and the empty line.
    ///
    /// A server that keeps no connections does not write `Connection`. If it wrote `close`, uWSGI's router would pass that on
    /// to its own client and close that client's connection (plugins/http/keepalive.c, 2.0.31).
    pub(crate) const fn head_end(&self) -> &'static [u8] {
        match (self.is_enabled, self.is_kept) {
            (false, _) => b"\r\n",
            (true, false) => b"Connection: close\r\n\r\n",
            (true, true) => b"Connection: keep-alive\r\n\r\n",
        }
    }
}

/// Whether the unread rest of a body may be read and dropped.
pub(crate) const fn is_short_enough(unread: Option<u64>) -> bool {
    matches!(unread, Some(0..=Persistence::MOST_UNREAD))
}
