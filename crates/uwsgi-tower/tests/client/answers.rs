//! What may come back, and when.

use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use uwsgi::client::ExchangeError;
use uwsgi_tower::{Client, ClientError, Mount, VarsError};

use crate::backend::{Connection, ask, backend, get, post, text, var};

/// A backend that reads one packet and says this, then closes.
async fn saying(answer: &'static [u8]) -> Client {
    let serve = move |mut connection: Connection, _| async move {
        connection.packet().await;
        connection.say(answer).await;
    };
    backend(serve).await
}

/// An answer, and what the client makes of it.
const ANSWERS: &[(&[u8], &str)] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello"),
    (b"HTTP/1.1 200 OK\r\n\r\nto the close", "200 to the close"),
    (b"Status: 404 Not Found\r\n\r\nno", "404 no"),
    (b"Location: /there\r\n\r\n", "302 "),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\n\r\n",
        "201 ",
    ),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n", "200 hello"),
    (b"HTTP/1.1 204 No Content\r\n\r\nrest", "204 "),
    (b"", "the backend closed without an answer, as uWSGI does with what it refuses"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "the backend closed 3 bytes before the answer's end"),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "the backend closed inside the answer's body",
    ),
    (b"HTTP/1.1 200 OK\r\nfoo", "the answer ends inside its head (at byte 20)"),
];

#[tokio::test]
async fn every_kind() {
    for (answer, expected) in ANSWERS {
        let client = saying(answer).await;
        let got = match ask(&client, get("/")).await {
            Err(error) => error.to_string(),
            Ok(response) => {
                let status = response.status();
                text(Ok(response))
                    .await
                    .map_or_else(|error| error.to_string(), |text| format!("{} {text}", status.as_u16()))
            }
        };
        assert_eq!(got, *expected, "{}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn the_answer_to_head_has_a_length_and_no_body() {
    let client = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
    let response = ask(&client, Request::head("/").body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert!(response.body().is_end_stream());
    assert_eq!(text(Ok(response)).await.unwrap(), "");
}

#[tokio::test]
async fn a_body_knows_how_much_is_left() {
    let client = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut body = ask(&client, get("/")).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    let mut left = 5;
    while let Some(frame) = body.frame().await {
        left -= frame.unwrap().into_data().unwrap().len() as u64;
        assert_eq!(body.size_hint().exact(), Some(left));
    }
    assert!(left == 0 && body.is_end_stream());
}

/// The lines of an answer, and the headers that a response has of them.
const HEADERS: &[(&str, &[&str])] = &[
    ("200 OK\r\nConnection: close\r\nKeep-Alive: 1\r\nX: 1\r\nX: 2", &["x: 1", "x: 2"]),
    ("200 OK\r\nConnection: close, X-Hop\r\nx-hop: 1\r\nX: 1", &["x: 1"]),
    ("200 OK\r\nX-Hop: 1\r\nConnection: a\r\nConnection: x-hop\r\nX: 1", &["x: 1"]),
    // Without them it is another answer.
    (
        "200 OK\r\nConnection: content-length, content-type\r\nContent-Length: 0\r\nContent-Type: a",
        &["content-length: 0", "content-type: a"],
    ),
    ("200 OK\r\nUpgrade: h2c\r\nTE: a\r\nTrailer: b\r\nProxy-Connection: c\r\nX: 1", &["x: 1"]),
    // To front ends that read it, `Status` would be another status.
    ("200 OK\r\nStatus: 404 Not Found\r\nX: 1", &["x: 1"]),
    ("204 No Content\r\nContent-Length: 5\r\nX: 1", &["x: 1"]),
    ("304 Not Modified\r\nContent-Length: 5\r\nX: 1", &["content-length: 5", "x: 1"]),
    ("101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x", &["connection: upgrade", "upgrade: x"]),
    (
        "101 Switching Protocols\r\nConnection: x-hop\r\nConnection: keep-alive ,Upgrade\r\nUpgrade: x\r\nX-Hop: 1",
        &["connection: Upgrade", "upgrade: x"],
    ),
    (
        "101 Switching Protocols\r\nConnection: upgrade, x-hop\r\nUpgrade: x\r\nX-Hop: 1\r\nContent-Length: 5",
        &["connection: upgrade", "upgrade: x"],
    ),
];

#[tokio::test]
async fn headers_that_go_further() {
    for (lines, expected) in HEADERS {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.say(format!("HTTP/1.1 {lines}\r\n\r\n")).await;
        });
        let asking = Request::get("/").header("Connection", "upgrade").header("Upgrade", "x");
        let response = ask(&client.await, asking.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let headers = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(headers.collect::<Vec<_>>(), *expected, "{lines}");
    }
}

/// Every byte in a name and in a value: an answer that the core takes is a response, and never an error of `http`.
#[tokio::test]
async fn every_byte_in_a_header() {
    let client = backend(async |mut connection: Connection, number| {
        connection.packet().await;
        let byte = [u8::try_from(number / 2).unwrap()];
        let (name, value) = if number % 2 == 0 { (&byte[..], &b"a"[..]) } else { (&b"a"[..], &byte[..]) };
        connection.say([b"HTTP/1.1 200 OK\r\nX", name, b": a", value, b"a\r\nY: 1\r\n\r\n"].concat()).await;
    })
    .await;
    for number in 0..512 {
        match ask(&client, get("/")).await {
            Ok(response) => assert_eq!(response.headers()["y"], "1"),
            Err(error) => {
                assert!(matches!(error, ClientError::Answer(ExchangeError::Response(_))), "{number}: {error}")
            }
        }
    }
}

/// hyper has no place for it: it would fail the answer. A CONNECT that has a path comes over HTTP/2 (RFC 8441 section 4).
#[tokio::test]
async fn the_answer_to_connect_has_no_length() {
    for (status, expected) in [("200 OK", None), ("403 Forbidden", Some("2"))] {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.say(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok")).await;
        });
        let request = Request::connect("https://a:1/chat").body(Empty::<Bytes>::new()).unwrap();
        let response = ask(&client.await, request).await.unwrap();
        assert_eq!(response.headers().get("content-length").map(|value| value.to_str().unwrap()), expected, "{status}");
    }
}

/// A body that never ends, and how often it was asked.
fn endless() -> (impl Body<Data = Bytes, Error = Infallible> + Send + 'static, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let frames = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(&[b'x'; 65536])))
    });
    (StreamBody::new(frames), asked)
}

