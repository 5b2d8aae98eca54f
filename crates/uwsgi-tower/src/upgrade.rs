//! Upgraded connections.

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

use crate::stop::Stop;

/// The future of an upgraded connection. In a server it is ready when the head of the 101 has left.
///
/// Await it in a task of its own, and answer the request with status 101 and the headers `Connection: upgrade` and `Upgrade`.
/// nginx needs nothing but a plain `uwsgi_pass`.
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

/// The extension of a request or a response that holds the future. Clones share the future, and the first call of [`on`] takes
/// it.
#[derive(Debug, Clone)]
pub(crate) struct UpgradeExtension {
    upgraded: Arc<Mutex<Option<oneshot::Receiver<Upgraded>>>>,
}

/// An upgraded connection: the application reads and writes its bytes.
pub struct Upgraded {
    io: Pin<Box<dyn Io + Send>>,
    /// The first bytes of the connection, which were read together with the request or the response.
    read_ahead: Bytes,
    /// The stop of the server; `None` for a client.
    stop: Option<Stop>,
    /// The slot by which the server counts this connection until the slot is dropped.
    _slot: Option<Box<dyn Send>>,
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("read_ahead", &self.read_ahead.len()).finish_non_exhaustive()
    }
}

/// The connection was not upgraded: the request did not ask for an upgrade, the response was not a 101, or the connection
/// broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct NoUpgrade;

impl fmt::Display for NoUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was not upgraded")
    }
}

impl core::error::Error for NoUpgrade {}

/// Takes the upgrade out of a request that a server received, or out of a response that a client received. A second call for
/// the same message, or for a copy of its extensions, gives [`NoUpgrade`].
pub fn on<T: CanUpgrade>(message: &mut T) -> OnUpgrade {
    let extension = message.extensions_mut().remove::<UpgradeExtension>();
    OnUpgrade {
        upgraded: extension
            .and_then(|extension| extension.upgraded.lock().unwrap_or_else(PoisonError::into_inner).take()),
    }
}

/// A message that may upgrade its connection: a request or a response.
pub trait CanUpgrade: sealed::Sealed {}

impl<B> CanUpgrade for Request<B> {}
impl<B> CanUpgrade for Response<B> {}

mod sealed {
    use http::{Extensions, Request, Response};

    #[allow(unnameable_types, reason = "a public name would unseal it")]
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

/// Makes the extension of a message, and the sender of its upgraded connection.
pub(crate) fn channel() -> (UpgradeExtension, oneshot::Sender<Upgraded>) {
    let (sender, receiver) = oneshot::channel();
    (UpgradeExtension { upgraded: Arc::new(Mutex::new(Some(receiver))) }, sender)
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
        read_ahead: Bytes,
        stop: Stop,
        slot: Option<Box<dyn Send>>,
    ) -> Self {
        Self { io: Box::pin(io), read_ahead, stop: Some(stop), _slot: slot }
    }

    pub(crate) fn of_client(io: impl AsyncRead + AsyncWrite + Send + 'static, read_ahead: Bytes) -> Self {
        Self { io: Box::pin(io), read_ahead, stop: None, _slot: None }
    }

    /// Waits until the server is asked to stop. For the connection of a client it waits forever.
    ///
    /// Only the application knows where an upgraded connection may end. So the application ends the connection. A stop of the
    /// server waits for that, within the settings' `stop_grace`.
    ///
    /// ```
    /// use tokio::io::AsyncWriteExt;
    /// use uwsgi_tower::upgrade::Upgraded;
    ///
    /// async fn until_the_stop(mut connection: Upgraded) -> std::io::Result<()> {
    ///     let stopping = connection.stopping();
    ///     // A real application uses tokio::select! to wait for messages of the peer too.
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
        if self.read_ahead.is_empty() {
            return self.io.as_mut().poll_read(cx, buffer);
        }
        let count = self.read_ahead.len().min(buffer.remaining());
        buffer.put_slice(self.read_ahead.get(..count).unwrap_or_default());
        self.read_ahead.advance(count);
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
