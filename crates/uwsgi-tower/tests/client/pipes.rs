//! Connections that become pipes.

use core::convert::Infallible;
use core::time::Duration;
use std::io;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::Request;
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use uwsgi::client::ExchangeError;
use uwsgi_tower::{ClientError, upgrade};

use crate::backend::{Connection, ask, backend};

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
/// More than the buffers between hold.
const LENGTH: usize = 20_000_000;

fn asking(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("/").header("Connection", "upgrade").header("Upgrade", "x");
    request.body(Full::new(body.into())).unwrap()
}

/// Pieces of a body, with a pause before each.
fn in_pieces(
    pieces: &'static [&'static str],
    pause: Duration,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static {
    Box::pin(stream::unfold(pieces.iter(), move |mut rest| async move {
        sleep(pause).await;
        Some((Ok(Frame::data(Bytes::from_static(rest.next()?.as_bytes()))), rest))
    }))
}

#[tokio::test]
async fn bytes_behind_a_101_are_the_pipes() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.say([SWITCHING, "first"].concat()).await;
    });
    let mut response = ask(&client.await, asking("")).await.unwrap();
    assert_eq!(response.headers()["upgrade"], "x");
    let mut pipe = upgrade::on(&mut response).await.unwrap();
    let mut got = String::new();
    pipe.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "first");
}

/// RFC 9110 section 15.2.2: a 101 answers an Upgrade of the client.
#[tokio::test]
async fn a_101_that_nobody_asked_for() {
    for upgrade in [None, Some("h2c"), Some("")] {
        let client = backend(async |mut connection: Connection, _| {
            connection.packet().await;
            connection.say(SWITCHING).await;
            connection.closed().await;
        });
        let mut request = Request::get("/").header("Connection", "upgrade");
        if let Some(upgrade) = upgrade {
            request = request.header("Upgrade", upgrade);
        }
        let error = ask(&client.await, request.body(Full::<Bytes>::default()).unwrap()).await.unwrap_err();
        assert!(matches!(error, ClientError::Answer(ExchangeError::UnaskedUpgrade)), "{upgrade:?}: {error}");
    }
}

/// What is written to the pipe comes after the body, also where the backend answers before it reads.
#[tokio::test]
async fn nothing_overtakes_the_body() {
    let client = backend(async |mut connection: Connection, _| {
        connection.say([SWITCHING, "ready"].concat()).await;
        // Time for the client to see the answer before the body has left.
        sleep(Duration::from_millis(100)).await;
        connection.packet().await.unwrap();
        assert!(connection.body(LENGTH).await.iter().all(|byte| *byte == b'x'), "the pipe overtook the body");
        assert_eq!(connection.body(4).await, b"pipe");
        connection.say("done").await;
    });
    let mut response = ask(&client.await, asking(vec![b'x'; LENGTH])).await.unwrap();
    let mut pipe = upgrade::on(&mut response).await.unwrap();
    pipe.write_all(b"pipe").await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), pipe.read_to_string(&mut got)).await.expect("it took the body").unwrap();
    assert_eq!(got, "readydone");
}

/// A backend that answers and never reads: there is no pipe, and nobody waits for ever.
#[tokio::test]
async fn a_backend_that_never_reads_the_body() {
    let client = backend(async |mut connection: Connection, _| {
        connection.say(SWITCHING).await;
        sleep(Duration::from_secs(60)).await;
        drop(connection);
    });
    let client = client.await.with_idle_timeout(Duration::from_millis(300));
    let asked = timeout(Duration::from_secs(20), ask(&client, asking(vec![b'x'; LENGTH])));
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Timeout), "{error}");
}

/// A backend that answers and closes.
#[tokio::test]
async fn a_backend_that_closes_over_the_body() {
    let client = backend(async |mut connection: Connection, _| {
        connection.say(SWITCHING).await;
    });
    let error = ask(&client.await, asking(vec![b'x'; LENGTH])).await.unwrap_err();
    let ClientError::Io(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{error}");
}

/// A backend that answers and closes while our own body has nothing more yet: the caller is told at once, and not when the body
/// goes on.
#[tokio::test]
async fn a_backend_that_closes_while_the_body_is_waited_for() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        // Nothing that it leaves unread makes a reset of the close.
        assert_eq!(connection.body(1).await, b"a");
        connection.say([SWITCHING, "first"].concat()).await;
    });
    let client = client.await;
    let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a")))]);
    let body = StreamBody::new(Box::pin(futures_util::StreamExt::chain(first, stream::pending())));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2).body(body).unwrap();
    let asked = timeout(Duration::from_secs(20), ask(&client, request));
    let error = asked.await.expect("it waits for its own body").unwrap_err();
    let ClientError::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

/// What the backend writes to the pipe before the body has left is read from the pipe, however much it is.
#[tokio::test]
async fn bytes_before_the_body_has_left_are_the_pipes() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.say([SWITCHING, "early"].concat()).await;
        // More than the client reads ahead, and not more than the kernel holds.
        connection.say(vec![b'y'; 100_000]).await;
        assert_eq!(connection.body(2).await, b"ab");
    });
    let client = client.await;
    let slow = in_pieces(&["a", "b"], Duration::from_millis(200));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let mut response = ask(&client, request.body(StreamBody::new(slow)).unwrap()).await.unwrap();
    let mut pipe = upgrade::on(&mut response).await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), pipe.read_to_string(&mut got)).await.expect("it closes").unwrap();
    assert_eq!(got, ["early", &"y".repeat(100_000)].concat());
}

/// The request's own body is slow: nobody else is to blame.
#[tokio::test]
async fn a_body_that_is_slow() {
    const IDLE: Duration = Duration::from_millis(500);
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.say(SWITCHING).await;
        assert_eq!(connection.body(6).await, b"abpipe");
        connection.say("done").await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    let slow = in_pieces(&["a", "b"], IDLE * 2);
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let mut response = ask(&client, request.body(StreamBody::new(slow)).unwrap()).await.unwrap();
    let mut pipe = upgrade::on(&mut response).await.unwrap();
    pipe.write_all(b"pipe").await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), pipe.read_to_string(&mut got)).await.expect("it took the body").unwrap();
    assert_eq!(got, "done");
}

/// A body that ends too early is no request, whatever the answer is.
#[tokio::test]
async fn a_body_that_is_too_short() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.say(SWITCHING).await;
        connection.body(1).await;
        connection.closed().await;
    });
    let short = in_pieces(&["a"], Duration::from_millis(100));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let error = ask(&client.await, request.body(StreamBody::new(short)).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::BodyLength), "{error}");
}
