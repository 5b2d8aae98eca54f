//! The body of a response, read frame by frame. Small frames that are ready together leave together: a write is a system call,
//! and a stream of records or of lines has many small frames.

use core::error::Error;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::panic::catch_unwind;

use alloc::boxed::Box;
use bytes::{Buf, BufMut, Bytes, BytesMut};

type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a response.
pub(super) struct ResponseBody<'b, B> {
    body: Pin<&'b mut B>,
    /// What came after the frames that were gathered, and did not fit to them.
    ahead: Option<Frame>,
}

/// The bytes of a frame, at least one; `None` at the end.
type Frame = Result<Option<Bytes>, BoxError>;

/// The most bytes that are gathered. They are copied, so that a writer without vectored writes, such as that of TLS, gains too.
const MAX_GATHERED: usize = 16 << 10;
/// The most frames that are gathered: the first ones do not wait for long if each frame takes time to make.
const MAX_FRAMES: usize = 64;

impl<'b, B> ResponseBody<'b, B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    pub(super) const fn new(body: Pin<&'b mut B>) -> Self {
        Self { body, ahead: None }
    }

    /// Returns the next bytes: one frame, or several small ones that are ready if `gathers` is true.
    pub(super) fn poll_chunk(&mut self, gathers: bool, cx: &mut Context<'_>) -> Poll<Frame> {
        let Some(first) = ready!(self.poll_frame(cx))? else { return Poll::Ready(Ok(None)) };
        if !gathers || first.len() >= MAX_GATHERED {
            return Poll::Ready(Ok(Some(first)));
        }
        let mut gathered = BytesMut::new();
        for _ in 1..MAX_FRAMES {
            let room = MAX_GATHERED.saturating_sub(gathered.len().max(first.len()));
            match self.poll_frame(cx) {
                Poll::Ready(Ok(Some(frame))) if frame.len() <= room => {
                    if gathered.is_empty() {
                        gathered.put_slice(&first);
                    }
                    gathered.put(frame);
                }
                Poll::Ready(other) => {
                    self.ahead = Some(other);
                    break;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(Some(if gathered.is_empty() { first } else { gathered.freeze() })))
    }

    /// Returns the next frame. Frames without data are skipped: only a chunked response could have trailers.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Frame> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(ahead);
        }
        loop {
            let Ok(polled) = catch_unwind(AssertUnwindSafe(|| self.body.as_mut().poll_frame(cx))) else {
                return Poll::Ready(Err("the service's body panicked".into()));
            };
            return Poll::Ready(match ready!(polled) {
                None => Ok(None),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) if data.has_remaining() => Ok(Some(data.copy_to_bytes(data.remaining()))),
                    _ => continue,
                },
            });
        }
    }
}
