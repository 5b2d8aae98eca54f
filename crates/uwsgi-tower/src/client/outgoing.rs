//! The body of a request that the client sends, with its type erased.

use core::error::Error;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::client::error::ClientError;

/// A body to be sent.
pub(crate) trait OutgoingBody: Send {
    /// Returns the next bytes, at least one; `None` at the end.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>>;

    /// Returns the length, if it is known.
    fn length(&self) -> Option<u64>;

    /// Goes back to the first byte, and returns whether that is possible.
    fn rewind(self: Pin<&mut Self>) -> bool;
}

/// A body of `http_body`. Its trailers are dropped, because a uwsgi request has no place for them.
#[derive(Debug)]
pub(crate) struct StreamedBody<B> {
    body: Pin<Box<B>>,
}

impl<B> StreamedBody<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body: Box::pin(body) }
    }
}

impl<B> OutgoingBody for StreamedBody<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>> {
        loop {
            match ready!(self.body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(ClientError::Body(error.into())))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) if data.has_remaining() => {
                        return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
                    }
                    _ => {}
                },
            }
        }
    }

    fn length(&self) -> Option<u64> {
        if self.body.is_end_stream() { Some(0) } else { self.body.size_hint().exact() }
    }

    fn rewind(self: Pin<&mut Self>) -> bool {
        false
    }
}

/// A body that was collected.
#[derive(Debug)]
struct CollectedBody {
    bytes: Bytes,
    was_returned: bool,
}

impl OutgoingBody for CollectedBody {
    fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>> {
        let is_over = core::mem::replace(&mut self.was_returned, true) || self.bytes.is_empty();
        Poll::Ready(Some(Ok(self.bytes.clone())).filter(|_| !is_over))
    }

    fn length(&self) -> Option<u64> {
        u64::try_from(self.bytes.len()).ok()
    }

    fn rewind(mut self: Pin<&mut Self>) -> bool {
        self.was_returned = false;
        true
    }
}

/// Collects a body of unknown length, up to `most` bytes, and returns its length.
pub(crate) async fn collect(
    mut body: Pin<Box<dyn OutgoingBody>>,
    most: usize,
) -> Result<(Pin<Box<dyn OutgoingBody>>, u64), ClientError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_chunk(cx)).await {
        let chunk = chunk?;
        if all.len().saturating_add(chunk.len()) > most {
            return Err(ClientError::BodyTooLong);
        }
        all.put(chunk);
    }
    let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
    Ok((Box::pin(CollectedBody { bytes: all.freeze(), was_returned: false }), length))
}
