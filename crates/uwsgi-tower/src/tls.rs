//! TLS in front of a listener.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use http::Extensions;
use tokio::select;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;

use crate::listener::Listener;

/// A listener whose connections speak TLS: what nginx calls `uwsgi_pass suwsgi://`.
///
/// Handshakes go on beside each other while connections are accepted; one that takes more than 10 seconds is given up. What a
/// client showed of itself is in each request as [`TlsPeer`], and whether a client must show a certificate is for the
/// configuration to say.
///
/// ```no_run
/// use std::sync::Arc;
/// use axum::{Router, routing::get};
/// use tokio::net::TcpListener;
/// use tokio_rustls::rustls::ServerConfig;
/// use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
/// use uwsgi_tower::TlsListener;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let certificates = CertificateDer::pem_file_iter("server.pem")?.collect::<Result<_, _>>()?;
/// let config = ServerConfig::builder()
///     .with_no_client_auth()
///     .with_single_cert(certificates, PrivateKeyDer::from_pem_file("server.key")?)?;
/// let listener = TlsListener::new(TcpListener::bind("127.0.0.1:3031").await?, Arc::new(config));
/// let app = Router::new().route("/", get(|| async { "hello" }));
/// uwsgi_tower::serve(listener, app.into_make_service()).await?;
/// # Ok(())
/// # }
/// ```
pub struct TlsListener<L: Listener> {
    listener: L,
    acceptor: TlsAcceptor,
    patience: Duration,
    most: usize,
    #[allow(clippy::type_complexity, reason = "a connection, or none")]
    handshakes: JoinSet<Option<(TlsStream<L::Io>, L::Addr)>>,
}

impl<L: Listener> TlsListener<L> {
    /// A listener that makes TLS of what another accepts.
    #[must_use]
    pub fn new(listener: L, config: Arc<ServerConfig>) -> Self {
        let (acceptor, patience, handshakes) = (config.into(), Duration::from_secs(10), JoinSet::new());
        Self { listener, acceptor, patience, most: 1024, handshakes }
    }

    /// The same listener with another patience for handshakes.
    #[must_use]
    pub fn with_handshake_timeout(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same listener with so many handshakes at once, one at least: 1,024 unless changed. Further connections wait to be
    /// accepted.
    #[must_use]
    pub fn with_max_handshakes(self, most: usize) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// Begins a handshake.
    fn greet(&mut self, io: L::Io, address: L::Addr) {
        let handshake = timeout(self.patience, self.acceptor.accept(io));
        self.handshakes.spawn(async move {
            let peer = L::peer(&address).map(tracing::field::display);
            match handshake.await {
                Ok(Ok(io)) => return Some((io, address)),
                // Who looks whether somebody listens says nothing.
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    tracing::debug!(peer, "no handshake: {error}");
                }
                Ok(Err(error)) => tracing::warn!(peer, "no handshake: {error}"),
                Err(_) => tracing::warn!(peer, "no handshake: it was not finished in time"),
            }
            None
        });
    }
}

impl<L: Listener> fmt::Debug for TlsListener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("handshakes", &self.handshakes.len()).finish_non_exhaustive()
    }
}

impl<L: Listener> Listener for TlsListener<L> {
    type Io = TlsStream<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            select! {
                (io, address) = self.listener.accept(), if self.handshakes.len() < self.most => self.greet(io, address),
                // One that panicked, or had no end, is none.
                Some(done) = self.handshakes.join_next() => if let Ok(Some(connection)) = done {
                    return connection;
                },
            }
        }
    }

    fn peer(address: &L::Addr) -> Option<SocketAddr> {
        L::peer(address)
    }

    fn abort(io: &Self::Io) {
        L::abort(io.get_ref().0);
    }

    /// Bytes of the connection may be none of what it carries, and a close without a word would be taken for an attack.
    fn has_bytes(io: &Self::Io) -> Option<bool> {
        L::has_bytes(io.get_ref().0).filter(|has| *has)
    }

    fn extensions(io: &Self::Io) -> Extensions {
        let (inner, session) = io.get_ref();
        let mut extensions = L::extensions(inner);
        let certificates = session.peer_certificates().unwrap_or_default();
        extensions.insert(TlsPeer {
            certificates: certificates.iter().map(|certificate| certificate.clone().into_owned()).collect(),
            server_name: session.server_name().map(ToString::to_string),
        });
        extensions
    }
}

/// What the other side of a TLS connection showed of itself, in an extension of its requests.
#[derive(Debug, Clone)]
pub struct TlsPeer {
    certificates: Arc<[CertificateDer<'static>]>,
    server_name: Option<String>,
}

impl TlsPeer {
    /// Its certificate, and those that vouch for it; none, unless the configuration asked for them.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// The name of the server that it asked for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }
}
