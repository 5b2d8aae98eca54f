//! TCP and Unix sockets as listeners.

use core::net::SocketAddr;
#[cfg(unix)]
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io;

#[cfg(unix)]
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

#[cfg(unix)]
use crate::listener::Closed;
use crate::listener::Listener;
use crate::listener::accepted::Accepted;
#[cfg(unix)]
use crate::listener::socket_state;

impl Listener for TcpListener {
    type Io = Accepted<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Accepted<TcpStream>, SocketAddr) {
        loop {
            if let Some(accepted) = Accepted::accept_tcp(self) {
                return accepted;
            }
            match Self::accept(self).await {
                Ok((stream, address)) => {
                    // Turns Nagle's algorithm off, so that small responses leave at once.
                    let _ = stream.set_nodelay(true);
                    return (stream.into(), address);
                }
                Err(error) => handle_accept_error(error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn abort(io: &Accepted<TcpStream>) {
        let _ = io.set_zero_linger();
    }

    #[cfg(unix)]
    fn write_refusal(io: &Accepted<TcpStream>, bytes: &[u8]) {
        if let Ok(socket) = io.socket() {
            socket_state::write_now(socket, bytes);
        }
    }

    #[cfg(unix)]
    fn has_bytes(io: &Accepted<TcpStream>) -> Option<bool> {
        Some(io.socket().is_ok_and(socket_state::is_readable))
    }

    fn settle(io: &mut Accepted<TcpStream>) -> io::Result<()> {
        io.register()
    }

    #[cfg(unix)]
    fn closed(io: &Accepted<TcpStream>) -> Closed {
        io.socket().map_or(Closed::All, socket_state::closed)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Io = Accepted<UnixStream>;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Accepted<UnixStream>, tokio::net::unix::SocketAddr) {
        loop {
            if let Some(accepted) = Accepted::accept_unix(self) {
                return accepted;
            }
            // mio 1.2 panics if the path of a peer fills the whole address and has no NUL at its end, which unix(7) allows.
            // That connection is dropped, and the others are served.
            match AssertUnwindSafe(Self::accept(self)).catch_unwind().await {
                Ok(Ok((stream, address))) => return (stream.into(), address),
                Ok(Err(error)) => handle_accept_error(error).await,
                Err(_) => tracing::error!("a connection was dropped: the address of its peer cannot be read"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<tokio::net::unix::SocketAddr> {
        Self::local_addr(self)
    }

    /// The permissions of the socket's file decide who may connect.
    fn peer(_: &tokio::net::unix::SocketAddr) -> Option<SocketAddr> {
        None
    }

    fn write_refusal(io: &Accepted<UnixStream>, bytes: &[u8]) {
        if let Ok(socket) = io.socket() {
            socket_state::write_now(socket, bytes);
        }
    }

    fn has_bytes(io: &Accepted<UnixStream>) -> Option<bool> {
        Some(io.socket().is_ok_and(socket_state::is_readable))
    }

    fn settle(io: &mut Accepted<UnixStream>) -> io::Result<()> {
        io.register()
    }

    fn closed(io: &Accepted<UnixStream>) -> Closed {
        io.socket().map_or(Closed::All, socket_state::closed)
    }
}

/// Logs an error of accept, and waits before the next try: descriptors may be free again then. A connection that its peer has
/// closed before it was accepted is not an error.
async fn handle_accept_error(error: io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::error!("cannot accept connections: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