/// Nobody reads the rest of a request that was refused, and the answer is not lost.
#[tokio::test]
async fn an_early_error_ends_the_sending() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch").await;
        // It reads no byte of the body, and waits for the client to have seen it.
        connection.closed_or_flooded().await;
    })
    .await;
    let (body, asked) = endless();
    let request = Request::post("/").header("Content-Length", 1_u64 << 40).body(body).unwrap();
    let response = ask(&client, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let before = asked.load(Ordering::Relaxed);
    assert_eq!(text(Ok(response)).await.unwrap(), "much");
    assert_eq!(asked.load(Ordering::Relaxed), before, "it went on");
    assert!(before < 1000, "{before} frames");
}

/// A good answer that comes early does not end it: the body goes on while the answer is read.
#[tokio::test]
async fn an_early_answer_lets_the_body_go_on() {
    const LENGTH: usize = 3_000_000;
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.say("HTTP/1.1 200 OK\r\n\r\nbegun, ").await;
        let body = connection.body(LENGTH).await;
        assert!(body.iter().all(|byte| *byte == b'x'));
        connection.say("and done").await;
    })
    .await;
    let response = ask(&client, post(vec![b'x'; LENGTH])).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(Ok(response)).await.unwrap(), "begun, and done");
}

/// A body and the length that it should have.
#[tokio::test]
async fn bodies_that_are_not_what_was_said() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.closed_or_flooded().await;
    })
    .await;
    for (said, given) in [("3", "hello"), ("9", "hello")] {
        let body = StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(given)))]));
        let request = Request::post("/").header("Content-Length", said).body(body).unwrap();
        let error = ask(&client, request).await.unwrap_err();
        assert!(matches!(error, ClientError::BodyLength), "{said}: {error}");
    }
    let body = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>("it failed")]));
    let request = Request::post("/").header("Content-Length", 5).body(body).unwrap();
    assert_eq!(ask(&client, request).await.unwrap_err().to_string(), "the request's body failed: it failed");
    for (first, second) in [("5", "6"), ("+5", "5")] {
        let request = Request::post("/").header("Content-Length", first).header("Content-Length", second);
        let error = ask(&client, request.body(Full::new(Bytes::from("hello"))).unwrap()).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    }
}

/// A backend has to be told a length: what has none is collected.
#[tokio::test]
async fn a_body_without_a_length_is_collected() {
    let client = backend(async |mut connection: Connection, _| {
        let packet = connection.packet().await.unwrap();
        let length = var(&packet, "CONTENT_LENGTH").unwrap();
        connection.body(length.parse().unwrap()).await;
        connection.answer(&length).await;
    })
    .await
    .with_collected(1000);
    let pieces = |count| {
        let piece = |_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 100])));
        Request::post("/").body(StreamBody::new(stream::iter((0..count).map(piece)))).unwrap()
    };
    assert_eq!(text(ask(&client, pieces(10)).await).await.unwrap(), "1000");
    assert!(matches!(ask(&client, pieces(11)).await, Err(ClientError::BodyTooLong)));
}

#[tokio::test]
async fn vars_that_do_not_fit() {
    let client = saying(b"").await;
    let request = Request::get("/").header("X", "x".repeat(70_000)).body(Empty::<Bytes>::new());
    let error = ask(&client, request.unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::Vars(VarsError::Encode(_))), "{error}");
    assert_eq!(error.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

/// What no server takes is not sent, and a proxy says whose fault it is.
#[tokio::test]
async fn requests_that_cannot_be_sent() {
    let client = Client::new("unix:/nonexistent/app.sock").unwrap();
    let shop = || Mount::new("/shop").unwrap();
    for (request, expected, status) in [
        (Request::get("/a%00b"), "the request's path has a NUL (%00)", 400),
        (Request::get("/").header("Host", "a").header("Host", "a"), "the request has more than one Host", 400),
        (Request::get("/").header("Host", "a/b"), "the request's Host is not a host and maybe a port", 400),
        (
            Request::builder().method("CONNECT").uri("example.com:443"),
            "the request's target is a host without a path, as only CONNECT has it",
            400,
        ),
        (Request::get("/x").extension(shop()), "the request's path is not below the application's mount", 404),
    ] {
        let error = ask(&client, request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.status().as_u16()), (expected, status));
    }
}

#[tokio::test]
async fn nobody_there() {
    let client = Client::new("unix:/nonexistent/app.sock").unwrap();
    let error = ask(&client, get("/")).await.unwrap_err();
    let expected =
        "cannot connect to the backend at unix:/nonexistent/app.sock: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    Client::new("nonsense:address:here").unwrap_err();
}

#[tokio::test]
async fn no_answer_is_no_answer_twice() {
    let client = saying(b"").await.reusing(4);
    let error = ask(&client, get("/")).await.unwrap_err();
    assert!(matches!(error, ClientError::Answer(ExchangeError::NoAnswer)), "{error}");
}
