//! Asks a backend whether it is alive.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io;

use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use uwsgi::client::{MessageStep, message_answer};
use uwsgi::message::{MessageError, Ping, Pong};
use uwsgi::{Address, AddressError, write_source};
use uwsgi::{EncodeError, Packet};

use crate::client::connect::connect;
use crate::client::error::ClientError;
use crate::client::lookup::Lookup;

/// Asks the backend at an address whether it is alive, and waits for its answer, all within a timeout. Returns the warning in
/// the answer, which is empty if all is well.
///
/// uWSGI answers if it has its plugin `ping`, and the servers of this project always do. A backend that takes only web requests
/// answers with a status of HTTP: it is alive, but the error is [`PingError::Http`].
///
/// ```
/// use core::time::Duration;
/// use axum::Router;
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = uwsgi_tower::serve(TcpListener::bind("127.0.0.1:0").await?, Router::new());
/// let address = server.local_addr()?.to_string();
/// tokio::spawn(server.into_future());
/// assert_eq!(uwsgi_tower::ping(&address, Duration::from_secs(5)).await?, "");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`PingError`]: what came instead.
///
/// # Panics
///
/// It panics in a runtime without timers, or without I/O: build the runtime with `enable_all`.
pub async fn ping(address: &str, limit: Duration) -> Result<Bytes, PingError> {
    Address::parse(address).and_then(Address::to_connect).map_err(PingError::Address)?;
    timeout(limit, ask(address, limit)).await.unwrap_or(Err(PingError::Timeout))
}

async fn ask(address: &str, limit: Duration) -> Result<Bytes, PingError> {
    let mut packet = Vec::new();
    Ping.encode(&mut packet).map_err(PingError::Encode)?;
    let mut io = connect(address, &Lookup::new(), None, limit).await.map_err(|error| match error {
        error if error.is_timeout() => PingError::Timeout,
        error => PingError::Connect(error),
    })?;
    // The backend may have answered before it closed the connection, so a failed write is not the reason.
    let sent = io.write_all(&packet).await;
    let mut answer = BytesMut::new();
    let mut is_over = false;
    loop {
        match message_answer(&answer, is_over) {
            MessageStep::Packet { end } => {
                let answer = answer.split_to(end).freeze();
                let (packet, _) = Packet::decode(&answer).map_err(|error| PingError::Answer(error.into()))?;
                let Pong { warning } = Pong::decode(&packet).map_err(PingError::Answer)?;
                return Ok(answer.slice_ref(warning));
            }
            MessageStep::Http { status } => return Err(PingError::Http { status }),
            MessageStep::NoAnswer => return Err(sent.map_or_else(PingError::Io, |()| PingError::NoAnswer)),
            MessageStep::Malformed(error) => return Err(PingError::Answer(MessageError::Decode(error))),
            MessageStep::Need(_) => is_over = io.read_buf(&mut answer).await.map_err(PingError::Io)? == 0,
        }
    }
}

/// Why a [`ping`](crate::ping()) got no pong.
#[derive(Debug)]
#[non_exhaustive]
pub enum PingError {
    /// The text is not an address to connect to.
    Address(AddressError),
    /// A packet came that is not a pong.
    Answer(MessageError),
    /// There is no connection.
    Connect(ClientError),
    /// The ping cannot be encoded.
    Encode(EncodeError),
    /// A response of HTTP came. Servers that take only web requests answer in this way.
    Http {
        /// Its status.
        status: u16,
    },
    /// The connection broke.
    Io(io::Error),
    /// The backend closed the connection without an answer. uWSGI does so without its plugin `ping`.
    NoAnswer,
    /// There was no whole answer in time.
    Timeout,
}

/// `{}` does not print the [source](Error::source); `{:#}` prints it too.
impl fmt::Display for PingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => return error.fmt(f),
            Self::Connect(error) => return error.fmt(f),
            Self::Answer(_) => f.write_str("the answer to the ping is not a pong")?,
            Self::Encode(_) => f.write_str("the ping cannot be encoded")?,
            Self::Http { status } => {
                write!(f, "the answer to the ping is a response of HTTP with status {status}")?;
            }
            Self::Io(_) => f.write_str("the connection to the backend broke")?,
            Self::NoAnswer => f.write_str("the backend closed without an answer: does it have the plugin ping?")?,
            Self::Timeout => f.write_str("the backend did not answer the ping in time")?,
        }
        write_source(self, f)
    }
}

impl Error for PingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // These print the error inside as their own text, so its source is theirs.
            Self::Address(error) => error.source(),
            Self::Connect(error) => error.source(),
            Self::Answer(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Http { .. } | Self::NoAnswer | Self::Timeout => None,
        }
    }
}
