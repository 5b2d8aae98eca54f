//! The sources of connections.

pub(crate) mod accepted;
mod socket_state;
mod sockets;
pub(crate) mod tap;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(target_os = "linux")]
mod unregistered;
#[cfg(not(target_os = "linux"))]
#[path = "unregistered_unsupported.rs"]
mod unregistered;

use core::any::Any;
use core::future::Future;
use core::net::SocketAddr;
use std::io;

use http::Extensions;
use tokio::io::{AsyncRead, AsyncWrite};

/// A source of connections: TCP, Unix sockets, TLS, or anything else that can be read and written.
///
/// Two types and two functions are required, as in axum's trait of the same name. The other functions tell the server more about
/// its connections.
///
/// ```
/// use tokio::io::DuplexStream;
/// use tokio::sync::mpsc;
/// use uwsgi_tower::Listener;
///
/// /// Accepts connections of the same process.
/// struct InProcess(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for InProcess {
///     type Io = DuplexStream;
///     type Addr = ();
///
///     async fn accept(&mut self) -> (DuplexStream, ()) {
///         match self.0.recv().await {
///             Some(io) => (io, ()),
///             None => core::future::pending().await, // no connection can come any more
///         }
///     }
///
///     fn local_addr(&self) -> std::io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let app = axum::Router::new();
/// let (sender, receiver) = mpsc::channel(8);
/// let server = uwsgi_tower::serve(InProcess(receiver), app);
/// # drop((sender, server));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a listener of `uwsgi-tower`",
    label = "not a `uwsgi_tower::Listener`",
    note = "listeners are `tokio::net::TcpListener`, `tokio::net::UnixListener`, and with the feature `tls` \
            `uwsgi_tower::TlsListener`",
    note = "a listener of `std` becomes one of tokio: `listener.set_nonblocking(true)?; \
            tokio::net::TcpListener::from_std(listener)?`"
)]
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// The address of a peer.
    type Addr: Send + 'static;

    /// Accepts the next connection.
    ///
    /// It does not fail: it logs an error and tries again. When the server stops, it drops the future. No connection may be
    /// lost by that. It does not wait for bytes of the peer: [`establish`](Self::establish) does that.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, Self::Addr)> + Send;

    /// Returns the address that this listener is bound to.
    ///
    /// # Errors
    ///
    /// The system does not tell it.
    fn local_addr(&self) -> io::Result<Self::Addr>;

    /// Returns the IP address and port of a peer, for the allow list and [`Peer`](crate::Peer). A peer without an address is
    /// always allowed.
    ///
    /// By default this is the address itself if it is a [`SocketAddr`], else `None`. Write this function if your type of an
    /// address holds a `SocketAddr`: without it the allow list does not apply.
    fn peer(address: &Self::Addr) -> Option<SocketAddr> {
        let address: &dyn Any = address;
        address.downcast_ref().copied()
    }

    /// Prepares an accepted connection for reading and writing. For TLS it makes the handshake, within a timeout.
    ///
    /// The server has already refused peers that are not allowed. It counts the connection, and a stop waits for it.
    ///
    /// # Errors
    ///
    /// The connection is unusable. The server logs the error.
    fn establish(io: Self::Io) -> impl Future<Output = io::Result<Self::Io>> + Send {
        core::future::ready(Ok(io))
    }

    /// Writes a refusal, without waiting, to a connection that was just accepted and is closed next. The bytes may be lost. By
    /// default it writes nothing.
    fn write_refusal(io: &Self::Io, bytes: &[u8]) {
        let _ = (io, bytes);
    }

    /// Sets that the close of the connection, which follows, is a reset. So the peer sees that the response is not whole. By
    /// default it changes nothing.
    fn abort(io: &Self::Io) {
        let _ = io;
    }

    /// Returns whether bytes can be read now, even if the runtime has not reported them yet; `None`, the default, if that
    /// cannot be known.
    ///
    /// If a request was read to its end and there are certainly no more bytes, the server closes the connection at once after
    /// the response, unless it keeps connections. If there are bytes when a stop is asked for, the server reads them first.
    fn has_bytes(io: &Self::Io) -> Option<bool> {
        let _ = io;
        None
    }

    /// Prepares a connection to be polled outside the server: in another task, on another thread, or without any runtime. The
    /// server calls it before a service gets an upgraded connection, or a body that has not arrived yet. By default it does
    /// nothing.
    ///
    /// # Errors
    ///
    /// The connection is unusable.
    fn settle(io: &mut Self::Io) -> io::Result<()> {
        let _ = io;
        Ok(())
    }

    /// Returns what the peer has closed; [`Closed::Nothing`] by default.
    ///
    /// The server asks once a second while a service, or the body of its response, has nothing yet. If the peer has closed all
    /// of the connection, no response is needed, and the server drops the service's future or the body.
    fn closed(io: &Self::Io) -> Closed {
        let _ = io;
        Closed::Nothing
    }

    /// Returns the extensions for every request of a connection; empty by default.
    fn extensions(io: &Self::Io) -> Extensions {
        let _ = io;
        Extensions::new()
    }
}

/// The directions of its connection that a peer has closed, as far as this is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// The peer has closed or reset the whole connection, and needs no response.
    All,
    /// No close is known.
    Nothing,
    /// The peer sends nothing more. It may wait for the response. Over TCP it may also have closed the whole connection: the
    /// server learns that only when it writes something.
    Sending,
}
