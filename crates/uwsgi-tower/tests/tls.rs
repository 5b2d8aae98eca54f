//! TLS in front of a server: certificates, handshakes that do not end, answers that are cut off.
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
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tower::service_fn;
use uwsgi::server::{AllowList, Settings};
use uwsgi_tower::{Accepted, Body, Listener, Shared, TlsListener, TlsPeer, serve};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";

/// An authority, and what it vouches for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

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

    fn vouch(&self, usage: ExtendedKeyUsagePurpose) -> Certified {
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

    fn server(&self, asks: bool) -> Arc<ServerConfig> {
        let Certified { chain, key } = self.vouch(ExtendedKeyUsagePurpose::ServerAuth);
        let config = ServerConfig::builder();
        let config = if asks {
            config.with_client_cert_verifier(WebPkiClientVerifier::builder(self.roots()).build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        Arc::new(config.with_single_cert(chain, key).unwrap())
    }

    async fn connect(&self, address: SocketAddr, shows: bool) -> io::Result<TlsStream<TcpStream>> {
        self.greet(TcpStream::connect(address).await?, shows).await
    }

    async fn greet(&self, stream: TcpStream, shows: bool) -> io::Result<TlsStream<TcpStream>> {
        let config = ClientConfig::builder().with_root_certificates(self.roots());
        let config = if shows {
            let Certified { chain, key } = self.vouch(ExtendedKeyUsagePurpose::ClientAuth);
            config.with_client_auth_cert(chain, key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

/// What is served: whom the request comes from, and its body.
async fn who(request: Request<Body>) -> Result<Response<Full<Bytes>>, uwsgi_tower::BodyError> {
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
    let allow = AllowList::parse("127.0.0.1".to_owned()).unwrap();
    tokio::spawn(serve(listener(tcp), Shared::new(service_fn(who))).allow_from(allow).into_future());
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
async fn a_request_over_tls() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(false))).await;
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
}

#[tokio::test]
async fn a_large_body_over_tls() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(false))).await;
    let post = b"\0\x32\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x0a\x000003000000";
    let post = [&post[..], &vec![b'x'; 3_000_000]].concat();
    let answer = ask(authority.connect(address, false).await.unwrap(), &post).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 3000000"), "{answer}");
}

#[tokio::test]
async fn a_certificate_that_is_asked_for() {
    let authority = Authority::new();
    let address = start(|tcp| TlsListener::new(tcp, authority.server(true))).await;
    let answer = ask(authority.connect(address, true).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n1 localhost 0"), "{answer}");
    // In TLS 1.3 the client learns behind its own handshake that it is not let in.
    let nobody = async { ask(authority.connect(address, false).await?, GET).await };
    nobody.await.unwrap_err();
    let stranger = Authority { issuer: Authority::new().issuer };
    let stranger = async { ask(stranger.connect(address, true).await?, GET).await };
    stranger.await.unwrap_err();
}

/// Those who never end their handshake are given up.
#[tokio::test]
async fn handshakes_that_do_not_end() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = TlsListener::new(tcp, authority.server(false)).with_handshake_timeout(Duration::from_millis(1500));
    tokio::spawn(serve(listener, Shared::new(service_fn(who))).max_connections(8).into_future());
    let mut silent = Vec::new();
    for _ in 0..7 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    // More than may be at once: the next is told so, over TLS, and comes in when the others are given up.
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

/// Where the connections of a list come from: an address of its own for each, whoever it is.
struct From {
    tcp: TcpListener,
    addresses: Vec<SocketAddr>,
}

impl Listener for From {
    type Io = Accepted<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Accepted<TcpStream>, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.tcp).await;
        (stream, self.addresses.pop().unwrap_or(address))
    }

    fn peer(address: &SocketAddr) -> Option<SocketAddr> {
        Some(*address)
    }
}

/// Who is not allowed gets no handshake, and keeps nobody out.
#[tokio::test]
async fn strangers_get_no_handshake() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let from = From { tcp, addresses: vec!["192.0.2.1:1000".parse().unwrap(); 100] };
    let listener = TlsListener::new(from, authority.server(false));
    tokio::spawn(serve(listener, Shared::new(service_fn(who))).max_connections(1).into_future());
    let mut strangers = Vec::new();
    for _ in 0..99 {
        strangers.push(TcpStream::connect(address).await.unwrap());
    }
    authority.connect(address, false).await.unwrap_err();
    let answer = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    for mut stream in strangers {
        let read = timeout(Duration::from_secs(20), stream.read(&mut [0; 1])).await.unwrap();
        assert!(read.is_err() || read.is_ok_and(|count| count == 0));
    }
}

/// A handshake that has begun when a stop is asked for is finished, and the request behind it too.
#[tokio::test]
async fn a_stop_waits_for_handshakes() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop, asked) = oneshot::channel::<()>();
    let server = serve(TlsListener::new(tcp, authority.server(false)), Shared::new(service_fn(who)))
        .with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let stream = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    sleep(Duration::from_millis(200)).await;
    let stream = authority.greet(stream, false).await.unwrap();
    let answer = ask(stream, GET).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n0 localhost 0"), "{answer}");
    timeout(Duration::from_secs(20), server).await.expect("it stops").unwrap().unwrap();
}

/// Plain uwsgi where TLS is spoken: no handshake, no answer, and the next is served.
#[tokio::test]
async fn no_tls() {
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

/// No closure alert, and a reset: what is cut off cannot pass for what is whole.
#[tokio::test]
async fn an_answer_that_is_cut_off() {
    let authority = Authority::new();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let service = service_fn(async |_: Request<Body>| {
        let half = stream::iter([Ok(Frame::data(Bytes::from_static(b"half"))), Err("meant to fail")]);
        Ok::<_, Infallible>(Response::new(StreamBody::new(half)))
    });
    tokio::spawn(serve(TlsListener::new(tcp, authority.server(false)), Shared::new(service)).into_future());
    let error = ask(authority.connect(address, false).await.unwrap(), GET).await.unwrap_err();
    let kind = error.kind();
    assert!(matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof), "{error}");
}

/// A peer that takes nothing is given up, though TLS holds bytes back.
#[tokio::test]
async fn a_peer_that_takes_nothing() {
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
    let server = serve(TlsListener::new(tcp, authority.server(false)), Shared::new(service)).settings(settings);
    tokio::spawn(server.into_future());
    let mut stream = authority.connect(address, false).await.unwrap();
    stream.write_all(GET).await.unwrap();
    stream.flush().await.unwrap();
    // The body is dropped, though we read nothing and do not close.
    timeout(Duration::from_secs(10), dropped).await.expect("it goes on").unwrap_err();
    drop(stream);
}
