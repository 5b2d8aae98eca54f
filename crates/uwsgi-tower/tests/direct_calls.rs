//! Accepted sockets call the kernel directly at first: these tests count the sockets that the runtime knows.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::runtime::Builder;
use tower::service_fn;
use tower_service::Service;
use uwsgi_tower::{Body, BodyError, Listener, serve};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
const POST: &[u8] = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000005";

/// Counts the sockets that are registered with any epoll instance of this process (proc_pid_fdinfo(5)). A runtime has two
/// descriptors of its epoll instance, so that each socket is listed twice.
fn registered_sockets() -> usize {
    let is_socket = |fd: &String| {
        fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|link| link.to_string_lossy().starts_with("socket:"))
    };
    let infos = fs::read_dir("/proc/self/fdinfo").unwrap();
    let infos = infos.filter_map(|info| fs::read_to_string(info.unwrap().path()).ok());
    let fds: BTreeSet<String> = infos
        .flat_map(|info| {
            let fds = info.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next());
            fds.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    fds.iter().filter(|fd| is_socket(fd)).count()
}

/// Waits until another socket is registered.
fn wait_until_registered(before: usize) {
    let start = Instant::now();
    while registered_sockets() == before {
        assert!(start.elapsed() < Duration::from_secs(20), "no socket is registered");
        thread::yield_now();
    }
}

/// Runs one test at a time, because the sockets of the whole process are counted.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Sends the parts of a request, the first before the server starts, and returns the body of the response. `start` makes the
/// service from the number of sockets that are registered before the connection is accepted.
fn exchange<L, C, S, B>(
    bind: impl AsyncFnOnce() -> (L, C),
    parts: &'static [&'static [u8]],
    start: impl FnOnce(usize) -> S,
) -> String
where
    L: Listener,
    C: Read + Write + Send + 'static,
    S: Service<Request<Body>, Response = Response<B>, Error: Into<Box<dyn core::error::Error + Send + Sync>>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
{
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (listener, mut peer) = runtime.block_on(bind());
    let before = registered_sockets();
    peer.write_all(parts[0]).unwrap();
    let peer = thread::spawn(move || {
        for part in &parts[1..] {
            // The server waits for this part.
            wait_until_registered(before);
            peer.write_all(part).unwrap();
        }
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        answer
    });
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = serve(listener, start(before)).with_graceful_shutdown(async { stopped.await.unwrap() });
    let server = thread::spawn(move || runtime.block_on(server.into_future()).unwrap());
    let answer = peer.join().unwrap();
    stop.send(()).unwrap();
    server.join().unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn tcp() -> (tokio::net::TcpListener, std::net::TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (listener, peer)
}

async fn unix() -> (tokio::net::UnixListener, std::os::unix::net::UnixStream) {
    let path = std::env::temp_dir().join(format!("uwsgi-tower-direct-{}.sock", std::process::id()));
    // A killed process with the same number may have left it.
    let _ = fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let peer = std::os::unix::net::UnixStream::connect(&path).unwrap();
    fs::remove_file(&path).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (listener, peer)
}

/// Answers with the number of newly registered sockets: when it is called, and after it has read the body.
fn counts(
    before: usize,
) -> impl Service<Request<Body>, Response = Response<Full<Bytes>>, Error = BodyError, Future: Send> + Clone + Send {
    service_fn(move |request: Request<Body>| async move {
        let called = registered_sockets() - before;
        let body = request.into_body().collect().await?.to_bytes();
        let read = registered_sockets() - before;
        Ok(Response::new(Full::from(format!("{called} {read} {}", body.len()))))
    })
}

/// The parts of a request, and what [`counts`] answers.
const REQUESTS: [(&[&[u8]], &str); 5] = [
    (&[GET], "0 0 0"),
    // The body arrives with its packet.
    (&[b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000005hello"], "0 0 5"),
    // The server must wait for the rest of the packet.
    (&[b"\0\x15\0\0\x0e\0REQUEST", b"_METHOD\x03\0GET"], "1 1 0"),
    // The body may be read elsewhere, so that the socket is registered before the service gets it.
    (&[POST, b"hello"], "1 1 5"),
    (&[POST, b"he", b"llo"], "1 1 5"),
];

#[test]
fn only_a_request_that_waits_is_registered() {
    for (parts, expected) in REQUESTS {
        assert_eq!(exchange(tcp, parts, counts), expected, "TCP, {}", parts.concat().escape_ascii());
        assert_eq!(exchange(unix, parts, counts), expected, "Unix, {}", parts.concat().escape_ascii());
    }
}

/// Each chunk of the response says how many sockets were registered when it was made. No chunk is ready at once, so each leaves
/// alone. The first read and seven writes, of the head and of six chunks, are direct calls. The next write would be the ninth
/// call: the runtime takes over, so that the connection takes turns with the others.
#[test]
fn the_ninth_call_registers() {
    let chunks = |before: usize| {
        service_fn(move |_: Request<Body>| async move {
            let chunk = move |_| async move {
                tokio::task::yield_now().await;
                let count = registered_sockets() - before;
                Ok::<_, Infallible>(Frame::data(Bytes::from(count.to_string())))
            };
            Ok::<_, Infallible>(Response::new(StreamBody::new(Box::pin(stream::iter(1..=12).then(chunk)))))
        })
    };
    assert_eq!(exchange(tcp, &[GET], chunks), "000000011111");
    assert_eq!(exchange(unix, &[GET], chunks), "000000011111");
}
