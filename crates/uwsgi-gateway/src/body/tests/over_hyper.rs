//! What hyper makes of these bodies: when it answers, when it says 100, when it keeps a connection, and when it drops an answer.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Mutex;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::limited::LIMITS;
use super::scripted::Step::{Data, Hang};
use super::scripted::{Scripted, Seen, frames};
use crate::body::{AnswerBody, BodyError, BodyLimits, read_whole};
use crate::buffer::Budget;
use crate::buffer::tests::{KIB, budget, until_free};

/// A pipe in memory, as hyper's I/O.
struct Io(DuplexStream);

impl Read for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 4096];
        let len = bytes.len().min(out.remaining());
        let mut buffer = ReadBuf::new(&mut bytes[..len]);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        out.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Reads a request whole, and answers with its length or with the status of the failure.
async fn count(
    request: Request<Incoming>,
    limit: u64,
    budget: &Arc<Budget>,
) -> Result<Response<AnswerBody<Scripted>>, Box<BodyError>> {
    let length = request.headers().get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
    let limits = BodyLimits { declared: length, limit, ..LIMITS };
    match read_whole(request.into_body(), &limits, budget).await {
        Ok(body) => Ok(Response::new(AnswerBody::text(Bytes::from(format!("read {}", body.len()))))),
        Err(error) => match error.status() {
            Some(status) => Ok(Response::builder().status(status).body(AnswerBody::text("refused".into())).unwrap()),
            None => Err(Box::new(error)),
        },
    }
}

/// Serves a connection that takes bodies of at most 100,000 bytes.
fn serve(io: DuplexStream, budget: &Arc<Budget>) {
    let budget = Arc::clone(budget);
    let service = service_fn(move |request| {
        let budget = Arc::clone(&budget);
        async move { count(request, 100_000, &budget).await }
    });
    tokio::spawn(http1::Builder::new().half_close(false).serve_connection(Io(io), service));
}

/// Reads until there are so many answers that end with a text, or to the end of the stream.
async fn read_answers(client: &mut DuplexStream, count: usize) -> String {
    let mut got = Vec::new();
    loop {
        let text = String::from_utf8(got.clone()).unwrap();
        let ends = text.matches("read ").count() + text.matches("refused").count();
        if ends >= count || timeout(Duration::from_secs(60), client.read_buf(&mut got)).await.unwrap().unwrap() == 0 {
            return text;
        }
    }
}

/// The clients here send no end of their body, and do not close, unless the row says so.
#[tokio::test(start_paused = true)]
async fn answers_to_bodies() {
    let (long, half) = ("x".repeat(100_001), "x".repeat(50_000));
    // Name, head, body, the statuses that come back.
    let rows: Vec<(&str, &str, Vec<&str>, &[u16])> = vec![
        ("no body", "POST / HTTP/1.1\r\n", vec![], &[200]),
        ("a body", "POST / HTTP/1.1\r\nContent-Length: 5\r\n", vec!["hello"], &[200]),
        ("a body in pieces", "POST / HTTP/1.1\r\nContent-Length: 5\r\n", vec!["he", "llo"], &[200]),
        ("chunks", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", vec!["5\r\nhello\r\n", "0\r\n\r\n"], &[200]),
        ("a malformed chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", vec!["5\r\nhello\r\nx\r\n"], &[400]),
        (
            "a chunk too large to count",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
            vec!["fffffffffffffffff\r\n"],
            &[400],
        ),
        (
            "a malformed trailer",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
            vec!["0\r\nno colon\r\n\r\n"],
            &[400],
        ),
        ("declared too long", "POST / HTTP/1.1\r\nContent-Length: 100001\r\n", vec![], &[413]),
        ("too long, and it comes", "POST / HTTP/1.1\r\nContent-Length: 100001\r\n", vec![&half], &[413]),
        (
            "chunks that are too long",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
            vec!["fffff\r\n", &long],
            &[413],
        ),
        ("silence", "POST / HTTP/1.1\r\nContent-Length: 5\r\n", vec!["he"], &[408]),
        ("expected", "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n", vec!["hello"], &[100, 200]),
        (
            "expected, and too long",
            "POST / HTTP/1.1\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n",
            vec![],
            &[413],
        ),
    ];
    let budget = budget(1 << 20, 1 << 20);
    for (name, head, pieces, expected) in rows {
        let (mut client, server) = duplex(1 << 20);
        serve(server, &budget);
        client.write_all(format!("{head}Host: a\r\n\r\n").as_bytes()).await.unwrap();
        for piece in pieces {
            yield_now().await;
            // hyper may have answered and closed already.
            let _ = client.write_all(piece.as_bytes()).await;
        }
        let answers = read_answers(&mut client, 1).await;
        let statuses: Vec<u16> = answers
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|answer| answer.split(' ').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(statuses, expected, "{name}: {answers}");
        until_free(&budget).await;
    }
}

/// The body is dropped at its end, and the connection is kept.
#[tokio::test]
async fn a_connection_is_kept_after_a_body() {
    let budget = budget(1 << 20, 1 << 20);
    let (mut client, server) = duplex(1 << 20);
    serve(server, &budget);
    for round in 0..20 {
        let size = 1 + round * 5000;
        let request = match round % 2 {
            0 => format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{}", "x".repeat(size)),
            _ => format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n0\r\n\r\n",
                "x".repeat(size)
            ),
        };
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answers(&mut client, 1).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{round}: {answer}");
    }
}

/// A client that breaks off in its body has no answer.
#[tokio::test]
async fn a_body_that_breaks_off_has_no_answer() {
    let budget = budget(1 << 20, 1 << 20);
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let (mut client, server) = duplex(1 << 20);
        serve(server, &budget);
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read_answers(&mut client, 1).await, "", "{request}");
    }
}

/// A client that goes away in an answer: the backend's body is dropped, even if the backend is silent.
#[tokio::test]
async fn a_client_that_goes_closes_the_backend() {
    // Name, what the backend sends, how many bytes the client reads first.
    let rows = [
        ("before the first byte", vec![Hang], 10),
        ("inline", vec![Data(1000), Hang], 1000),
        ("in the read-ahead", [frames(300 * KIB, 10_000), vec![Hang]].concat(), 1000),
        ("while it sends", frames(1 << 26, 10), 200 * KIB),
    ];
    for (name, steps, reads) in rows {
        let budget = budget(1 << 20, 1 << 27);
        let (mut client, server) = duplex(64 * KIB);
        let (body, seen): (Scripted, Seen) = Scripted::new(steps);
        let answer = Mutex::new(Some(AnswerBody::buffered(body, &budget, u64::MAX)));
        let service = service_fn(move |_: Request<Incoming>| {
            let answer = answer.lock().unwrap().take();
            async move { Ok::<_, Infallible>(Response::new(answer.unwrap())) }
        });
        let connection = tokio::spawn(http1::Builder::new().serve_connection(Io(server), service));
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        client.read_exact(&mut vec![0; reads]).await.unwrap();
        assert!(!seen.is_dropped(), "{name}");
        drop(client);
        let _ = timeout(Duration::from_secs(30), connection).await.expect("hyper does not see it").unwrap();
        yield_now().await;
        assert!(seen.is_dropped(), "{name}");
        until_free(&budget).await;
    }
}
