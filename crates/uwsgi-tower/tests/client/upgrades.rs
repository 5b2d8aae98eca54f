//! Upgraded connections of the client.

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
/// More than the buffers of the kernel hold.
const LENGTH: usize = 20_000_000;

fn upgrade_request(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("/").header("Connection", "upgrade").header("Upgrade", "x");
    request.body(Full::new(body.into())).unwrap()
}

/// Makes a slow body: a pause before each piece.
fn in_pieces(
    pieces: &'static [&'static str],
    pause: Duration,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static {
    Box::pin(stream::unfold(pieces.iter(), move |mut rest| async move {
        // Simulates slowness.
        sleep(pause).await;
        Some((Ok(Frame::data(Bytes::from_static(rest.next()?.as_bytes()))), rest))
    }))
}

#[tokio::test]
async fn bytes_after_a_101_belong_to_the_connection() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.send([SWITCHING, "first"].concat()).await;
    });
    let mut response = ask(&client.await, upgrade_request("")).await.unwrap();
    assert_eq!(response.headers()["upgrade"], "x");
    let mut upgraded = upgrade::on(&mut response).await.unwrap();
    let mut got = String::new();
    upgraded.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, "first");
}

/// A 101 answers an `Upgrade` of the client (RFC 9110 section 15.2.2).
#[tokio::test]
async fn an_unasked_101_is_an_error() {
    for upgrade in [None, Some("h2c"), Some("")] {
        let client = backend(async |mut connection: Connection, _| {
            connection.packet().await;
            connection.send(SWITCHING).await;
            connection.wait_for_close().await;
        });
        let mut request = Request::get("/").header("Connection", "upgrade");
        if let Some(upgrade) = upgrade {
            request = request.header("Upgrade", upgrade);
        }
        let error = ask(&client.await, request.body(Full::<Bytes>::default()).unwrap()).await.unwrap_err();
        assert!(matches!(error, ClientError::Answer(ExchangeError::UnaskedUpgrade)), "{upgrade:?}: {error}");
    }
}

/// The bytes of the upgraded connection come after the request's body, even if the backend answers before it reads.
#[tokio::test]
async fn upgraded_bytes_do_not_overtake_the_body() {
    let client = backend(async |mut connection: Connection, _| {
        connection.send([SWITCHING, "ready"].concat()).await;
        // The client must read the response before the body is sent. The backend cannot see when it has.
        sleep(Duration::from_millis(100)).await;
        connection.packet().await.unwrap();
        assert!(connection.body(LENGTH).await.iter().all(|byte| *byte == b'x'), "the upgraded bytes overtook the body");
        assert_eq!(connection.body(4).await, b"then");
        connection.send("done").await;
    });
    let mut response = ask(&client.await, upgrade_request(vec![b'x'; LENGTH])).await.unwrap();
    let mut upgraded = upgrade::on(&mut response).await.unwrap();
    upgraded.write_all(b"then").await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), upgraded.read_to_string(&mut got))
        .await
        .expect("the backend did not get the body")
        .unwrap();
    assert_eq!(got, "readydone");
}

/// The backend answers and never reads. The client times out.
#[tokio::test]
async fn a_101_without_reading_the_body_times_out() {
    let client = backend(async |mut connection: Connection, _| {
        connection.send(SWITCHING).await;
        connection.hold().await;
    });
    let client = client.await.with_idle_timeout(Duration::from_millis(300));
    let asked = timeout(Duration::from_secs(20), ask(&client, upgrade_request(vec![b'x'; LENGTH])));
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Timeout), "{error}");
}

/// The backend answers and closes.
#[tokio::test]
async fn a_close_before_the_body_is_read_is_an_error() {
    let client = backend(async |mut connection: Connection, _| {
        connection.send(SWITCHING).await;
    });
    let error = ask(&client.await, upgrade_request(vec![b'x'; LENGTH])).await.unwrap_err();
    let ClientError::Io(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{error}");
}

/// The backend answers and closes while the request's own body has nothing more yet. The error comes at once.
#[tokio::test]
async fn a_close_while_the_client_waits_for_its_body_is_an_error() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        // With unread bytes, the close would be a reset.
        assert_eq!(connection.body(1).await, b"a");
        connection.send([SWITCHING, "first"].concat()).await;
    });
    let client = client.await;
    let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a")))]);
    let body = StreamBody::new(Box::pin(futures_util::StreamExt::chain(first, stream::pending())));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2).body(body).unwrap();
    let asked = timeout(Duration::from_secs(20), ask(&client, request));
    let error = asked.await.expect("the client waits for its own body").unwrap_err();
    let ClientError::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

/// The upgraded connection starts with the bytes that the backend sends before the request's body is sent.
#[tokio::test]
async fn bytes_before_the_end_of_the_body_belong_to_the_connection() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.send([SWITCHING, "early"].concat()).await;
        // More than the client reads ahead, and less than the buffers of the kernel hold.
        connection.send(vec![b'y'; 100_000]).await;
        assert_eq!(connection.body(2).await, b"ab");
    });
    let client = client.await;
    let slow = in_pieces(&["a", "b"], Duration::from_millis(200));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let mut response = ask(&client, request.body(StreamBody::new(slow)).unwrap()).await.unwrap();
    let mut upgraded = upgrade::on(&mut response).await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), upgraded.read_to_string(&mut got)).await.expect("the backend closes").unwrap();
    assert_eq!(got, ["early", &"y".repeat(100_000)].concat());
}

/// The time does not run while the client waits for its own body.
#[tokio::test]
async fn a_slow_body_before_an_upgrade_does_not_time_out() {
    const IDLE: Duration = Duration::from_millis(500);
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.send(SWITCHING).await;
        assert_eq!(connection.body(6).await, b"abthen");
        connection.send("done").await;
    });
    let client = client.await.with_idle_timeout(IDLE);
    let slow = in_pieces(&["a", "b"], IDLE * 2);
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let mut response = ask(&client, request.body(StreamBody::new(slow)).unwrap()).await.unwrap();
    let mut upgraded = upgrade::on(&mut response).await.unwrap();
    upgraded.write_all(b"then").await.unwrap();
    let mut got = String::new();
    timeout(Duration::from_secs(20), upgraded.read_to_string(&mut got))
        .await
        .expect("the backend did not get the body")
        .unwrap();
    assert_eq!(got, "done");
}

/// The request is not whole, whatever the response is.
#[tokio::test]
async fn a_body_that_is_too_short_is_an_error() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await.unwrap();
        connection.send(SWITCHING).await;
        connection.body(1).await;
        connection.wait_for_close().await;
    });
    let short = in_pieces(&["a"], Duration::from_millis(100));
    let request = Request::post("/").header("Upgrade", "x").header("Content-Length", 2);
    let error = ask(&client.await, request.body(StreamBody::new(short)).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::BodyLength), "{error}");
}
