//! The part of an exchange that sends the request's body.

use crate::client::exchange::{Exchange, Phase};

impl Exchange {
    /// Returns how many of the next `len` bytes of the request's body may leave. No more than the declared length may leave,
    /// because a server could read the rest as a request. Once the answer is an error or a redirect, the result is 0.
    pub fn send(&mut self, len: usize) -> usize {
        self.begun = true;
        if !self.wants_body() {
            return 0;
        }
        let (take, left) = self.outgoing.take(len);
        self.outgoing = left;
        take
    }

    /// Returns how many bytes of the request's body have yet to be sent.
    #[must_use]
    pub const fn outgoing(&self) -> u64 {
        self.outgoing.left()
    }

    /// Whether more of the request's body should leave: a part of it has not left, and no answer refuses it.
    ///
    /// A client that sees the status of an error or a redirect while it is sending stops (RFC 9112 section 9.5). If it went on,
    /// the server could reset the connection, and the answer would be lost.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false).with_outgoing(1 << 30);
    /// assert_eq!(exchange.send(65536), 65536);
    /// exchange.answer(b"HTTP/1.1 413 Content Too Large\r\n\r\n", false);
    /// assert!(exchange.is_refused() && !exchange.wants_body());
    /// assert_eq!(exchange.send(65536), 0);
    /// ```
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        self.outgoing.left() > 0 && !self.refused
    }

    /// Whether the answer's status is that of an error or a redirect. Then the rest of the request need not leave, because the
    /// backend has decided without it (RFC 9112 section 9.5).
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the end of the stream is an error if it comes after the answer and before all of the request has left.
    ///
    /// After a 101 it is an error, because the connection cannot become a pipe. After any other answer it is not: a backend may
    /// shut down its writing side and still read the request.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"echo");
    /// exchange.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n", false);
    /// assert!(exchange.fails_at_end_of_stream());
    /// let mut exchange = Exchange::new(false).with_outgoing(4);
    /// exchange.answer(b"HTTP/1.1 204 No Content\r\n\r\n", false);
    /// assert!(!exchange.fails_at_end_of_stream());
    /// ```
    #[must_use]
    pub const fn fails_at_end_of_stream(&self) -> bool {
        matches!(self.phase, Phase::Upgraded)
    }
}
