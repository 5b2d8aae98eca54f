//! A peer that closes early: the server drops the service's future, or the body of its response.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

extern crate alloc;

use alloc::sync::Arc;
use core::convert::Infallible;
use core::future::pending;
use core::pin::Pin;
use core::time::Duration;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tower::service_fn;
use uwsgi_tower::{Body, serve};

const POST: &[u8] = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010";

/// Sends an event when it is dropped.
struct Guard(mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

type Ticks = StreamBody<Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>>;

/// Makes a service that sends the event `called`, and `service` or `body` when its future or its body is dropped. Of `/` it
/// never answers. Of other paths it answers with one piece of a body, and nothing after it.
fn service(
    events: &mpsc::UnboundedSender<&'static str>,
) -> impl tower_service::Service<Request<Body>, Response = Response<Ticks>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let events = events.clone();
    service_fn(move |request: Request<Body>| {
        let events = events.clone();
        async move {
            events.send("called").unwrap();
            if request.uri().path() == "/" {
                let _guard = Guard(events.clone(), "service");
                pending::<()>().await;
            }
            let guard = Guard(events, "body");
            let ticks = stream::unfold((0, guard), async |(count, guard)| {
                if count == 1 {
                    pending::<()>().await;
                }
                Some((Ok(Frame::data(Bytes::from_static(b"tick"))), (1, guard)))
            });
            let ticks: Pin<Box<dyn futures_util::Stream<Item = _> + Send>> = Box::pin(ticks);
            Ok(Response::new(StreamBody::new(ticks)))
        }
    })
}

/// Returns a path for a socket.
fn path() -> PathBuf {
    use core::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("uwsgi-tower-gone-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// Encodes a GET of a path.
fn get(path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let mut packet = vec![0, length.checked_add(15).unwrap(), 0, 0, 11, 0];
    packet.extend_from_slice(b"REQUEST_URI");
    packet.extend_from_slice(&[length, 0]);
    packet.extend_from_slice(path.as_bytes());
    packet
}

/// Waits for the next event.
async fn next(events: &mut mpsc::UnboundedReceiver<&'static str>, seconds: u64) -> Option<&'static str> {
    timeout(Duration::from_secs(seconds), events.recv()).await.ok().flatten()
}

#[tokio::test]
async fn a_close_over_unix_ends_the_service() {
    let path = path();
    let listener = UnixListener::bind(&path).unwrap();
    let (send, mut events) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, service(&send)).into_future());
    for (request, expected) in [
        (get("/"), "service"),
        (get("/ticks"), "body"),
        // A peer that has sent its body, or part of it.
        ([POST, b"0123456789"].concat(), "service"),
        ([POST, b"01234"].concat(), "service"),
    ] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(&request).await.unwrap();
        if expected == "body" {
            let mut answer = Vec::new();
            while !answer.ends_with(b"tick") {
                stream.read_buf(&mut answer).await.unwrap();
            }
        }
        assert_eq!(next(&mut events, 20).await, Some("called"));
        drop(stream);
        assert_eq!(next(&mut events, 20).await, Some(expected), "{}", request.escape_ascii());
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_reset_over_tcp_ends_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (send, mut events) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, service(&send)).into_future());
    for (target, expected) in [("/", "service"), ("/ticks", "body")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&get(target)).await.unwrap();
        assert_eq!(next(&mut events, 20).await, Some("called"));
        if expected == "body" {
            stream.readable().await.unwrap();
        }
        stream.set_zero_linger().unwrap();
        drop(stream);
        assert_eq!(next(&mut events, 20).await, Some(expected), "{target}");
    }
}

/// Collects the log.
#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A peer may close, and then the service has not failed, whatever wraps the error of the body. The blocking server logs the
/// same (`a_peer_that_resets_is_no_failure` in tests/tests/faults/log.rs).
#[tokio::test]
async fn a_reset_inside_a_body_is_no_failure_of_the_service() {
    use http_body_util::BodyExt;

    type Fault = Box<dyn core::error::Error + Send + Sync>;
    let wraps: [fn(uwsgi_tower::BodyError) -> Fault; 3] = [
        |error| error.into(),
        |error| Box::new(std::io::Error::from(error)),
        |error| Box::new(std::io::Error::other(Fault::from(error))),
    ];
    for wrap in wraps {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_target(false)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let _until_the_end = tracing::subscriber::set_default(subscriber);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, mut events) = mpsc::unbounded_channel();
        let service = service_fn(move |request: Request<Body>| {
            send.send("called").unwrap();
            async move {
                let body = request.into_body().collect().await.map_err(wrap)?;
                Ok::<_, Fault>(Response::new(http_body_util::Full::new(body.to_bytes())))
            }
        });
        tokio::spawn(serve(listener, service).into_future());
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[POST, b"01234"].concat()).await.unwrap();
        assert_eq!(next(&mut events, 20).await, Some("called"));
        stream.set_zero_linger().unwrap();
        drop(stream);
        // Polls for the line of the log.
        for _ in 0..2000 {
            if lines.0.lock().unwrap().ends_with(b"\n") {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        assert_eq!(lines, ["DEBUG the peer has gone: Connection reset by peer (os error 104)"]);
    }
}

/// With `end_is_close`, a close over TCP is noticed too, whatever was sent before it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn with_end_is_close_the_end_of_the_request_is_a_close() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (send, mut events) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, service(&send)).with_half_close(false).into_future());
    for (request, expected) in
        [(get("/"), "service"), (get("/ticks"), "body"), ([POST, b"0123456789"].concat(), "service")]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(next(&mut events, 20).await, Some("called"));
        assert_eq!(next(&mut events, 20).await, Some(expected), "{}", request.escape_ascii());
    }
}

/// A peer that has closed its own direction waits for the response.
#[tokio::test]
async fn a_half_close_is_not_a_close() {
    let path = path();
    let (unix, tcp) = (UnixListener::bind(&path).unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = tcp.local_addr().unwrap();
    let (send, mut events) = mpsc::unbounded_channel();
    let service = service(&send);
    tokio::spawn(serve(unix, service.clone()).into_future());
    tokio::spawn(serve(tcp, service).into_future());
    let streams: [Box<dyn AsyncWrite + Unpin>; 2] =
        [Box::new(UnixStream::connect(&path).await.unwrap()), Box::new(TcpStream::connect(address).await.unwrap())];
    let mut half = Vec::new();
    for mut stream in streams {
        stream.write_all(&get("/")).await.unwrap();
        stream.shutdown().await.unwrap();
        half.push(stream);
    }
    assert_eq!([next(&mut events, 20).await, next(&mut events, 20).await], [Some("called"); 2]);
    // The server checks once a second whether the peer has gone.
    assert_eq!(next(&mut events, 3).await, None);
    std::fs::remove_file(path).unwrap();
}
