//! How long a client waits, and for whom.

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

/// For those who wait in vain.
const IDLE: Duration = Duration::from_millis(300);
/// For those whose wait is to end before it, whatever else the machine does.
const LONG: Duration = Duration::from_millis(2500);

#[tokio::test]
async fn a_backend_that_says_nothing() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.closed().await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    let start = Instant::now();
    assert!(matches!(ask(&client, get("/")).await, Err(ClientError::Timeout)));
    // Half a minute is what it would be otherwise.
    assert!(start.elapsed() >= IDLE && start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_backend_that_stops_in_the_middle() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
        connection.closed().await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    assert!(matches!(text(ask(&client, get("/")).await).await, Err(ClientError::Timeout)));
}

#[tokio::test]
async fn a_backend_that_is_slow_but_not_silent() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        for piece in ["HTTP/1.1 200 OK\r\n", "\r\n", "a", "b", "c", "d"] {
            connection.say(piece).await;
            sleep(LONG / 5).await;
        }
    });
    let client = client.await.with_idle_timeout(LONG);
    let start = Instant::now();
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "abcd");
    assert!(start.elapsed() > LONG, "all of it takes longer than silence may");
}

#[tokio::test]
async fn a_backend_that_takes_nothing() {
    let client = backend(async |connection: Connection, _| {
        sleep(Duration::from_secs(60)).await;
        drop(connection);
    });
    let client = client.await.with_idle_timeout(IDLE);
    let asked = timeout(Duration::from_secs(20), ask(&client, post(vec![b'x'; 30_000_000])));
    assert!(matches!(asked.await.unwrap(), Err(ClientError::Timeout)));
}

/// It is our own body that is slow: nobody else is to blame.
#[tokio::test]
async fn a_body_that_is_slow() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.body(3).await;
        connection.answer("got it").await;
    });
    let client = client.await.with_idle_timeout(LONG);
    let slow = stream::unfold(3, async |left: u8| {
        // Each at another time, and one of them longer than a backend may be silent.
        sleep(if left == 2 { LONG * 3 / 2 } else { LONG / 10 }).await;
        let frame = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
        (left > 0).then(|| (frame, left - 1))
    });
    let request = Request::post("/").header("Content-Length", 3).body(StreamBody::new(slow)).unwrap();
    assert_eq!(text(ask(&client, request).await).await.unwrap(), "got it");
}

/// Who reads late finds what came in time.
#[tokio::test]
async fn a_reader_that_is_slow() {
    let go_on = Arc::new(Notify::new());
    let told = Arc::clone(&go_on);
    let client = backend(move |mut connection: Connection, _| {
        let told = Arc::clone(&told);
        async move {
            connection.packet().await;
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
            told.notified().await;
            connection.say("hello").await;
        }
    });
    let client = client.await.with_idle_timeout(LONG);
    let mut body = ask(&client, get("/")).await.unwrap().into_body();
    let first = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "hello");
    // It was asked once, and had nothing yet.
    let next = http_body_util::BodyExt::frame(&mut body);
    assert!(timeout(Duration::from_millis(10), next).await.is_err());
    go_on.notify_one();
    sleep(LONG * 3 / 2).await;
    let second = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    assert_eq!(second.into_data().unwrap(), "hello");
}

/// Where more connect than may wait in line, they wait until there is room, for as long as a client waits for a connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_line_that_is_full() {
    let path = std::env::temp_dir().join(format!("uwsgi-tower-line-{}.sock", std::process::id()));
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(1).unwrap();
    let client = Client::new(&format!("unix:{}", path.display())).unwrap();
    let asked = tokio::spawn(futures_util::future::join_all((0..10).map({
        let client = client.clone();
        move |_| {
            let client = client.clone();
            async move { text(ask(&client, get("/")).await).await }
        }
    })));
    sleep(IDLE).await;
    // Nobody accepts yet.
    let impatient = client.with_connect_timeout(IDLE);
    let start = Instant::now();
    let error = ask(&impatient, get("/")).await.unwrap_err();
    assert!(matches!(&error, ClientError::Connect { error, .. } if error.kind() == io::ErrorKind::TimedOut), "{error}");
    assert!(start.elapsed() >= IDLE && start.elapsed() < Duration::from_secs(10));
    for _ in 0..10 {
        let (mut stream, _) =
            timeout(Duration::from_secs(10), listener.accept()).await.expect("another one comes").unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    }
    for answer in asked.await.unwrap() {
        assert_eq!(answer.unwrap(), "hello");
    }
    std::fs::remove_file(path).unwrap();
}
