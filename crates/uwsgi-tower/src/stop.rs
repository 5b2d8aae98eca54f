//! The signal that asks connections to stop.

use core::future::Future;
use std::sync::OnceLock;

use alloc::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A signal that asks connections to stop: see [`Connection::with_stop`](crate::Connection::with_stop). All clones are the
/// same signal.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// One `Arc` for both fields, because every connection has several clones.
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    /// When the stop was asked for.
    asked: OnceLock<Instant>,
}

impl Stop {
    /// Makes a stop that is not asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the connections to stop. Idle connections close, and requests that have begun are finished within the settings'
    /// `stop_grace`.
    pub fn ask(&self) {
        self.inner.asked.get_or_init(Instant::now);
        // Wakes the tasks that found no stop before the line above.
        self.inner.token.cancel();
    }

    /// Waits until the stop is asked for.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        self.cancelled()
    }

    /// Returns whether the stop was asked for.
    ///
    /// ```
    /// let stop = uwsgi_tower::Stop::new();
    /// assert!(!stop.is_asked());
    /// stop.ask();
    /// assert!(stop.is_asked());
    /// ```
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.inner.token.is_cancelled()
    }

    /// Returns the future of [`asked`](Self::asked) as a type with a name.
    pub(crate) fn cancelled(&self) -> WaitForCancellationFutureOwned {
        self.inner.token.clone().cancelled_owned()
    }

    /// Returns when the stop was asked for.
    pub(crate) fn asked_at(&self) -> Option<Instant> {
        self.inner.asked.get().copied()
    }
}

/// Tells a service that its server was asked to stop, in an extension of each request.
///
/// A stop waits for the responses that have begun, at most as long as the settings' `stop_grace`. A response without an end of
/// its own, such as a stream of events, must end when the stop is asked for.
///
/// ```
/// use core::convert::Infallible;
/// use bytes::Bytes;
/// use futures_util::{Stream, StreamExt, stream};
/// use http::{Request, Response};
/// use http_body::Frame;
/// use http_body_util::StreamBody;
/// use uwsgi_tower::{Body, Stopping};
///
/// async fn events(
///     request: Request<Body>,
/// ) -> Result<Response<StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>>>>, Infallible> {
///     let events = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(b"data: tick\n\n"))));
///     let stopping = request.extensions().get::<Stopping>().cloned().unwrap_or_default();
///     Ok(Response::new(StreamBody::new(events.take_until(stopping.asked()))))
/// }
/// ```
///
/// With the feature `axum` it is an extractor: see the example `events.rs`. The default is never asked for.
#[derive(Debug, Clone, Default)]
pub struct Stopping {
    stop: Stop,
}

impl Stopping {
    pub(crate) const fn of(stop: Stop) -> Self {
        Self { stop }
    }

    /// Waits until the stop is asked for.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        self.stop.asked()
    }

    /// Returns whether the stop was asked for.
    ///
    /// ```
    /// assert!(!uwsgi_tower::Stopping::default().is_asked());
    /// ```
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.stop.is_asked()
    }
}
