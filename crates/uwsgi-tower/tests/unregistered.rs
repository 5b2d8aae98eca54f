//! Connections whose requests are there before the server starts, so that it begins without the runtime: small requests, and
//! requests that make the server wait later.
#![cfg(target_os = "linux")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::future::IntoFuture;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use axum::routing::{any, get};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::runtime::{Builder, Runtime};
use uwsgi::server::Settings;
use uwsgi_tower::{IncomingStream, serve, upgrade};

/// Encodes a packet of these vars, with a body.
fn packet(vars: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut encoder = uwsgi::VarsEncoder::new(&mut packet);
    vars.iter().for_each(|(key, value)| encoder.push_raw(*key, *value).unwrap());
    encoder.finish(uwsgi::Modifier1::WSGI, 0).unwrap();
    packet.extend(body);
    packet
}

/// Returns a path for a socket, where no file is.
fn path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("uwsgi-unregistered-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn app() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/late",
            get(|| async {
                // Simulates slowness.
                tokio::time::sleep(Duration::from_millis(50)).await;
                "late"
            }),
        )
        .route("/echo", any(|body: axum::body::Body| async { body }))
        .route("/large", get(|| async { vec![b'x'; 20 << 20] }))
        .route("/thread", any(read_on_thread))
        .route("/upgrade", get(upgrade_to_echo))
        .route("/many", get(|| async { axum::body::Body::from_stream(pieces()) }))
}

fn pieces() -> impl futures_util::Stream<Item = Result<&'static str, Infallible>> {
    futures_util::stream::iter((0..1000).map(|_| Ok("piece,")))
}

/// Reads the body on a thread without a runtime.
async fn read_on_thread(request: Request) -> String {
    let (sender, length) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        sender.send(block_on(request.into_body().collect()).unwrap().to_bytes().len()).unwrap();
    });
    length.await.unwrap().to_string()
}

/// Runs a future without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Thread(std::thread::Thread);
    impl std::task::Wake for Thread {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Thread(std::thread::current())).into();
    let mut future = core::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut core::task::Context::from_waker(&waker)) {
            core::task::Poll::Ready(output) => return output,
            core::task::Poll::Pending => std::thread::park(),
        }
    }
}

/// Echoes the bytes of the upgraded connection, in a runtime that ends before the server's.
async fn upgrade_to_echo(mut request: Request) -> axum::response::Response {
    let on = upgrade::on(&mut request);
    std::thread::spawn(move || {
        Runtime::new().unwrap().block_on(async {
            let (mut from, mut to) = tokio::io::split(on.await.unwrap());
            tokio::io::copy(&mut from, &mut to).await.unwrap();
            to.shutdown().await.unwrap();
        });
    });
    let head = axum::response::Response::builder().status(101).header("Connection", "upgrade").header("Upgrade", "x");
    head.body(axum::body::Body::empty()).unwrap()
}

/// Returns the responses to requests that are there before the server starts. Each request is what is sent at once and what is
/// sent later.
fn answers(sent: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    let path = path();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(async { UnixListener::bind(&path) }).unwrap();
    let open = sent.iter().map(|(at_once, _)| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(at_once).unwrap();
        stream
    });
    let open: Vec<UnixStream> = open.collect();
    let mut settings = Settings::default();
    settings.drain_time = Duration::from_millis(200);
    runtime.spawn(serve(listener, app()).with_settings(settings).into_future());
    let answers = open.into_iter().zip(sent).map(|(mut stream, (_, later))| {
        if !later.is_empty() {
            // Simulates a slow peer, so that the server has to wait.
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(later).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    });
    let answers = answers.collect();
    std::fs::remove_file(&path).unwrap();
    answers
}

fn get_of(path: &str) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "GET"), ("REQUEST_URI", path)], b"")
}

fn post_of(path: &str, length: usize, body: &[u8]) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "POST"), ("REQUEST_URI", path), ("CONTENT_LENGTH", &length.to_string())], body)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer}")).1
}

