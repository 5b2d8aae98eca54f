//! Responses of backends, and requests that cannot be sent.

use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::io::AsyncWriteExt;
use uwsgi::client::ExchangeError;
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_tower::{Client, ClientError, Mount, PacketBuf, VarsError};

use crate::backend::{Connection, ask, backend, get, post, text, var};

/// Starts a backend that reads one packet, answers, and closes.
async fn answering(answer: &'static [u8]) -> Client {
    let serve = move |mut connection: Connection, _| async move {
        connection.packet().await;
        connection.send(answer).await;
    };
    backend(serve).await
}

/// A response, and the status and body or the error that the client returns.
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
    (b"HTTP/1.1 200 OK\r\nfoo", "the answer's head is refused: the answer ends inside its head (at byte 20)"),
];

#[tokio::test]
async fn every_kind_of_response_is_read() {
    for (answer, expected) in ANSWERS {
        let client = answering(answer).await;
        let got = match ask(&client, get("/")).await {
            Err(error) => format!("{error:#}"),
            Ok(response) => {
                let status = response.status();
                text(Ok(response))
                    .await
                    .map_or_else(|error| format!("{error:#}"), |text| format!("{} {text}", status.as_u16()))
            }
        };
        assert_eq!(got, *expected, "{}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn a_response_to_head_has_a_length_and_no_body() {
    let client = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
    let response = ask(&client, Request::head("/").body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert!(response.body().is_end_stream());
    assert_eq!(text(Ok(response)).await.unwrap(), "");
}

#[tokio::test]
async fn a_body_knows_how_many_bytes_are_left() {
    let client = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
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

/// The head of a response, and the headers that the client returns.
const HEADERS: &[(&str, &[&str])] = &[
    ("200 OK\r\nConnection: close\r\nKeep-Alive: 1\r\nX: 1\r\nX: 2", &["x: 1", "x: 2"]),
    ("200 OK\r\nConnection: close, X-Hop\r\nx-hop: 1\r\nX: 1", &["x: 1"]),
    ("200 OK\r\nX-Hop: 1\r\nConnection: a\r\nConnection: x-hop\r\nX: 1", &["x: 1"]),
    // Without these headers the response would mean something else.
    (
        "200 OK\r\nConnection: content-length, content-type\r\nContent-Length: 0\r\nContent-Type: a",
        &["content-length: 0", "content-type: a"],
    ),
    ("200 OK\r\nUpgrade: h2c\r\nTE: a\r\nTrailer: b\r\nProxy-Connection: c\r\nX: 1", &["x: 1"]),
    // A front end that reads `Status` would see another status.
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
async fn end_to_end_headers_are_kept() {
    for (lines, expected) in HEADERS {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.send(format!("HTTP/1.1 {lines}\r\n\r\n")).await;
        });
        let request = Request::get("/").header("Connection", "upgrade").header("Upgrade", "x");
        let response = ask(&client.await, request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let headers = response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(headers.collect::<Vec<_>>(), *expected, "{lines}");
    }
}

/// The name or the value of a header has each byte once. If the core accepts the response, `http` does too.
#[tokio::test]
async fn every_byte_in_a_header_is_a_response_or_an_error_of_the_core() {
    let client = backend(async |mut connection: Connection, number| {
        connection.packet().await;
        let byte = [u8::try_from(number / 2).unwrap()];
        let (name, value) = if number % 2 == 0 { (&byte[..], &b"a"[..]) } else { (&b"a"[..], &byte[..]) };
        connection.send([b"HTTP/1.1 200 OK\r\nX", name, b": a", value, b"a\r\nY: 1\r\n\r\n"].concat()).await;
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

/// hyper would fail a response with a length. A CONNECT with a path comes over HTTP/2 (RFC 8441 section 4).
#[tokio::test]
async fn a_successful_response_to_connect_has_no_length() {
    for (status, expected) in [("200 OK", None), ("403 Forbidden", Some("2"))] {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.send(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok")).await;
        });
        let request = Request::connect("https://a:1/chat").body(Empty::<Bytes>::new()).unwrap();
        let response = ask(&client.await, request).await.unwrap();
        assert_eq!(response.headers().get("content-length").map(|value| value.to_str().unwrap()), expected, "{status}");
    }
}

/// Makes an endless body, and a counter of its polls.
fn endless() -> (impl Body<Data = Bytes, Error = Infallible> + Send + 'static, Arc<AtomicUsize>) {
    let polls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polls);
    let frames = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(&[b'x'; 65536])))
    });
    (StreamBody::new(frames), polls)
}

/// A backend does not read the rest of a request that it has refused.
#[tokio::test]
async fn an_early_error_ends_the_sending() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch").await;
        connection.hold().await;
    })
    .await;
    let (body, polls) = endless();
    let request = Request::post("/").header("Content-Length", 1_u64 << 40).body(body).unwrap();
    let response = ask(&client, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let before = polls.load(Ordering::Relaxed);
    assert_eq!(text(Ok(response)).await.unwrap(), "much");
    assert_eq!(polls.load(Ordering::Relaxed), before, "the body was polled again");
    assert!(before < 1000, "{before} frames");
}

