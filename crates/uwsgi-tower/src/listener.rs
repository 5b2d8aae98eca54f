//! What connections are accepted from.

use core::future::Future;
use core::net::SocketAddr;
#[cfg(unix)]
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(unix)]
use futures_util::FutureExt;
use http::Extensions;
#[cfg(unix)]
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

#[cfg(unix)]
use crate::accepted::accept_unix;
use crate::accepted::{Accepted, accept_tcp};

/// What connections are accepted from: TCP, Unix sockets, TLS, whatever can be read and written.
///
/// Three items make one; the others tell more of its connections where more is known.
///
/// ```
/// use core::net::SocketAddr;
/// use tokio::io::DuplexStream;
/// use tokio::sync::mpsc;
/// use uwsgi_tower::Listener;
///
/// /// Connections of this very process.
/// struct Inside(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for Inside {
///     type Io = DuplexStream;
///     type Addr = ();
///
///     async fn accept(&mut self) -> (DuplexStream, ()) {
///         match self.0.recv().await {
///             Some(io) => (io, ()),
///             None => core::future::pending().await, // nobody will come any more
///         }
///     }
///
///     fn peer(_: &()) -> Option<SocketAddr> {
///         None // the allow list has nobody to ask for
///     }
/// }
///
/// let app = axum::Router::new();
/// let (inside, listener) = mpsc::channel(8);
/// let server = uwsgi_tower::serve(Inside(listener), app.into_make_service());
/// # drop((inside, server));
/// ```
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// Where it comes from.
    type Addr: Send + 'static;

    /// The next connection. It does not fail: what goes wrong is logged, and tried again. It is dropped when a stop is asked
    /// for, and nothing may be lost then. Nor does it wait for the peer to say anything: that is what
    /// [`establish`](Self::establish) is for.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, Self::Addr)> + Send;

    /// The address of a peer, if it has one: what the allow list asks, and [`Peer`](crate::Peer) tells. Who has none is
    /// let in.
    fn peer(address: &Self::Addr) -> Option<SocketAddr>;

    /// Makes a connection that was accepted ready to be read and written: a handshake, if there is one, in the time
    /// that it may take. Peers that are not allowed have been refused before, and the connection is counted, so that a
    /// stop waits for it.
    ///
    /// # Errors
    ///
    /// There is no connection; it is logged.
    fn establish(io: Self::Io) -> impl Future<Output = io::Result<Self::Io>> + Send {
        core::future::ready(Ok(io))
    }

    /// Writes to a connection that was just accepted what can be written without waiting: why it is closed. It may be lost.
    fn say(io: &Self::Io, bytes: &[u8]) {
        let _ = (io, bytes);
    }

    /// Makes the close that follows a reset, so that the peer sees that what it has is not whole.
    fn abort(io: &Self::Io) {
        let _ = io;
    }

    /// Whether bytes can be read now, whatever the runtime knows; `None`, unless it is there, says that nobody can tell.
    ///
    /// Where there are certainly none behind a request that was read to its end, its connection closes at once. Where
    /// there are some when a stop is asked for, they are read first.
    fn has_bytes(io: &Self::Io) -> Option<bool> {
        let _ = io;
        None
    }

    /// Makes a connection ready to be polled by others than the server: in another task, on another thread, in no runtime at
    /// all. It is asked for where a service gets the connection itself, or a body that is still to come from it.
    ///
    /// # Errors
    ///
    /// There is no connection any more.
    fn settle(io: &mut Self::Io) -> io::Result<()> {
        let _ = io;
        Ok(())
    }

    /// What the peer has closed. It is asked once a second while a service, or the body of its response, has nothing
    /// yet; who has closed all of it waits for no answer, and both are dropped.
    fn closed(io: &Self::Io) -> Closed {
        let _ = io;
        Closed::Nothing
    }

    /// What every request of a connection has in its extensions.
    fn extensions(io: &Self::Io) -> Extensions {
        let _ = io;
        Extensions::new()
    }
}

/// What a peer has closed of its connection, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// All of it, or it was reset: nobody waits for an answer.
    All,
    /// Nothing, as far as anybody knows.
    Nothing,
    /// What it sends has an end. It may wait for the answer; over TCP it may as well have closed all of it, which
    /// cannot be told before something is written to it.
    Sending,
}

