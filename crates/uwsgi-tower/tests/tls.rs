//! The server over TLS: certificates, unfinished handshakes, and responses that are cut off.
#![cfg(feature = "tls")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use rcgen::{CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tower::service_fn;
use uwsgi::server::{AllowList, Settings};
use uwsgi_tower::{Accepted, Body, Listener, TlsListener, TlsPeer, serve};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";

/// A certificate authority.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Certified {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn issue(&self, usage: ExtendedKeyUsagePurpose) -> Certified {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certified { chain: vec![certificate.der().clone()], key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    fn server(&self, asks_for_certificate: bool) -> Arc<ServerConfig> {
        let Certified { chain, key } = self.issue(ExtendedKeyUsagePurpose::ServerAuth);
        let config = ServerConfig::builder();
        let config = if asks_for_certificate {
            config.with_client_cert_verifier(WebPkiClientVerifier::builder(self.roots()).build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        Arc::new(config.with_single_cert(chain, key).unwrap())
    }

    async fn connect(&self, address: SocketAddr, shows_certificate: bool) -> io::Result<TlsStream<TcpStream>> {
        self.handshake(TcpStream::connect(address).await?, shows_certificate).await
    }

    async fn handshake(&self, stream: TcpStream, shows_certificate: bool) -> io::Result<TlsStream<TcpStream>> {
        let config = ClientConfig::builder().with_root_certificates(self.roots());
        let config = if shows_certificate {
            let Certified { chain, key } = self.issue(ExtendedKeyUsagePurpose::ClientAuth);
            config.with_client_auth_cert(chain, key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

/// Answers with the number of certificates, the server name, and the length of the body.
async fn describe(request: Request<Body>) -> Result<Response<Full<Bytes>>, uwsgi_tower::BodyError> {
    let peer = request.extensions().get::<TlsPeer>().cloned();
    let body = request.into_body().collect().await?.to_bytes();
    let text = match peer {
        Some(peer) => format!("{} {} {}", peer.certificates().len(), peer.server_name().unwrap_or("?"), body.len()),
        None => "no TLS".to_owned(),
    };
    Ok(Response::new(Full::from(text)))
}

async fn start(listener: impl FnOnce(TcpListener) -> TlsListener<TcpListener>) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let allow = AllowList::parse("127.0.0.1").unwrap();
    tokio::spawn(serve(listener(tcp), service_fn(describe)).with_allow_list(allow).into_future());
    address
}

async fn ask(mut stream: TlsStream<TcpStream>, request: &[u8]) -> io::Result<String> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_request_over_tls_is_answered() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(false))).await;
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
}

#[tokio::test]
async fn a_large_body_over_tls_arrives() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(false))).await;
    let post = b"\0\x32\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x0a\x000003000000";
    let post = [&post[..], &vec![b'x'; 3_000_000]].concat();
    let answer = ask(authority.connect(address, false).await.unwrap(), &post).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 3000000"), "{answer}");
}

#[tokio::test]
async fn a_client_without_a_valid_certificate_is_refused() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(true))).await;
    let answer = ask(authority.connect(address, true).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n1 localhost 0"), "{answer}");
    // In TLS 1.3 the client learns of the refusal after its own handshake.
    let without = async { ask(authority.connect(address, false).await?, GET).await };
    without.await.unwrap_err();
    let other = Authority { issuer: Authority::new().issuer };
    let unknown = async { ask(other.connect(address, true).await?, GET).await };
    unknown.await.unwrap_err();
}

#[tokio::test]
async fn unfinished_handshakes_time_out() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = TlsListener::new(tcp, authority.server(false)).with_handshake_timeout(Duration::from_millis(1500));
    tokio::spawn(serve(listener, service_fn(describe)).with_max_connections(8).into_future());
    let mut silent = Vec::new();
    for _ in 0..7 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    // One connection more than the limit is refused, over TLS. After the timeouts there is room again.
    silent.push(TcpStream::connect(address).await.unwrap());
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    for stream in &mut silent {
        let read = timeout(Duration::from_secs(20), stream.read(&mut [0; 1])).await.unwrap();
        assert!(read.is_err() || read.is_ok_and(|count| count == 0));
    }
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
}

