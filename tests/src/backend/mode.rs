//! What a scripted backend does with its connections.

use std::borrow::Cow;

/// What a [`ScriptedBackend`](super::ScriptedBackend) does with each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Answers each request with 200. The path says what the body is: `/bytes/N` has N bytes, `/read` the length of the request's
    /// body, every other path `hello`.
    Healthy,
    /// Closes the connection, and reads nothing.
    CloseAtOnce,
    /// Reads the request, sends these bytes, and then does this.
    Send(Cow<'static, [u8]>, Then),
}

/// What a scripted backend does after it has sent its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Close,
    Reset,
    /// Closes when [`GoingOn::go_on`](super::GoingOn::go_on) was called with the path of the request. The
    /// receiver has read all bytes by then.
    CloseLater,
    /// Resets the connection when that was called. A reset earlier could destroy bytes that the receiver has not read.
    ResetLater,
    /// Sends nothing more, until the peer closes.
    Hang,
    /// Sends one byte each 20 ms, until the peer closes.
    Drip,
}

impl Mode {
    /// Sends nothing, and then does this.
    pub const fn nothing(then: Then) -> Self {
        Self::Send(Cow::Borrowed(b""), then)
    }

    /// Sends these bytes, and then does this.
    pub fn send(bytes: impl Into<Cow<'static, [u8]>>, then: Then) -> Self {
        Self::Send(bytes.into(), then)
    }
}
