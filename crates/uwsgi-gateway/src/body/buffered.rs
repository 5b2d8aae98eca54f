//! The body of a request, read whole before a backend is asked.

use core::error::Error;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::body::error::BodyError;
use crate::body::limited::{BodyLimits, LimitedBody};
use crate::buffer::{Budget, BufferReader, MEMORY, ReadError, Share, UNCOUNTED, buffer};

/// Reads a body to its end, so that a slow client does not hold a worker of the backend.
///
/// The body is dropped before this returns.
///
/// # Errors
///
/// [`BodyError`]: the body is not within its limits, the client broke off, or the buffers are full.
pub(crate) async fn read_whole<B>(body: B, limits: &BodyLimits, budget: &Arc<Budget>) -> Result<BufferedBody, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let body = pin!(body);
    let mut body = LimitedBody::new(body, limits);
    let Some(mut bytes) = body.next().await? else { return Ok(BufferedBody::whole(Bytes::new(), None)) };
    if body.is_end_stream() && bytes.len() <= MEMORY {
        // Most bodies come in one piece.
        let share = budget.take_memory(bytes.len());
        if share.is_some() || bytes.len() <= UNCOUNTED {
            return Ok(BufferedBody::whole(bytes, share));
        }
    }
    let (mut writer, reader) = buffer(budget, u64::MAX);
    loop {
        writer.write(&mut bytes).await?;
        match body.next().await? {
            Some(more) => bytes = more,
            None => break,
        }
    }
    writer.finish();
    Ok(BufferedBody { left: reader.len(), content: Content::Buffer(reader) })
}

/// A body that was read whole.
#[derive(Debug)]
pub(crate) struct BufferedBody {
    left: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Bytes { bytes: Bytes, share: Option<Share> },
    Buffer(BufferReader),
}

impl BufferedBody {
    fn whole(bytes: Bytes, share: Option<Share>) -> Self {
        Self { left: u64::try_from(bytes.len()).unwrap_or(u64::MAX), content: Content::Bytes { bytes, share } }
    }

    /// Returns the number of bytes that were not read yet.
    pub(crate) const fn len(&self) -> u64 {
        self.left
    }
}

impl Body for BufferedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let bytes = match &mut this.content {
            Content::Bytes { bytes, share } => {
                *share = None;
                core::mem::take(bytes)
            }
            Content::Buffer(reader) => match ready!(reader.poll_read(cx)) {
                Some(Ok(bytes)) => bytes,
                Some(Err(ReadError::File(error))) => return Poll::Ready(Some(Err(error))),
                Some(Err(ReadError::Writer(error))) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                None => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            },
        };
        this.left = this.left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
