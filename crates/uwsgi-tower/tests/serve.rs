//! The server: listeners, refusals, limits, and the connections that wait when it stops.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http::{Extensions, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tower::service_fn;
use uwsgi::Limits;
use uwsgi::server::{AllowList, ConnectionLimit};
use uwsgi_tower::{Accepted, Body, Connection, End, Listener, Peer, Shared, Timeouts, serve};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
const ALLOWED: &str = "10.0.0.1:1000";
const NOT_ALLOWED: &str = "192.0.2.1:1000";

async fn hello(_: Request<Body>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".into()))
}

async fn answer(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut answer = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

fn line(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

/// A listener of the test's own: it accepts connections of this process, with any address.
struct InProcess {
    coming: mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>,
    aborted: Arc<AtomicUsize>,
}

/// A connection of [`InProcess`].
struct InProcessStream {
    stream: DuplexStream,
    aborted: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, PartialEq)]
struct Mark(usize);

impl tokio::io::AsyncRead for InProcessStream {
    fn poll_read(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for InProcessStream {
    fn poll_write(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
        bytes: &[u8],
    ) -> core::task::Poll<io::Result<usize>> {
        core::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Listener for InProcess {
    type Io = InProcessStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (InProcessStream, SocketAddr) {
        match self.coming.recv().await {
            Some((stream, address)) => (InProcessStream { stream, aborted: Arc::clone(&self.aborted) }, address),
            None => core::future::pending().await,
        }
    }

    fn peer(address: &SocketAddr) -> Option<SocketAddr> {
        Some(*address)
    }

    fn abort(io: &InProcessStream) {
        io.aborted.fetch_add(1, Ordering::SeqCst);
    }

    fn extensions(_: &InProcessStream) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Mark(7));
        extensions
    }
}

/// Connects to [`InProcess`].
#[derive(Clone)]
struct Connector {
    going: mpsc::UnboundedSender<(DuplexStream, SocketAddr)>,
    aborted: Arc<AtomicUsize>,
}

impl Connector {
    fn connect(&self, from: &str) -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        self.going.send((theirs, from.parse().unwrap())).unwrap();
        ours
    }
}

fn in_process() -> (InProcess, Connector) {
    let (going, coming) = mpsc::unbounded_channel();
    let aborted = Arc::<AtomicUsize>::default();
    (InProcess { coming, aborted: Arc::clone(&aborted) }, Connector { going, aborted })
}

fn allow(list: &str) -> AllowList<String> {
    AllowList::parse(list.to_owned()).unwrap()
}

#[tokio::test]
async fn a_custom_listener_is_asked_for_extensions_and_aborts() {
    let (listener, sender) = in_process();
    let service = service_fn(async |request: Request<Body>| {
        assert_eq!(request.extensions().get(), Some(&Mark(7)));
        let Peer(peer) = request.extensions().get().unwrap();
        let peer = peer.to_string();
        if request.uri().path() == "/fail" {
            // The body is shorter than the head says.
            let response = Response::builder().header("Content-Length", "100").body(peer);
            return Ok(response.unwrap());
        }
        Ok::<_, Infallible>(Response::new(peer))
    });
    tokio::spawn(serve(listener, Shared::new(service)).allow_from(allow("10.0.0.1")).into_future());
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(answer(stream).await.ends_with("\r\n\r\n10.0.0.1:1000"));
    assert_eq!(sender.aborted.load(Ordering::SeqCst), 0);
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(b"\0\x14\0\0\x0b\0REQUEST_URI\x05\0/fail").await.unwrap();
    assert!(answer(stream).await.ends_with("\r\n\r\n10.0.0.1:1000"));
    assert_eq!(sender.aborted.load(Ordering::SeqCst), 1);
}

/// A program that accepts connections itself gets the same behaviour as the server.
#[cfg(unix)]
#[tokio::test]
async fn a_connection_accepted_by_the_program_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut front_end = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let service = service_fn(async |request: Request<Body>| {
        let Peer(peer) = request.extensions().get().unwrap();
        Ok::<_, Infallible>(Response::new(peer.to_string()))
    });
    let mut settings = uwsgi::server::Settings::default();
    settings.drain_time = Duration::from_secs(60);
    let connection =
        Connection::new(Accepted::from(stream), service).settings(settings).like::<TcpListener>().peer(peer);
    let served = tokio::spawn(connection.serve());
    front_end.write_all(GET).await.unwrap();
    // The front end has not closed, and there is no drain.
    let End::Close(stream) = timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap() else {
        panic!("the connection is not closed");
    };
    drop(stream);
    assert!(answer(front_end).await.ends_with(&format!("\r\n\r\n{peer}")));
}

/// Allowed peers are served while many others are refused.
#[tokio::test(start_paused = true)]
async fn refused_connections_do_not_count_against_the_limit() {
    let (listener, sender) = in_process();
    let server = serve(listener, Shared::new(service_fn(hello))).allow_from(allow("10.0.0.1")).max_connections(2);
    tokio::spawn(server.into_future());
    let mut refused = Vec::new();
    for _ in 0..ConnectionLimit::REFUSALS + 100 {
        refused.push(sender.connect(NOT_ALLOWED));
    }
    for _ in 0..10 {
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(GET).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    let mut answered = 0;
    for stream in refused {
        match line(&answer(stream).await) {
            "HTTP/1.1 403 Forbidden" => answered += 1,
            // This listener has no `say`, so that a refusal without waiting is only a close.
            other => assert_eq!(other, ""),
        }
    }
    assert_eq!(answered, ConnectionLimit::REFUSALS);
    // The connections that have ended are not counted any more.
    let (one, two) = (sender.connect(ALLOWED), sender.connect(ALLOWED));
    let mut three = sender.connect(ALLOWED);
    three.shutdown().await.unwrap();
    assert_eq!(line(&answer(three).await), "HTTP/1.1 503 Service Unavailable");
    drop((one, two));
    // The clock is paused: it goes on only when the server has seen both closes.
    sleep(Duration::from_secs(1)).await;
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
}

/// Connects and writes without an await, so that the server does not run meanwhile.
fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}

/// More connections are refused than have a task for it. On one thread the runtime does not know yet that their sockets are
/// writable, and they get the refusal all the same.
#[cfg(unix)]
#[tokio::test]
async fn many_connections_are_refused_without_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Shared::new(service_fn(hello))).max_connections(0).into_future());
    let mut streams = Vec::new();
    for _ in 0..ConnectionLimit::REFUSALS + 40 {
        // With and without a request; the server accepts nothing between the two.
        for bytes in [&[][..], GET] {
            streams.push(connect(address, bytes));
        }
        // Lets the server run, so that the backlog does not overflow.
        sleep(Duration::from_millis(1)).await;
    }
    for stream in streams {
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 503 Service Unavailable");
    }
}

