//! Connections that become pipes.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::{Mutex, PoisonError};

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::{Buf, Bytes};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::pace::Stop;
use crate::serve::Counted;

/// The connection behind a request that asks for an upgrade: a future that is ready when the head of a 101 has left.
///
/// Answer with 101 and the headers `Connection: upgrade` and `Upgrade`, and await the future in a task of its own. It works
/// behind nginx's plain `uwsgi_pass`.
///
/// ```
/// use http::{Request, Response, StatusCode, header};
/// use uwsgi_tower::{Body, upgrade};
///
/// async fn echo(mut request: Request<Body>) -> Response<String> {
///     let upgraded = upgrade::on(&mut request);
///     tokio::spawn(async move {
///         if let Ok(connection) = upgraded.await {
///             let (mut reader, mut writer) = tokio::io::split(connection);
///             let _ = tokio::io::copy(&mut reader, &mut writer).await;
///         }
///     });
///     let mut response = Response::new(String::new());
///     *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
///     response.headers_mut().insert(header::CONNECTION, "upgrade".parse().unwrap());
///     response.headers_mut().insert(header::UPGRADE, "echo".parse().unwrap());
///     response
/// }
/// ```
#[derive(Debug)]
pub struct OnUpgrade {
    upgraded: Option<oneshot::Receiver<Upgraded>>,
}

/// What is in the extensions, for the first who asks for it: a connection belongs to one.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    upgraded: Arc<Mutex<Option<oneshot::Receiver<Upgraded>>>>,
}

/// A connection that has become a pipe.
pub struct Upgraded {
    io: Pin<Box<dyn Io + Send>>,
    /// What was read past the packet.
    rest: Bytes,
    /// Its server's.
    stop: Option<Stop>,
    /// Its server counts it for as long as it is there.
    _counted: Option<Counted>,
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("rest", &self.rest.len()).finish_non_exhaustive()
    }
}

/// That there was no upgrade: the request asked for none, or the answer was another, or the connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct NoUpgrade;

impl fmt::Display for NoUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was not upgraded")
    }
}

impl core::error::Error for NoUpgrade {}

/// Takes the upgrade out of a request that a server got, or out of a response that a client got. Who asks again, of a
/// copy of its extensions too, gets [`NoUpgrade`].
pub fn on<T: CanUpgrade>(message: &mut T) -> OnUpgrade {
    let slot = message.extensions_mut().remove::<Slot>();
    OnUpgrade { upgraded: slot.and_then(|slot| slot.upgraded.lock().unwrap_or_else(PoisonError::into_inner).take()) }
}

/// Requests and responses.
pub trait CanUpgrade: sealed::Sealed {}

impl<B> CanUpgrade for Request<B> {}
impl<B> CanUpgrade for Response<B> {}

mod sealed {
    use http::{Extensions, Request, Response};

    #[allow(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {
        fn extensions_mut(&mut self) -> &mut Extensions;
    }

    impl<B> Sealed for Request<B> {
        fn extensions_mut(&mut self) -> &mut Extensions {
            Self::extensions_mut(self)
        }
    }

    impl<B> Sealed for Response<B> {
        fn extensions_mut(&mut self) -> &mut Extensions {
            Self::extensions_mut(self)
        }
    }
}

/// The future for the request, and what fulfils it.
pub(crate) fn pair() -> (Slot, oneshot::Sender<Upgraded>) {
    let (sender, receiver) = oneshot::channel();
    (Slot { upgraded: Arc::new(Mutex::new(Some(receiver))) }, sender)
}

impl Future for OnUpgrade {
    type Output = Result<Upgraded, NoUpgrade>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(receiver) = &mut self.upgraded else { return Poll::Ready(Err(NoUpgrade)) };
        let upgraded = ready!(Pin::new(receiver).poll(cx));
        self.upgraded = None;
        Poll::Ready(upgraded.map_err(|_| NoUpgrade))
    }
}

trait Io: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Io for T {}

impl Upgraded {
    pub(crate) fn of_server(
        io: impl AsyncRead + AsyncWrite + Send + 'static,
        rest: Bytes,
        stop: Stop,
        mut counted: Option<Counted>,
    ) -> Self {
        if let Some(counted) = &mut counted {
            counted.becomes_a_pipe();
        }
        Self { io: Box::pin(io), rest, stop: Some(stop), _counted: counted }
    }

    pub(crate) fn of_client(io: impl AsyncRead + AsyncWrite + Send + 'static, rest: Bytes) -> Self {
        Self { io: Box::pin(io), rest, stop: None, _counted: None }
    }

    /// Ready when the server is asked to stop. It cannot know where a pipe may end: it waits for it as for every
    /// connection, within the settings' `stop_grace`, and the application says goodbye. Of a client's connection it is
    /// never ready.
    ///
    /// ```
    /// use tokio::io::AsyncWriteExt;
    /// use uwsgi_tower::upgrade::Upgraded;
    ///
    /// async fn until_the_stop(mut connection: Upgraded) -> std::io::Result<()> {
    ///     let stopping = connection.stopping();
    ///     // In a tokio::select! with what the connection is for.
    ///     stopping.await;
    ///     connection.write_all(b"goodbye").await?;
    ///     connection.shutdown().await
    /// }
    /// ```
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let asked = self.stop.as_ref().map(Stop::asked);
        async move {
            match asked {
                Some(asked) => asked.await,
                None => core::future::pending().await,
            }
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            return self.io.as_mut().poll_read(cx, buffer);
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(self.rest.get(..count).unwrap_or_default());
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
