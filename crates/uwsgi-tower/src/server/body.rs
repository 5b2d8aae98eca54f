//! The body of a request, as a stream of frames.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll};
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use sync_wrapper::SyncWrapper;
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use uwsgi::framing::RequestFraming;
use uwsgi::server::{Receive, Refusal};
use uwsgi::write_source;

use crate::server::inbound::{BodyFailure, Inbound};

/// The body of a request. It reads from the connection when it is polled. It is an error if the body ends before its declared
/// length.
#[derive(Debug, Default)]
pub struct Body {
    /// `None` at the end of the body.
    source: Option<SyncWrapper<Pin<Box<dyn Source + Send>>>>,
    /// The number of bytes that are left, if a length was declared.
    left: Option<u64>,
    unread: UnreadCount,
}

/// The number of unread bytes of a body, for the task that writes the response. They are counted only if the connection may be
/// kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnreadCount(Option<Arc<AtomicU64>>);

impl UnreadCount {
    /// Starts to count the unread bytes of a body. It does not count if no request can follow.
    pub(crate) fn of(receive: &Receive) -> Self {
        let unread = receive.unread_body().filter(|_| receive.settings().keepalive.is_some());
        Self(unread.map(|unread| Arc::new(AtomicU64::new(unread))))
    }

    /// Returns the number of unread bytes, if they are counted.
    pub(crate) fn get(&self) -> Option<u64> {
        self.0.as_ref().map(|count| count.load(Ordering::Acquire))
    }

    /// Sets the number of unread bytes; `u64::MAX` if the body failed.
    fn set(&self, left: u64) {
        if let Some(count) = &self.0 {
            count.store(left, Ordering::Release);
        }
    }
}

/// Why the rest of a body cannot be read.
#[derive(Debug, Clone)]
pub struct BodyError {
    failure: BodyFailure,
}

impl BodyError {
    /// Returns what the peer did wrong; `None` if the connection broke.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match &self.failure {
            BodyFailure::Peer(refusal) => Some(*refusal),
            BodyFailure::Io(_) => None,
        }
    }

    /// Finds the refusal inside an error of a service, however deep it is wrapped.
    pub(crate) fn find_refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
        Self::find_all(error).find_map(Self::refusal)
    }

    /// Finds the error of a broken connection inside an error of a service, however deep it is wrapped.
    pub(crate) fn find_io_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
        Self::find_all(error).find_map(|error| match &error.failure {
            BodyFailure::Peer(_) => None,
            BodyFailure::Io(error) => Some(&**error),
        })
    }

    fn find_all<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e Self> {
        core::iter::successors(Some(error), |error| (*error).source()).filter_map(|error| {
            // The error inside an `io::Error` is not its `source`.
            let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            error.downcast_ref::<Self>().or_else(|| inside?.downcast_ref::<Self>())
        })
    }
}

/// `{}` does not print the [source](Error::source); `{:#}` prints it too.
impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            BodyFailure::Peer(refusal) => refusal.fmt(f),
            BodyFailure::Io(_) => {
                f.write_str("the connection broke inside the body").and_then(|()| write_source(self, f))
            }
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            // The text is that of the refusal, so its source is this one's.
            BodyFailure::Peer(refusal) => refusal.source(),
            BodyFailure::Io(error) => Some(&**error),
        }
    }
}

impl From<BodyError> for io::Error {
    fn from(error: BodyError) -> Self {
        let kind = match error.refusal() {
            Some(Refusal::BodyCutShort { .. }) => io::ErrorKind::UnexpectedEof,
            Some(Refusal::BodyTimeout) => io::ErrorKind::TimedOut,
            Some(_) => io::ErrorKind::InvalidData,
            None => io::ErrorKind::ConnectionReset,
        };
        Self::new(kind, error)
    }
}

impl Body {
    /// Makes an empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Makes a body that reads from the receiving half of a connection. The second value receives the half when the body is
    /// dropped or read to its end.
    pub(crate) fn lend<IO>(
        inbound: Box<Inbound<IO>>,
        framing: RequestFraming,
        unread: UnreadCount,
    ) -> (Self, oneshot::Receiver<Box<Inbound<IO>>>)
    where
        IO: AsyncRead + Send + Unpin + 'static,
    {
        let (back, returned) = oneshot::channel();
        let source = LentInbound { inbound: Some(inbound), back: Some(back) };
        let left = match framing {
            RequestFraming::Length(length) => Some(length),
            _ => None,
        };
        (Self { source: Some(SyncWrapper::new(Box::pin(source))), left, unread }, returned)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        let next = core::task::ready!(source.get_mut().as_mut().poll_next(cx));
        let goes_on = match &next {
            Some(Ok(bytes)) => {
                let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.left = self.left.map(|left| left.saturating_sub(count));
                if let Some(left) = self.left {
                    self.unread.set(left);
                }
                self.left != Some(0)
            }
            Some(Err(_)) => {
                self.unread.set(u64::MAX);
                false
            }
            None => false,
        };
        if !goes_on {
            // Gives the receiving half back now, since the service may hold this body for longer.
            self.source = None;
        }
        Poll::Ready(next.map(|next| next.map(Frame::data).map_err(|failure| BodyError { failure })))
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source, self.left) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Some(left)) => SizeHint::with_exact(left),
            (Some(_), None) => SizeHint::default(),
        }
    }
}

/// A source of frames, which hides the type of the connection.
trait Source: fmt::Debug {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>>;
}

/// A receiving half that goes back to its connection when it is dropped.
struct LentInbound<IO> {
    inbound: Option<Box<Inbound<IO>>>,
    back: Option<oneshot::Sender<Box<Inbound<IO>>>>,
}

impl<IO: AsyncRead + Unpin> Source for LentInbound<IO> {
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>> {
        match &mut self.inbound {
            Some(inbound) => inbound.poll_body(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<IO> fmt::Debug for LentInbound<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentInbound").finish_non_exhaustive()
    }
}

impl<IO> Drop for LentInbound<IO> {
    fn drop(&mut self) {
        if let (Some(mut inbound), Some(back)) = (self.inbound.take(), self.back.take()) {
            let now = inbound.deadlines.now();
            inbound.receive.pause(now);
            // This fails if the connection has ended. The half is dropped here then.
            let _ = back.send(inbound);
        }
    }
}
