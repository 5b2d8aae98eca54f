//! Frames of a response that are ready together leave together, and none waits for another that is not ready.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};
use tower::service_fn;
use uwsgi_tower::{Body, Connection};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";

/// A connection whose peer sends one request. It keeps the bytes of each write.
struct Writes {
    request: &'static [u8],
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
    is_vectored: bool,
}

impl AsyncRead for Writes {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buffer.put_slice(core::mem::take(&mut self.request));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Writes {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.lock().unwrap().push(bytes.to_vec());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let first = pieces.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
        let bytes = if self.is_vectored { &whole[..] } else { first };
        self.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }
}

/// Returns a response with these frames.
fn response<E>(
    frames: impl Stream<Item = Result<Bytes, E>>,
) -> Response<impl http_body::Body<Data = Bytes, Error = E>> {
    Response::new(StreamBody::new(frames.map(|bytes| bytes.map(Frame::data))))
}

/// Returns the writes of a response with these frames, which are all ready, and of the error after them.
async fn writes(frames: Vec<Vec<u8>>, fails: bool, is_vectored: bool) -> Vec<Vec<u8>> {
    let writes = Arc::default();
    let io = Writes { request: GET, writes: Arc::clone(&writes), is_vectored };
    let service = service_fn(move |_: Request<Body>| {
        let frames: Vec<_> = frames.iter().map(|frame| Ok(Bytes::from(frame.clone()))).collect();
        let failure = fails.then(|| Err(io::Error::other("the source has failed")));
        core::future::ready(Ok::<_, Infallible>(response(stream::iter(frames.into_iter().chain(failure)))))
    });
    let ended = Connection::new(io, service).serve().await.unwrap();
    assert_eq!(matches!(ended, uwsgi_tower::End::Abort(_)), fails);
    let writes = writes.lock().unwrap();
    writes.clone()
}

#[tokio::test]
async fn small_frames_that_are_ready_leave_together() {
    let frames: Vec<Vec<u8>> = (0..1000).map(|number| format!("frame {number}\n").into_bytes()).collect();
    for is_vectored in [true, false] {
        for fails in [true, false] {
            let writes = writes(frames.clone(), fails, is_vectored).await;
            assert!(writes.len() <= 20, "{} writes", writes.len());
            let whole = writes.concat();
            assert!(whole.ends_with(&frames.concat()), "{}", whole.escape_ascii());
        }
    }
}

/// A large frame is not copied to others, and leaves after the small ones before it. The head leaves with the first frame.
#[tokio::test]
async fn large_frames_leave_alone() {
    let frames = vec![vec![b'a'; 10], vec![b'b'; 10], vec![b'c'; 100_000], vec![b'd'; 10], vec![b'e'; 16_384 - 10]];
    let writes = writes(frames.clone(), false, true).await;
    let lengths: Vec<usize> = writes.iter().map(Vec::len).collect();
    assert!(writes[0].ends_with(b"\r\n\r\naaaaaaaaaa"), "{}", writes[0].escape_ascii());
    assert_eq!(lengths[1..], [10, 100_000, 16_384]);
    assert!(writes.concat().ends_with(&frames.concat()));
}

/// Frames that are ready leave at once when the next is not.
#[tokio::test(start_paused = true)]
async fn no_frame_waits_for_one_that_is_not_ready() {
    let (mut peer, io) = duplex(1 << 16);
    let service = service_fn(async |_: Request<Body>| {
        let ready = stream::iter([Ok::<_, Infallible>("one "), Ok("two ")]);
        let late = stream::once(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok("three")
        });
        let frames = ready.chain(late).map(|text| text.map(|text| Bytes::from_static(text.as_bytes())));
        Ok::<_, Infallible>(response(frames))
    });
    let start = tokio::time::Instant::now();
    let served = tokio::spawn(Connection::new(io, service).serve());
    peer.write_all(GET).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"one two ") {
        assert_ne!(peer.read_buf(&mut answer).await.unwrap(), 0, "{}", answer.escape_ascii());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let mut rest = String::new();
    peer.read_to_string(&mut rest).await.unwrap();
    assert_eq!((rest.as_str(), start.elapsed()), ("three", Duration::from_secs(5)));
    drop(peer);
    served.await.unwrap().unwrap();
}