/// Makes a service slowly.
async fn make_slowly(
    _: SocketAddr,
) -> Result<tower::util::BoxCloneService<Request<Body>, Response<String>, Infallible>, Infallible> {
    // Simulates slowness.
    sleep(Duration::from_millis(100)).await;
    Ok(tower::util::BoxCloneService::new(service_fn(hello)))
}

/// The connections wait in the backlog when the server stops, and their services are made slowly.
#[tokio::test]
async fn connections_before_a_stop_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(connect(address, GET));
    }
    let server = serve(listener, service_fn(make_slowly)).with_graceful_shutdown(core::future::ready(()));
    let server = tokio::spawn(server.into_future());
    for stream in streams {
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    server.await.unwrap().unwrap();
}

/// A full backlog is more than the runtime lets one task do in a turn.
#[tokio::test]
async fn a_full_backlog_before_a_stop_is_served() {
    let (listener, sender) = in_process();
    let mut streams = Vec::new();
    for _ in 0..usize::from(ConnectionLimit::BACKLOG) {
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(GET).await.unwrap();
        streams.push(stream);
    }
    let server = serve(listener, service_fn(make_slowly))
        .allow_from(allow("10.0.0.1"))
        .with_graceful_shutdown(core::future::ready(()));
    let server = tokio::spawn(server.into_future());
    for mut stream in streams {
        stream.shutdown().await.unwrap();
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    server.await.unwrap().unwrap();
}

/// A service that is never made does not block other connections or a stop.
#[tokio::test]
async fn a_service_that_is_never_made_blocks_nothing_else() {
    let (listener, sender) = in_process();
    let count = Arc::<AtomicUsize>::default();
    let make = service_fn(move |_: SocketAddr| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                core::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(service_fn(hello))
        }
    });
    let (stop, asked) = oneshot::channel::<()>();
    let mut settings = uwsgi::server::Settings::default();
    (settings.stop_grace, settings.drain_time) = (Duration::from_millis(100), Duration::from_millis(100));
    let server = serve(listener, make)
        .allow_from(allow("10.0.0.1"))
        .settings(settings)
        .with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let waiting = sender.connect(ALLOWED);
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    timeout(Duration::from_secs(20), server).await.expect("the server stops").unwrap().unwrap();
    drop(waiting);
}

#[tokio::test(start_paused = true)]
async fn limits_and_timeouts_hold() {
    let (listener, sender) = in_process();
    let service = service_fn(async |request: Request<Body>| {
        let response = Response::new("hello".to_owned());
        match http_body_util::BodyExt::collect(request.into_body()).await {
            Ok(_) => Ok(response),
            Err(error) => Err(error),
        }
    });
    let server = serve(listener, Shared::new(service))
        .allow_from(allow("10.0.0.1"))
        .limits(Limits::server().with_datasize(64))
        .timeouts(Timeouts { header: Duration::from_secs(3), body: Duration::from_secs(5), ..Timeouts::default() });
    tokio::spawn(server.into_future());
    for (sent, seconds, expected) in [
        (&b"\0\x41\0\0"[..], 0, "HTTP/1.1 431 Request Header Fields Too Large"),
        (&b"\0\x40\0\0"[..], 3, "HTTP/1.1 408 Request Timeout"),
        (
            b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010",
            5,
            "HTTP/1.1 408 Request Timeout",
        ),
    ] {
        let start = tokio::time::Instant::now();
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(sent).await.unwrap();
        let mut head = [0; 24];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), seconds, "{expected}");
        assert!(expected.as_bytes().starts_with(&head), "{}", head.escape_ascii());
    }
}

/// Collects the log.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `http` does not accept some targets, which are refused, and some headers, which are left out.
#[tokio::test]
async fn what_http_does_not_accept_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    // Each space is three bytes when it is encoded, and `http` takes at most 65,534 bytes.
    let long = [&b"\0\x3d\x75\0\x09\0PATH_INFO\x30\x75"[..], &[b' '; 30_000]].concat();
    let target = ["the request's target cannot be read", "10.0.0.1:1000", "status=400"];
    for (sent, status, expected) in [
        (&b"\0\x0b\0\0\x06\0HTTP_X\x01\0\x01"[..], "200 OK", &["the header x is left out"][..]),
        (&long, "400 Bad Request", &target),
    ] {
        let (listener, sender) = in_process();
        tokio::spawn(serve(listener, Shared::new(service_fn(hello))).allow_from(allow("10.0.0.1")).into_future());
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(sent).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(line(&answer(stream).await), format!("HTTP/1.1 {status}"));
        let log = String::from_utf8(core::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        assert!(log.contains("WARN") && expected.iter().all(|expected| log.contains(expected)), "{log}");
    }
}
