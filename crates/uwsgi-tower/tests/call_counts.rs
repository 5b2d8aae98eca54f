//! Counts what the server does with a connection: reads, writes, and questions to the listener. Each fast path saves some of
//! them.
#![allow(clippy::unwrap_used, clippy::std_instead_of_alloc, reason = "a test that panics has found something")]

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::service_fn;
use uwsgi::server::Settings;
use uwsgi_tower::{Body, BodyError, Closed, Connection, End, Listener, Vars, request_parts};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
const HEAD: &[u8] = b"\0\x16\0\0\x0e\0REQUEST_METHOD\x04\0HEAD";
const POST: &[u8] = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000005";
/// A request with `CONTENT_LENGTH` 0, which a keep-alive peer sends.
const EMPTY: &[u8] = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x000";

/// A connection that records every call. Each read returns one part of the input. After the last part the peer is silent.
struct Recorder {
    input: VecDeque<&'static [u8]>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Recorder {
    fn record(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }
}

impl AsyncRead for Recorder {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(part) = self.input.pop_front() else {
            self.record("read nothing");
            return Poll::Pending;
        };
        self.record("read");
        buffer.put_slice(part);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.record("write");
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.record("write pieces");
        Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.record("flush");
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.record("shutdown");
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// A kind of listener that knows whether bytes are there.
struct Recorders;

impl Listener for Recorders {
    type Io = Recorder;
    type Addr = ();

    async fn accept(&mut self) -> (Recorder, ()) {
        core::future::pending().await
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }

    fn has_bytes(io: &Recorder) -> Option<bool> {
        Some(!io.input.is_empty())
    }

    fn settle(io: &mut Recorder) -> io::Result<()> {
        io.record("settle");
        Ok(())
    }

    fn closed(_: &Recorder) -> Closed {
        Closed::Nothing
    }
}

/// Answers with the body of the request, or with `hello` if it is known to be empty before it is read.
async fn echo(request: Request<Body>) -> Result<Response<Full<Bytes>>, BodyError> {
    let body = request.into_body();
    if http_body::Body::is_end_stream(&body) {
        return Ok(Response::new(Full::from("hello")));
    }
    Ok(Response::new(Full::new(body.collect().await?.to_bytes())))
}

/// Serves a connection whose peer sends these parts, and returns the calls.
async fn calls(input: &[&'static [u8]], settings: Settings, known: bool) -> Vec<&'static str> {
    let calls = Arc::default();
    let io = Recorder { input: input.iter().copied().collect(), calls: Arc::clone(&calls) };
    let connection = Connection::new(io, service_fn(echo)).with_settings(settings);
    let connection = if known { connection.with_listener::<Recorders>() } else { connection };
    assert!(matches!(connection.serve().await.unwrap(), End::Close(_)));
    let calls = calls.lock().unwrap();
    calls.clone()
}

/// What is saved, the parts that the peer sends, the settings, and the calls.
type Row = (&'static str, &'static [&'static [u8]], Settings, &'static [&'static str]);

#[tokio::test(start_paused = true)]
async fn a_request_takes_few_calls() {
    let once = Settings::default();
    let kept = once.with_keepalive(Duration::from_secs(5));
    let rows: [Row; 8] = [
        ("one read, one write of head and body, and the close", &[GET], once, &["read", "write pieces", "flush"]),
        ("without a body the head is one piece", &[HEAD], once, &["read", "write", "flush"]),
        ("an empty body is not lent", &[EMPTY], once, &["read", "write pieces", "flush"]),
        (
            "a body that came with its packet needs no runtime",
            &[b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000005hello"],
            once,
            &["read", "write pieces", "flush"],
        ),
        (
            "a body that comes later may be read elsewhere",
            &[POST, b"hello"],
            once,
            &["read", "settle", "read", "write pieces", "flush"],
        ),
        (
            "stray bytes are drained after a half-close, and not reset",
            &[GET, b"stray"],
            once,
            &["read", "write pieces", "flush", "shutdown", "read", "read nothing"],
        ),
        (
            "two requests of one read",
            &[b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x000\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x000"],
            kept,
            &["read", "write pieces", "flush", "write pieces", "flush", "read nothing"],
        ),
        (
            "two requests of two reads",
            &[EMPTY, EMPTY],
            kept,
            &["read", "write pieces", "flush", "read", "write pieces", "flush", "read nothing"],
        ),
    ];
    for (name, input, settings, expected) in rows {
        let mut calls = calls(input, settings, true).await;
        // The deadline of a drain or of an idle connection causes further tries to read.
        calls.dedup_by(|next, last| next == last && *last == "read nothing");
        assert_eq!(calls, expected, "{name}");
    }
}

/// If the listener cannot tell whether there are more bytes, the connection is half-closed and drained.
#[tokio::test(start_paused = true)]
async fn an_unknown_socket_is_half_closed() {
    let mut calls = calls(&[GET], Settings::default(), false).await;
    calls.dedup_by(|next, last| next == last && *last == "read nothing");
    assert_eq!(calls, ["read", "write pieces", "flush", "shutdown", "read nothing"]);
}

/// The URI and the values of headers share the bytes of the vars.
#[test]
fn values_are_not_copied() {
    let mut packet = Vec::new();
    let mut encoder = uwsgi::VarsEncoder::new(&mut packet);
    for (key, value) in [("REQUEST_URI", "/a%20path?query"), ("PATH_INFO", "/a path"), ("QUERY_STRING", "query")] {
        encoder.push(key, value).unwrap();
    }
    encoder.push("HTTP_X", "a value").unwrap();
    encoder.push("SCRIPT_NAME", "").unwrap();
    encoder.finish(uwsgi::Modifier1::WSGI, 0).unwrap();
    let (packet, _) = uwsgi::Packet::decode(&packet).unwrap();
    let parts = request_parts(&uwsgi::Request::decode(&packet).unwrap()).unwrap();
    let block = parts.extensions.get::<Vars>().unwrap().as_vars().as_bytes().as_ptr_range();
    assert_eq!(parts.uri, "/a%20path?query");
    for value in [parts.uri.path().as_bytes(), parts.headers["x"].as_bytes()] {
        assert!(block.contains(&value.as_ptr()), "{} is a copy", value.escape_ascii());
    }
}

/// A service learns without a read that a request has no body.
#[tokio::test]
async fn a_request_without_a_body_has_an_empty_body() {
    let io = Recorder { input: [GET].into_iter().collect(), calls: Arc::default() };
    let service = service_fn(async |request: Request<Body>| {
        assert_eq!(http_body::Body::size_hint(request.body()).exact(), Some(0));
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let connection = Connection::new(io, service).with_listener::<Recorders>();
    assert!(matches!(connection.serve().await.unwrap(), End::Close(_)));
}