/// The client sends the rest of the body while it reads the response.
#[tokio::test]
async fn an_early_response_does_not_end_the_sending() {
    const LENGTH: usize = 3_000_000;
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.send("HTTP/1.1 200 OK\r\n\r\nbegun, ").await;
        let body = connection.body(LENGTH).await;
        assert!(body.iter().all(|byte| *byte == b'x'));
        connection.send("and done").await;
    })
    .await;
    let response = ask(&client, post(vec![b'x'; LENGTH])).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(Ok(response)).await.unwrap(), "begun, and done");
}

/// A body that is too long, too short, or broken, and lengths that contradict each other.
#[tokio::test]
async fn a_body_that_does_not_fit_its_length_is_an_error() {
    let client = backend(async |mut connection: Connection, _| {
        connection.packet().await;
        connection.hold().await;
    })
    .await;
    for (length, given) in [("3", "hello"), ("9", "hello")] {
        let body = StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(given)))]));
        let request = Request::post("/").header("Content-Length", length).body(body).unwrap();
        let error = ask(&client, request).await.unwrap_err();
        assert!(matches!(error, ClientError::BodyLength), "{length}: {error}");
    }
    let body = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>("it failed")]));
    let request = Request::post("/").header("Content-Length", 5).body(body).unwrap();
    let error = ask(&client, request).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "the request's body failed: it failed");
    for (first, second) in [("5", "6"), ("+5", "5")] {
        let request = Request::post("/").header("Content-Length", first).header("Content-Length", second);
        let error = ask(&client, request.body(Full::new(Bytes::from("hello"))).unwrap()).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    }
}

/// A backend needs a length, so that the client collects the body.
#[tokio::test]
async fn a_body_of_unknown_length_is_collected() {
    let client = backend(async |mut connection: Connection, _| {
        let packet = connection.packet().await.unwrap();
        let length = var(&packet, "CONTENT_LENGTH").unwrap();
        connection.body(length.parse().unwrap()).await;
        connection.answer(&length).await;
    })
    .await
    .with_max_collected_body(1000);
    let pieces = |count| {
        let piece = |_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 100])));
        Request::post("/").body(StreamBody::new(stream::iter((0..count).map(piece)))).unwrap()
    };
    assert_eq!(text(ask(&client, pieces(10)).await).await.unwrap(), "1000");
    assert!(matches!(ask(&client, pieces(11)).await, Err(ClientError::BodyTooLong)));
}

#[tokio::test]
async fn vars_that_do_not_fit_are_an_error() {
    let client = answering(b"").await;
    let request = Request::get("/").header("X", "x".repeat(70_000)).body(Empty::<Bytes>::new());
    let error = ask(&client, request.unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::Vars(VarsError::Encode(_))), "{error}");
    assert_eq!(error.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

/// The client does not send what no server accepts. The error has the status for a gateway.
#[tokio::test]
async fn requests_that_cannot_be_sent_are_errors() {
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
async fn a_missing_backend_is_an_error() {
    let client = Client::new("unix:/nonexistent/app.sock").unwrap();
    let error = ask(&client, get("/")).await.unwrap_err();
    let expected =
        "cannot connect to the backend at unix:/nonexistent/app.sock: No such file or directory (os error 2)";
    assert_eq!(format!("{error:#}"), expected);
    assert_eq!((error.status(), error.is_connect(), error.is_timeout()), (StatusCode::BAD_GATEWAY, true, false));
    Client::new("nonsense:address:here").unwrap_err();
}

#[tokio::test]
async fn a_close_on_a_new_connection_is_not_repeated() {
    let client = answering(b"").await.with_pool_max_idle(4);
    let error = ask(&client, get("/")).await.unwrap_err();
    assert!(matches!(error, ClientError::Answer(ExchangeError::NoAnswer)), "{error}");
}

/// A packet that the caller has encoded leaves unchanged, and its body follows.
#[tokio::test]
async fn an_encoded_packet_is_sent_as_it_is() {
    let client = backend(async |mut connection: Connection, _| {
        let packet = connection.packet().await.unwrap();
        let body = connection.body(5).await;
        connection.answer(&format!("{} {}", packet.escape_ascii(), body.escape_ascii())).await;
    });
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    for (key, value) in [("X", "1"), ("REQUEST_METHOD", "PUT"), ("CONTENT_LENGTH", "5")] {
        vars.push(key, value).unwrap();
    }
    vars.finish(Modifier1::PSGI, 7).unwrap();
    let expected = format!("{} hello", packet.escape_ascii());
    let (packet, rest) = PacketBuf::decode(packet).unwrap();
    assert!(rest.is_empty());
    let response = client.await.send(packet, Full::new(Bytes::from("hello"))).await;
    assert_eq!(text(response).await.unwrap(), expected);
}

/// A connector replaces the address.
#[tokio::test]
async fn a_connector_makes_the_connections() {
    let client = Client::new("backend.invalid:1").unwrap().with_connector(async || {
        let (near, mut far) = tokio::io::duplex(4096);
        tokio::spawn(async move { far.write_all(b"HTTP/1.1 200 OK\r\n\r\nin memory").await });
        Ok(near)
    });
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "in memory");
    let client = client.with_connector(async || Err::<tokio::io::DuplexStream, _>(ErrorKind::NotFound.into()));
    let error = ask(&client, get("/")).await.unwrap_err();
    assert!(format!("{error:#}").starts_with("cannot connect to the backend at backend.invalid:1: "), "{error:#}");
}