impl Listener for TcpListener {
    type Io = Accepted<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Accepted<TcpStream>, SocketAddr) {
        loop {
            if let Some(accepted) = accept_tcp(self) {
                return accepted;
            }
            match Self::accept(self).await {
                Ok((stream, address)) => {
                    // Small answers leave at once.
                    let _ = stream.set_nodelay(true);
                    return (stream.into(), address);
                }
                Err(error) => wait_after(error).await,
            }
        }
    }

    fn peer(address: &SocketAddr) -> Option<SocketAddr> {
        Some(*address)
    }

    fn abort(io: &Accepted<TcpStream>) {
        let _ = io.set_zero_linger();
    }

    #[cfg(unix)]
    fn say(io: &Accepted<TcpStream>, bytes: &[u8]) {
        say(io, bytes);
    }

    #[cfg(unix)]
    fn has_bytes(io: &Accepted<TcpStream>) -> Option<bool> {
        Some(look(io))
    }

    fn settle(io: &mut Accepted<TcpStream>) -> io::Result<()> {
        io.tell()
    }

    #[cfg(unix)]
    fn closed(io: &Accepted<TcpStream>) -> Closed {
        closed(io)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Io = Accepted<UnixStream>;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Accepted<UnixStream>, tokio::net::unix::SocketAddr) {
        loop {
            if let Some(accepted) = accept_unix(self) {
                return accepted;
            }
            // mio 1.2 panics over a peer whose path fills its place and has no end (unix(7) allows that): it is dropped, and
            // the others are served.
            match AssertUnwindSafe(Self::accept(self)).catch_unwind().await {
                Ok(Ok((stream, address))) => return (stream.into(), address),
                Ok(Err(error)) => wait_after(error).await,
                Err(_) => tracing::error!("a connection was dropped: the address of its peer cannot be read"),
            }
        }
    }

    /// A Unix socket's permissions have decided already.
    fn peer(_: &tokio::net::unix::SocketAddr) -> Option<SocketAddr> {
        None
    }

    fn say(io: &Accepted<UnixStream>, bytes: &[u8]) {
        say(io, bytes);
    }

    fn has_bytes(io: &Accepted<UnixStream>) -> Option<bool> {
        Some(look(io))
    }

    fn settle(io: &mut Accepted<UnixStream>) -> io::Result<()> {
        io.tell()
    }

    fn closed(io: &Accepted<UnixStream>) -> Closed {
        closed(io)
    }
}

/// Asks the kernel to write: the runtime knows of no connection that it can be written to before its next turn.
#[cfg(unix)]
fn say(io: &Accepted<impl AsFd>, bytes: &[u8]) {
    let Some(socket) = io.socket() else { return };
    // A close over what is unread would be a reset, and the bytes be lost.
    let _ = recv(socket, &mut [0; 4096], RecvFlags::DONTWAIT);
    let _ = send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Asks the kernel: what the runtime knows is as old as its last turn.
#[cfg(unix)]
fn look(io: &Accepted<impl AsFd>) -> bool {
    let Some(socket) = io.socket() else { return false };
    let looked = recv(socket, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    !matches!(looked, Ok((0, _)) | Err(Errno::AGAIN))
}

/// Asks the kernel: POSIX has POLLHUP for a connection of which no direction is left. Apple's systems say it too where
/// one is, so that nothing is said there.
#[cfg(unix)]
fn closed(io: &Accepted<impl AsFd>) -> Closed {
    let Some(socket) = io.socket() else { return Closed::All };
    let mut polled = [PollFd::new(&socket, ENDED)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if cfg!(target_vendor = "apple") || poll(&mut polled, Some(&now)).is_err() {
        return Closed::Nothing;
    }
    let seen = polled.iter().fold(PollFlags::empty(), |seen, socket| seen | socket.revents());
    if seen.intersects(PollFlags::HUP | PollFlags::ERR) {
        Closed::All
    } else if seen.intersects(ENDED) {
        Closed::Sending
    } else {
        Closed::Nothing
    }
}

/// That what the peer sends has an end, though there be bytes before it. Elsewhere nobody can tell without reading them.
#[cfg(all(target_os = "linux", not(any(target_arch = "sparc", target_arch = "sparc64"))))]
const ENDED: PollFlags = PollFlags::RDHUP;
#[cfg(all(unix, not(all(target_os = "linux", not(any(target_arch = "sparc", target_arch = "sparc64"))))))]
const ENDED: PollFlags = PollFlags::empty();

/// Whether nothing came on a connection, not even its end.
#[cfg(unix)]
pub(crate) fn is_silent(socket: &impl AsFd) -> bool {
    recv(socket, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_err_and(|error| error == Errno::AGAIN)
}

/// Nobody can tell.
#[cfg(not(unix))]
pub(crate) fn is_silent<T>(_: &T) -> bool {
    true
}

/// A connection that was gone before it was accepted is nothing; descriptors that have run out come back.
pub(crate) async fn wait_after(error: io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::error!("cannot accept connections: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
