//! Counts the calls that the client makes on a connection. Each fast path saves calls.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::Mutex;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uwsgi::client::Exchange;
use uwsgi::{Modifier1, Packet, VarsEncoder};

use crate::client::exchange_driver::ExchangeDriver;
use crate::client::incoming::Incoming;
use crate::client::outgoing::StreamedBody;
use crate::client::pool::{Io, Pool};

/// A connection that records every call. Its backend answers at once.
#[derive(Debug)]
struct Recorder {
    answer: Option<&'static [u8]>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Recorder {
    fn record(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }
}

impl AsyncRead for Recorder {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.record("read");
        let Some(answer) = self.answer.take() else { return Poll::Pending };
        buffer.put_slice(answer);
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
        self.record("write");
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
}

impl Io for Recorder {
    fn is_silent(&self) -> bool {
        self.answer.is_none()
    }
}

/// Sends a request with this body, and reads the first frame of the response's body if there must be one. Returns that frame,
/// the calls until the exchange is over, and whether the connection was kept then.
async fn exchange(body: &'static str, answer: &'static [u8], has_body: bool) -> (Bytes, Vec<&'static str>, bool) {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    vars.push("CONTENT_LENGTH", body.len().to_string().as_str()).unwrap();
    vars.finish(Modifier1::WSGI, 0).unwrap();
    let request = Packet::decode(&packet).unwrap().0;
    let exchange = Exchange::of(&uwsgi::Request::decode(&request).unwrap()).unwrap();
    let (calls, pool) = (Arc::default(), Arc::new(Pool::new(1, Duration::from_secs(30))));
    let io = Box::new(Recorder { answer: Some(answer), calls: Arc::clone(&calls) });
    let body = Box::pin(StreamedBody::new(Full::new(Bytes::from_static(body.as_bytes()))));
    let mut driver = ExchangeDriver::new(io, packet.into(), body, exchange, Duration::from_secs(60), &pool);
    let head = driver.head().await.unwrap();
    let mut response = Incoming::response(driver, head);
    let frame = match has_body {
        true => response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(),
        false => Bytes::new(),
    };
    let calls = calls.lock().unwrap().clone();
    // A caller that knows the length need not poll for the end of the body.
    (frame, calls, pool.take().is_some())
}

#[tokio::test]
async fn an_exchange_takes_few_calls() {
    let hello = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";
    let empty = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
    let no_content = b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n";
    let get = &["write", "flush", "read"][..];
    let post = &["write", "write", "flush", "read"][..];
    for (body, answer, expected, calls) in [
        ("", &hello[..], "hello", get),
        ("a body", hello, "hello", post),
        // The connection is free before the caller looks at the body.
        ("", empty, "", get),
        ("a body", empty, "", post),
        ("", no_content, "", get),
    ] {
        let got = exchange(body, answer, !expected.is_empty()).await;
        assert_eq!(got, (Bytes::from(expected), calls.to_vec(), true), "{body} {}", answer.escape_ascii());
    }
}
