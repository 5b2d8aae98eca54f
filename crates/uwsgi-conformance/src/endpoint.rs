//! The server against which a case is played, and the sender's end of a connection to it.

use alloc::boxed::Box;
use core::fmt;
use std::io;

use crate::case::Case;

/// A server against which cases are played.
pub trait Endpoint {
    /// Connects to a server with the settings and in the state that the case needs.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::Unsupported`]: the server does not have what the case needs, or the sender cannot do it. The case is
    ///   not played.
    /// - [`io::ErrorKind::TimedOut`]: the server does not accept the connection in time. The server counts as one that hangs.
    /// - Anything else: the server accepts no connections.
    fn connect(&self, case: &Case) -> io::Result<Box<dyn Peer + '_>>;
}

/// The sender's end of a connection. Its methods do not fail: a server that takes no more bytes is a result too, and shows in
/// what the sender receives.
pub trait Peer {
    /// Sends bytes, as many as the server takes.
    fn send(&mut self, bytes: &[u8]);

    /// Waits this many milliseconds.
    fn wait(&mut self, millis: u64);

    /// Reads until `enough` returns true for all bytes received, or until nothing more can come.
    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool);

    /// Closes the sending direction.
    fn shutdown_write(&mut self);

    /// Closes both directions.
    fn close(&mut self);

    /// Resets the connection.
    fn reset(&mut self);

    /// Reads until the connection has ended, or until the time limit of the peer. Once `enough` returns true, the peer waits
    /// only to see whether the server closes.
    fn finish(self: Box<Self>, enough: &mut dyn FnMut(&[u8]) -> bool) -> Received;
}

/// What a peer has received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "other crates implement Peer")]
pub struct Received {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// How the connection ended.
    pub end: End,
    /// How many milliseconds passed between the last byte, or the start, and the end.
    pub silence: u64,
    /// How many milliseconds passed between the start and the end.
    pub took: u64,
}

/// How a connection ended, as its sender saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "other crates implement Peer")]
pub enum End {
    /// The server closed it, or its sending direction.
    Closed,
    /// The sender closed or reset it first.
    Gone,
    /// It was still open when the sender stopped waiting.
    Open,
    /// The server reset it.
    Reset,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Gone => "the sender left",
            Self::Open => "still open",
            Self::Reset => "reset",
        })
    }
}
