//! A request's body, whatever its type.

use core::error::Error;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::client::ClientError;

/// Bytes to be sent.
pub(crate) trait Chunks: Send {
    /// The next bytes that are not none.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>>;

    /// How many there are, if that is known.
    fn length(&self) -> Option<u64>;

    /// Begins with the first byte again, if it can.
    fn rewind(self: Pin<&mut Self>) -> bool;
}

/// A body of `http_body`. Trailers have no place in a request of uwsgi.
#[derive(Debug)]
pub(crate) struct Outgoing<B> {
    body: Pin<Box<B>>,
}

impl<B> Outgoing<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body: Box::pin(body) }
    }
}

impl<B> Chunks for Outgoing<B>
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
struct Collected {
    bytes: Bytes,
    is_given: bool,
}

impl Chunks for Collected {
    fn poll_chunk(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientError>>> {
        let is_over = core::mem::replace(&mut self.is_given, true) || self.bytes.is_empty();
        Poll::Ready(Some(Ok(self.bytes.clone())).filter(|_| !is_over))
    }

    fn length(&self) -> Option<u64> {
        u64::try_from(self.bytes.len()).ok()
    }

    fn rewind(mut self: Pin<&mut Self>) -> bool {
        self.is_given = false;
        true
    }
}

/// Collects a body whose length has to be told.
pub(crate) async fn collect(
    mut body: Pin<Box<dyn Chunks>>,
    most: usize,
) -> Result<(Pin<Box<dyn Chunks>>, u64), ClientError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = core::future::poll_fn(|cx| body.as_mut().poll_chunk(cx)).await {
        let chunk = chunk?;
        if all.len().saturating_add(chunk.len()) > most {
            return Err(ClientError::BodyTooLong);
        }
        all.put(chunk);
    }
    let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
    Ok((Box::pin(Collected { bytes: all.freeze(), is_given: false }), length))
}
