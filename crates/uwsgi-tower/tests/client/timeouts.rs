//! The timeouts of the client.

use core::convert::Infallible;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use uwsgi_tower::{Client, ClientError};

use crate::backend::{Connection, ask, backend, get, post, text};

/// A timeout that passes in the test.
const IDLE: Duration = Duration::from_millis(300);
/// A timeout that must not pass, even on a busy machine.
const LONG: Duration = Duration::from_millis(2500);

#[tokio::test]
async fn a_silent_backend_times_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.wait_for_close().await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    let start = Instant::now();
    assert!(matches!(ask(&client, get("/")).await, Err(ClientError::Timeout)));
    // The default is a minute.
    assert!(start.elapsed() >= IDLE && start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_backend_that_stops_inside_a_body_times_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
        connection.wait_for_close().await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    assert!(matches!(text(ask(&client, get("/")).await).await, Err(ClientError::Timeout)));
}

#[tokio::test]
async fn a_slow_backend_does_not_time_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        for piece in ["HTTP/1.1 200 OK\r\n", "\r\n", "a", "b", "c", "d"] {
            connection.send(piece).await;
            // Simulates slowness.
            sleep(LONG / 5).await;
        }
    });
    let client = client.await.with_idle_timeout(LONG);
    let start = Instant::now();
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "abcd");
    assert!(start.elapsed() > LONG, "the response must take longer than the timeout");
}

/// Single bytes of a head do not extend the time for it.
#[tokio::test]
async fn a_head_that_never_ends_times_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.send("HTTP/1.1 200 OK\r\nX: ").await;
        while connection.stream.write_all(b"x").await.is_ok() {
            // Simulates slowness.
            sleep(IDLE / 10).await;
        }
    });
    let client = client.await.with_idle_timeout(IDLE);
    let asked = timeout(Duration::from_secs(20), ask(&client, get("/")));
    assert!(matches!(asked.await.unwrap(), Err(ClientError::Timeout)));
}

#[tokio::test]
async fn a_backend_that_reads_nothing_times_out() {
    let client = backend(async |connection: Connection, _| connection.hold().await);
    let client = client.await.with_idle_timeout(IDLE);
    let asked = timeout(Duration::from_secs(20), ask(&client, post(vec![b'x'; 30_000_000])));
    assert!(matches!(asked.await.unwrap(), Err(ClientError::Timeout)));
}

/// The time does not run while the client waits for its own body.
#[tokio::test]
async fn a_slow_request_body_does_not_time_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.body(3).await;
        connection.answer("got it").await;
    });
    let client = client.await.with_idle_timeout(LONG);
    let slow = stream::unfold(3, async |left: u8| {
        // Simulates slowness. One pause is longer than the timeout.
        sleep(if left == 2 { LONG * 3 / 2 } else { LONG / 10 }).await;
        let frame = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
        (left > 0).then(|| (frame, left - 1))
    });
    let request = Request::post("/").header("Content-Length", 3).body(StreamBody::new(slow)).unwrap();
    assert_eq!(text(ask(&client, request).await).await.unwrap(), "got it");
}

/// A caller that polls late still gets bytes that arrived in time.
#[tokio::test]
async fn a_slow_caller_does_not_time_out() {
    let go_on = Arc::new(Notify::new());
    let notify = Arc::clone(&go_on);
    let client = backend(move |mut connection: Connection, _| {
        let notify = Arc::clone(&notify);
        async move {
            connection.packet().await;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
            notify.notified().await;
            connection.send("hello").await;
        }
    });
    let client = client.await.with_idle_timeout(LONG);
    let mut body = ask(&client, get("/")).await.unwrap().into_body();
    let first = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "hello");
    // The body is polled once, and has nothing yet.
    let next = http_body_util::BodyExt::frame(&mut body);
    assert!(timeout(Duration::from_millis(10), next).await.is_err());
    go_on.notify_one();
    // Simulates a slow caller.
    sleep(LONG * 3 / 2).await;
    let second = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    assert_eq!(second.into_data().unwrap(), "hello");
}

/// While the backlog is full, a connect waits for room until its timeout.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connect_waits_while_the_backlog_is_full() {
    let path = std::env::temp_dir().join(format!("uwsgi-tower-backlog-{}.sock", std::process::id()));
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(1).unwrap();
    // Linux lets one connection more wait than the backlog says. These two fill it.
    let waiting = [(); 2].map(|()| std::os::unix::net::UnixStream::connect(&path).unwrap());
    let client = Client::new(&format!("unix:{}", path.display())).unwrap();
    let asked = tokio::spawn(futures_util::future::join_all((0..10).map({
        let client = client.clone();
        move |_| {
            let client = client.clone();
            async move { text(ask(&client, get("/")).await).await }
        }
    })));
    let impatient = client.with_connect_timeout(IDLE);
    let start = Instant::now();
    let error = ask(&impatient, get("/")).await.unwrap_err();
    assert!(matches!(&error, ClientError::Connect { error, .. } if error.kind() == io::ErrorKind::TimedOut), "{error}");
    assert!(start.elapsed() >= IDLE && start.elapsed() < Duration::from_secs(10));
    for _ in waiting {
        listener.accept().await.unwrap();
    }
    for _ in 0..10 {
        let (mut stream, _) =
            timeout(Duration::from_secs(10), listener.accept()).await.expect("another client connects").unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    }
    for answer in asked.await.unwrap() {
        assert_eq!(answer.unwrap(), "hello");
    }
    std::fs::remove_file(path).unwrap();
}