#[test]
fn requests_before_the_server_are_answered() {
    let whole = get_of("/");
    let sent: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (whole.clone(), vec![]),
        // A packet in two parts; bodies that are there, that come later, and that another thread reads.
        (whole[..10].to_vec(), whole[10..].to_vec()),
        (post_of("/echo", 5, b"hello"), vec![]),
        (post_of("/echo", 10, b"hello"), b"again".to_vec()),
        (post_of("/thread", 10, b"hello"), b"again".to_vec()),
        (post_of("/thread", 5, b"hello"), vec![]),
        // A slow service, a response that is larger than the buffers, a response of many pieces, and stray bytes.
        (get_of("/late"), vec![]),
        (get_of("/large"), vec![]),
        (get_of("/many"), vec![]),
        ([whole.clone(), b"stray".to_vec()].concat(), vec![]),
        (packet(&[("REQUEST_URI", "/upgrade"), ("HTTP_UPGRADE", "x")], b"ping"), b"pong".to_vec()),
        // Refused at once.
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![]),
    ];
    let answers = answers(&sent);
    let bodies: Vec<&str> = answers.iter().map(|answer| body(answer)).collect();
    assert_eq!(bodies[..7], ["hello", "hello", "hello", "helloagain", "10", "5", "late"]);
    assert_eq!(bodies[7].len(), 20 << 20);
    assert_eq!((bodies[8], bodies[9], bodies[10]), (&*"piece,".repeat(1000), "hello", "pingpong"));
    assert!(answers[11].starts_with("HTTP/1.1 400 "), "{}", answers[11]);
}

/// More connections wait than the server accepts in one turn.
#[test]
fn many_waiting_connections_are_served() {
    let sent: Vec<_> = (0..100).map(|_| (get_of("/"), Vec::new())).collect();
    assert!(answers(&sent).iter().all(|answer| body(answer) == "hello"));
}

/// The peer of a Unix socket has no address, a path, or an abstract name.
#[test]
fn unix_peer_addresses() {
    let path = path();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(async { UnixListener::bind(&path) }).unwrap();
    let own = self::path();
    let name = format!("uwsgi-unregistered-{}", std::process::id());
    let bound = |address: Option<SocketAddr>| {
        let socket =
            rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
        if let Some(address) = address {
            let any = match (address.as_pathname(), address.as_abstract_name()) {
                (Some(path), _) => rustix::net::SocketAddrUnix::new(path),
                (None, name) => rustix::net::SocketAddrUnix::new_abstract_name(name.unwrap()),
            };
            rustix::net::bind(&socket, &any.unwrap()).unwrap();
        }
        rustix::net::connect(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
        let mut stream = UnixStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&get_of("/")).unwrap();
        stream
    };
    let streams: Vec<_> = vec![
        bound(None),
        bound(Some(SocketAddr::from_pathname(&own).unwrap())),
        bound(Some(SocketAddr::from_abstract_name(&name).unwrap())),
        bound(None),
    ];
    let app = Router::new().route("/", get(|ConnectInfo(peer): ConnectInfo<PeerOfUnix>| async move { peer.0 }));
    runtime.spawn(serve(listener, app.into_make_service_with_connect_info::<PeerOfUnix>()).into_future());
    let answers = runtime.block_on(async {
        let mut answers = Vec::new();
        for stream in streams {
            stream.set_nonblocking(true).unwrap();
            let mut stream = tokio::net::UnixStream::from_std(stream).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answers.push(body(&answer).to_owned());
        }
        answers
    });
    assert_eq!(answers, ["unnamed".to_owned(), own.display().to_string(), name, "unnamed".to_owned()]);
    let _ = [&path, &own].map(std::fs::remove_file);
}

#[derive(Clone)]
struct PeerOfUnix(String);

impl axum::extract::connect_info::Connected<IncomingStream<'_, UnixListener>> for PeerOfUnix {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let address = stream.remote_addr();
        // The kernel knows the peer of a connection that no runtime knows.
        assert_eq!(stream.io().peer_cred().unwrap().uid(), rustix::process::getuid().as_raw());
        let path = address.as_pathname().map(|path| path.display().to_string());
        let name = address.as_abstract_name().map(|name| String::from_utf8_lossy(name).into_owned());
        assert_eq!(address.is_unnamed(), path.is_none() && name.is_none());
        Self(path.or(name).unwrap_or_else(|| "unnamed".into()))
    }
}

/// While the service works, the runtime does not know the socket. A stop reaches the connection all the same.
#[test]
fn a_stop_reaches_an_unregistered_connection() {
    let path = path();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(&get_of("/")).unwrap();
        let mut settings = Settings::default();
        settings.stop_grace = Duration::from_millis(100);
        let (called, stop) = tokio::sync::oneshot::channel();
        let called = std::sync::Arc::new(std::sync::Mutex::new(Some(called)));
        let service = tower::service_fn(move |_: http::Request<uwsgi_tower::Body>| {
            // The stop is asked for once the service is called.
            called.lock().unwrap().take().unwrap().send(()).unwrap();
            core::future::pending::<Result<http::Response<String>, Infallible>>()
        });
        let server =
            serve(listener, service).with_settings(settings).with_graceful_shutdown(async { stop.await.unwrap() });
        tokio::time::timeout(Duration::from_secs(20), server.into_future()).await.unwrap().unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    });
    std::fs::remove_file(&path).unwrap();
}
