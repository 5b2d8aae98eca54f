//! The body of a request, as a stream of frames.

use core::fmt;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll};

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use uwsgi::framing::RequestBody;
use uwsgi::server::{Receive, Refusal};

use crate::exclusive::Exclusive;
use crate::inbound::{Broken, Inbound};

/// The body of a request. It is read from the connection when it is polled, and an end before its declared length is an
/// error.
#[derive(Debug, Default)]
pub struct Body {
    /// None when nothing more comes.
    source: Option<Exclusive<Pin<Box<dyn Source + Send>>>>,
    /// How many bytes are left, where a length was declared.
    left: Option<u64>,
    unread: Unread,
}

/// How much of a body is unread, for whoever writes the answer; nothing where no connection is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread(Option<Arc<AtomicU64>>);

impl Unread {
    /// Of a body that is about to be lent. Where no request can follow it, nothing is to be counted.
    pub(crate) fn of(receive: &Receive) -> Self {
        let unread = receive.unread_body().filter(|_| receive.settings().keepalive.is_some());
        Self(unread.map(|unread| Arc::new(AtomicU64::new(unread))))
    }

    /// How many bytes they are, if they are counted.
    pub(crate) fn count(&self) -> Option<u64> {
        self.0.as_ref().map(|count| count.load(Ordering::Acquire))
    }

    /// So many are left; as many as there can be, if the body failed.
    fn tell(&self, left: u64) {
        if let Some(count) = &self.0 {
            count.store(left, Ordering::Release);
        }
    }
}

/// Why a body cannot be read on.
#[derive(Debug, Clone)]
pub struct BodyError {
    broken: Broken,
}

impl BodyError {
    /// What the peer did wrong; `None` if the connection broke.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match &self.broken {
            Broken::Peer(refusal) => Some(*refusal),
            Broken::Io(_) => None,
        }
    }

    /// The refusal behind an error of a service, however it is wrapped.
    pub(crate) fn behind(error: &(dyn core::error::Error + 'static)) -> Option<Refusal> {
        Self::all_in(error).find_map(Self::refusal)
    }

    /// The error of a broken connection behind an error of a service, however it is wrapped.
    pub(crate) fn connection_behind<'e>(error: &'e (dyn core::error::Error + 'static)) -> Option<&'e std::io::Error> {
        Self::all_in(error).find_map(|error| match &error.broken {
            Broken::Peer(_) => None,
            Broken::Io(error) => Some(&**error),
        })
    }

    fn all_in<'e>(error: &'e (dyn core::error::Error + 'static)) -> impl Iterator<Item = &'e Self> {
        core::iter::successors(Some(error), |error| error.source()).filter_map(|error| {
            // An error of std::io has what it was made of inside, which is not its source.
            let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            error.downcast_ref::<Self>().or_else(|| inside?.downcast_ref::<Self>())
        })
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken {
            Broken::Peer(refusal) => refusal.fmt(f),
            Broken::Io(error) => write!(f, "the connection broke inside the body: {error}"),
        }
    }
}

impl core::error::Error for BodyError {}

impl From<BodyError> for std::io::Error {
    fn from(error: BodyError) -> Self {
        let kind = match error.refusal() {
            Some(Refusal::BodyCutShort { .. }) => std::io::ErrorKind::UnexpectedEof,
            Some(Refusal::BodyTimeout) => std::io::ErrorKind::TimedOut,
            Some(_) => std::io::ErrorKind::InvalidData,
            None => std::io::ErrorKind::ConnectionReset,
        };
        Self::new(kind, error)
    }
}

impl Body {
    /// A body of no bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body that is read from a connection's receiving half; and where that comes back from when the body is dropped.
    pub(crate) fn lent<IO>(
        inbound: Box<Inbound<IO>>,
        framing: RequestBody,
        unread: Unread,
    ) -> (Self, oneshot::Receiver<Box<Inbound<IO>>>)
    where
        IO: AsyncRead + Send + Unpin + 'static,
    {
        let (back, returned) = oneshot::channel();
        let source = Lent { inbound: Some(inbound), back: Some(back) };
        let left = match framing {
            RequestBody::Length(length) => Some(length),
            _ => None,
        };
        (Self { source: Some(Exclusive::new(Box::pin(source))), left, unread }, returned)
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
                    self.unread.tell(left);
                }
                self.left != Some(0)
            }
            Some(Err(_)) => {
                self.unread.tell(u64::MAX);
                false
            }
            None => false,
        };
        if !goes_on {
            // The connection can go on, whoever still holds this.
            self.source = None;
        }
        Poll::Ready(next.map(|next| next.map(Frame::data).map_err(|broken| BodyError { broken })))
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

/// Where frames come from, whatever the connection is.
trait Source: fmt::Debug {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>>;
}

/// A receiving half that goes back to its connection when it is dropped.
struct Lent<IO> {
    inbound: Option<Box<Inbound<IO>>>,
    back: Option<oneshot::Sender<Box<Inbound<IO>>>>,
}

impl<IO: AsyncRead + Unpin> Source for Lent<IO> {
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        match &mut self.inbound {
            Some(inbound) => inbound.poll_body(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<IO> fmt::Debug for Lent<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

impl<IO> Drop for Lent<IO> {
    fn drop(&mut self) {
        if let (Some(mut inbound), Some(back)) = (self.inbound.take(), self.back.take()) {
            let now = inbound.pace.now();
            inbound.receive.pause(now);
            // If the connection is no more, the half ends here.
            let _ = back.send(inbound);
        }
    }
}