/// A listener that gives the first connections other addresses.
struct WithAddresses {
    tcp: TcpListener,
    addresses: Vec<SocketAddr>,
}

impl Listener for WithAddresses {
    type Io = Accepted<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Accepted<TcpStream>, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.tcp).await;
        (stream, self.addresses.pop().unwrap_or(address))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A peer that is not allowed gets no handshake, and is not counted against the limit.
#[tokio::test]
async fn peers_that_are_not_allowed_get_no_handshake() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = WithAddresses { tcp, addresses: vec!["192.0.2.1:1000".parse().unwrap(); 100] };
    let listener = TlsListener::new(listener, authority.server(false));
    tokio::spawn(serve(listener, service_fn(describe)).with_max_connections(1).into_future());
    let mut refused = Vec::new();
    for _ in 0..99 {
        refused.push(TcpStream::connect(address).await.unwrap());
    }
    authority.connect(address, false).await.unwrap_err();
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    for mut stream in refused {
        let read = timeout(Duration::from_secs(20), stream.read(&mut [0; 1])).await.unwrap();
        assert!(read.is_err() || read.is_ok_and(|count| count == 0));
    }
}

/// A listener that sends a message for each connection that it accepts.
struct Notifying {
    tcp: TcpListener,
    accepted: mpsc::UnboundedSender<()>,
}

impl Listener for Notifying {
    type Io = Accepted<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Accepted<TcpStream>, SocketAddr) {
        let connection = Listener::accept(&mut self.tcp).await;
        let _ = self.accepted.send(());
        connection
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A handshake that has begun before a stop is finished, and the request after it too.
#[tokio::test]
async fn a_stop_waits_for_handshakes() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (accepted, mut accepts) = mpsc::unbounded_channel();
    let listener = TlsListener::new(Notifying { tcp, accepted }, authority.server(false));
    let (stop, asked) = oneshot::channel::<()>();
    let server = serve(listener, service_fn(describe)).with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let stream = TcpStream::connect(address).await.unwrap();
    accepts.recv().await.unwrap();
    stop.send(()).unwrap();
    // The server refuses connections once it stops. It still waits for the handshake.
    let stopped = async {
        while TcpStream::connect(address).await.is_ok() {
            // The pause between two tries.
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), stopped).await.expect("the server refuses connections");
    let stream = authority.handshake(stream, false).await.unwrap();
    let answer = ask(stream, GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    timeout(Duration::from_secs(20), server).await.expect("the server stops").unwrap().unwrap();
}

/// A peer that sends plain uwsgi gets no response. The next connection is served.
#[tokio::test]
async fn plain_uwsgi_is_not_answered() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(false))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
}

/// The server sends no closure alert and resets the connection, so that the peer sees that the response is not whole.
#[tokio::test]
async fn a_response_that_breaks_off_is_an_error() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let service = service_fn(async |_: Request<Body>| {
        let half = stream::iter([Ok(Frame::data(Bytes::from_static(b"half"))), Err("the test's error")]);
        Ok::<_, Infallible>(Response::new(StreamBody::new(half)))
    });
    tokio::spawn(serve(TlsListener::new(tcp, authority.server(false)), service).into_future());
    let error = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap_err();
    let kind = error.kind();
    assert!(matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof), "{error}");
}

/// The timeout also counts bytes that TLS buffers.
#[tokio::test]
async fn a_peer_that_reads_nothing_is_given_up() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (held, dropped) = oneshot::channel::<Infallible>();
    let held = Arc::new(Mutex::new(Some(held)));
    let service = service_fn(move |_: Request<Body>| {
        let held = held.lock().unwrap().take();
        let endless = stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 65536])))
        });
        async { Ok::<_, Infallible>(Response::new(StreamBody::new(endless))) }
    });
    let mut settings = Settings::default();
    settings.write_idle = Duration::from_millis(300);
    let server = serve(TlsListener::new(tcp, authority.server(false)), service).with_settings(settings);
    tokio::spawn(server.into_future());
    let mut stream = authority.connect(address, false).await.unwrap();
    stream.write_all(GET).await.unwrap();
    stream.flush().await.unwrap();
    // The body is dropped, even though the peer does not close.
    timeout(Duration::from_secs(10), dropped).await.expect("the body is still there").unwrap_err();
    drop(stream);
}
