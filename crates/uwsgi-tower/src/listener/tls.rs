//! TLS over the connections of a listener.

use core::fmt;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use http::Extensions;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

use crate::listener::{Closed, Listener};

/// A listener whose connections use TLS. nginx connects to it with `uwsgi_pass suwsgi://`.
///
/// The server refuses a peer that is not allowed before the handshake. The handshake runs in the task of the connection, and
/// may take 10 seconds by default. Meanwhile the server counts the connection. Each request has the client's certificates in
/// the extension [`TlsPeer`]. The configuration says whether a client must send a certificate.
///
/// `rustls` needs a crypto provider, and `ServerConfig::builder()` panics without one: add `rustls` to your dependencies with
/// its feature `ring` or `aws_lc_rs`, or give a provider to `ServerConfig::builder_with_provider`. This crate chooses no
/// provider. It re-exports [`rustls`](crate::rustls), so that your program can use the same version.
///
/// ```no_run
/// use std::sync::Arc;
/// use axum::{Router, routing::get};
/// use tokio::net::TcpListener;
/// use uwsgi_tower::TlsListener;
/// use uwsgi_tower::rustls::ServerConfig;
/// use uwsgi_tower::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let certificates = CertificateDer::pem_file_iter("server.pem")?.collect::<Result<_, _>>()?;
/// let config = ServerConfig::builder()
///     .with_no_client_auth()
///     .with_single_cert(certificates, PrivateKeyDer::from_pem_file("server.key")?)?;
/// let listener = TlsListener::new(TcpListener::bind("127.0.0.1:3031").await?, Arc::new(config));
/// let app = Router::new().route("/", get(|| async { "hello" }));
/// uwsgi_tower::serve(listener, app).await?;
/// # Ok(())
/// # }
/// ```
pub struct TlsListener<L> {
    listener: L,
    acceptor: TlsAcceptor,
    handshake_timeout: Duration,
}

impl<L: Listener> TlsListener<L> {
    /// Makes a listener that accepts TLS over the connections of another listener.
    #[must_use]
    pub fn new(listener: L, config: Arc<ServerConfig>) -> Self {
        Self { listener, acceptor: config.into(), handshake_timeout: Duration::from_secs(10) }
    }

    /// Sets the longest time for a handshake; 10 seconds by default.
    #[must_use]
    pub fn with_handshake_timeout(self, timeout: Duration) -> Self {
        Self { handshake_timeout: timeout, ..self }
    }
}

impl<L> fmt::Debug for TlsListener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("handshake_timeout", &self.handshake_timeout).finish_non_exhaustive()
    }
}

impl<L: Listener> Listener for TlsListener<L> {
    type Io = TlsConnection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, address) = self.listener.accept().await;
        let (acceptor, handshake_timeout) = (self.acceptor.clone(), self.handshake_timeout);
        (TlsConnection(State::Accepted { io, acceptor, handshake_timeout }), address)
    }

    async fn establish(io: Self::Io) -> io::Result<Self::Io> {
        let State::Accepted { io, acceptor, handshake_timeout } = io.0 else { return Ok(io) };
        let handshake = async { acceptor.accept(L::establish(io).await?).await };
        match timeout(handshake_timeout, handshake).await {
            Ok(stream) => Ok(TlsConnection(State::Established(Box::new(stream?)))),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it was not finished in time")),
        }
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }

    fn peer(address: &L::Addr) -> Option<SocketAddr> {
        L::peer(address)
    }

    fn abort(io: &Self::Io) {
        L::abort(io.get_ref());
    }

    /// Returns `Some(true)` or `None`. If the socket has no bytes, decrypted bytes may still be there. `Some(false)` would also
    /// make the server close without TLS's `close_notify`, which looks like an attack.
    fn has_bytes(io: &Self::Io) -> Option<bool> {
        L::has_bytes(io.get_ref()).filter(|has| *has)
    }

    fn settle(io: &mut Self::Io) -> io::Result<()> {
        L::settle(match &mut io.0 {
            State::Accepted { io, .. } => io,
            State::Established(stream) => stream.get_mut().0,
        })
    }

    fn closed(io: &Self::Io) -> Closed {
        L::closed(io.get_ref())
    }

    fn extensions(io: &Self::Io) -> Extensions {
        let mut extensions = L::extensions(io.get_ref());
        if let State::Established(stream) = &io.0 {
            let session = stream.get_ref().1;
            let certificates = session.peer_certificates().unwrap_or_default();
            extensions.insert(TlsPeer {
                certificates: certificates.iter().map(|certificate| certificate.clone().into_owned()).collect(),
                server_name: session.server_name().map(ToString::to_string),
            });
        }
        extensions
    }
}

/// A connection that uses TLS, once it is [established](Listener::establish).
pub struct TlsConnection<IO>(State<IO>);

enum State<IO> {
    Accepted { io: IO, acceptor: TlsAcceptor, handshake_timeout: Duration },
    Established(Box<TlsStream<IO>>),
}

impl<IO> TlsConnection<IO> {
    /// Returns the connection that TLS runs over.
    #[must_use]
    pub fn get_ref(&self) -> &IO {
        match &self.0 {
            State::Accepted { io, .. } => io,
            State::Established(stream) => stream.get_ref().0,
        }
    }

    /// Returns the TLS stream. Fails before the handshake.
    fn stream(self: Pin<&mut Self>) -> io::Result<Pin<&mut TlsStream<IO>>>
    where
        IO: Unpin,
    {
        match &mut self.get_mut().0 {
            State::Accepted { .. } => Err(io::Error::new(io::ErrorKind::NotConnected, "there was no handshake")),
            State::Established(stream) => Ok(Pin::new(stream)),
        }
    }
}

impl<IO> fmt::Debug for TlsConnection<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let established = matches!(self.0, State::Established(_));
        f.debug_struct("TlsConnection").field("established", &established).finish_non_exhaustive()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsConnection<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsConnection<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        matches!(&self.0, State::Established(stream) if stream.is_write_vectored())
    }
}

/// The certificates that a TLS client has sent, and the server name that it asked for, in an extension of its requests.
#[derive(Debug, Clone)]
pub struct TlsPeer {
    certificates: Arc<[CertificateDer<'static>]>,
    server_name: Option<String>,
}

impl TlsPeer {
    /// Returns the client's certificate and the chain above it; empty if the client sent none.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Returns the server name that the client asked for (SNI).
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }
}
