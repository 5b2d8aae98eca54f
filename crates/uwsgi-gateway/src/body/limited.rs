//! The body of a request, with its limits.

use core::error::Error;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::body::error::BodyError;
use crate::body::wait::BodyWait;

/// How long a body may be, and how slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// The length that the head declares.
    pub(crate) declared: Option<u64>,
    /// The most bytes.
    pub(crate) limit: u64,
    /// The longest time without a byte. After this time of waiting, the body must also have come at 240 bytes a second.
    pub(crate) idle: Duration,
}

impl BodyLimits {
    /// Returns whether the declared length is over the limit.
    pub(crate) fn is_declared_too_long(&self) -> bool {
        self.declared.is_some_and(|declared| declared > self.limit)
    }
}

/// A body that fails when it is too long or too slow, or when its length is not the declared one. Its trailers are dropped.
///
/// It drops the body inside as soon as it fails or ends. hyper sends an answer while a client still sends only if the body is
/// dropped.
#[derive(Debug)]
pub(crate) struct LimitedBody<B> {
    /// `None` at the end.
    body: Option<B>,
    limits: BodyLimits,
    wait: BodyWait,
}

impl<B> LimitedBody<B> {
    pub(crate) const fn new(body: B, limits: &BodyLimits) -> Self {
        Self { body: Some(body), limits: *limits, wait: BodyWait::new(limits.idle) }
    }

    /// Returns the number of bytes that are left, if the length is declared.
    fn left(&self) -> Option<u64> {
        self.limits.declared.map(|declared| declared.saturating_sub(self.wait.received()))
    }

    /// Counts bytes, and holds them to the limits.
    fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        let left = self.left();
        self.wait.count(bytes);
        if self.wait.received() > self.limits.limit {
            return Err(BodyError::TooLong);
        }
        if left.is_some_and(|left| u64::try_from(bytes).is_ok_and(|bytes| bytes > left)) {
            return Err(client_error("the body is longer than its declared length"));
        }
        Ok(())
    }
}

impl<B> LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Returns the next bytes, which are never empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_data(cx)).await
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        let polled = self.poll_within_limits(cx);
        // A body that ends with its declared length is not asked again.
        if matches!(polled, Poll::Ready(Err(_) | Ok(None))) || self.left() == Some(0) {
            self.body = None;
        }
        polled
    }

    fn poll_within_limits(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(None)) };
        // Nothing is read of a body that is too long. So a client that waits for a 100 sends nothing of it.
        if self.limits.is_declared_too_long() {
            return Poll::Ready(Err(BodyError::TooLong));
        }
        if self.limits.declared == Some(0) {
            return Poll::Ready(Ok(None));
        }
        loop {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    // A frame without a byte does not end a silence.
                    Ok(data) if !data.is_empty() => {
                        return Poll::Ready(self.count(data.len()).map(|()| Some(data)));
                    }
                    _ => {}
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(BodyError::of_client(error.into()))),
                Poll::Ready(None) if self.left().is_none_or(|left| left == 0) => return Poll::Ready(Ok(None)),
                Poll::Ready(None) => {
                    return Poll::Ready(Err(client_error("the body ended before its declared length")));
                }
                Poll::Pending => return self.wait.poll_too_slow(cx).map(|()| Err(BodyError::TooSlow)),
            }
        }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.get_mut().poll_data(cx).map(|data| data.transpose().map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream) && self.left().is_none_or(|left| left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, self.left()) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Some(left)) => SizeHint::with_exact(left),
            (Some(body), None) => body.size_hint(),
        }
    }
}

fn client_error(what: &'static str) -> BodyError {
    BodyError::Client(Box::new(io::Error::new(io::ErrorKind::UnexpectedEof, what)))
}
