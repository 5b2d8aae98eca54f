//! The client: a backend as a service of `tower`.

mod connect;
pub(crate) mod error;
mod exchange_driver;
pub(crate) mod incoming;
mod lookup;
mod outgoing;
pub(crate) mod ping;
mod pool;
mod send_request;
#[cfg(test)]
mod tests;

use core::error::Error;
use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use uwsgi::AddressError;

use connect::Connecting;
use error::ClientError;
use incoming::Incoming;
use outgoing::StreamedBody;
use pool::{Connected, Io, Pool};
use send_request::Backend;

use crate::codec::PacketBuf;

/// A backend as a service: takes requests of `http`, and returns responses. Clones are cheap, and share their idle connections.
///
/// Bodies stream both ways. A response may come while the request's body is still being sent. The client then sends the rest of
/// that body while the response's body is read, with one exception: after an error or a redirect it sends no more, because no
/// backend reads it. If the client cannot send the rest, the body of the response fails before its last bytes. If the response
/// has no body, the call fails. A request body of unknown length is collected first, because a backend needs the length.
///
/// A connection serves one request at a time. If the future or the body of a response is dropped early, the connection is
/// closed. A connection is used again only after the whole response was read and the whole request was sent.
///
/// ```no_run
/// use http::Request;
/// use tower::ServiceExt;
/// use uwsgi_tower::{Body, Client};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new("127.0.0.1:3031")?;
/// let response = client.oneshot(Request::get("http://example.com/hello").body(Body::empty())?).await?;
/// println!("{}", response.status());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    backend: Arc<Backend>,
}

impl Client {
    /// Makes a client for the backend at an address: `host:port`, `unix:/path`, or `@name` for an abstract Unix socket.
    ///
    /// A host that is a name is looked up when a connection is needed, at most once at a time. Its addresses are kept for 5
    /// seconds, and tried in order. If a lookup fails, the addresses of the lookup before it are used.
    ///
    /// # Errors
    ///
    /// The text is not an address, or [not one to connect to](uwsgi::Address::to_connect).
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Ok(Self { backend: Arc::new(Backend::new(address)?) })
    }

    /// Sets a function that connects to the backend, instead of the address: for TLS, for a proxy, or for a backend in the
    /// same process. The address then names the backend in errors only.
    ///
    /// ```
    /// use uwsgi_tower::Client;
    ///
    /// # fn client() -> Result<Client, uwsgi::AddressError> {
    /// Ok(Client::new("app.internal:3031")?.with_connector(async || {
    ///     let (client, _server) = tokio::io::duplex(4096); // a real program gives the other end to a server
    ///     Ok(client)
    /// }))
    /// # }
    /// # client().unwrap();
    /// ```
    #[must_use]
    pub fn with_connector<C, F, I>(self, connector: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<I>> + Send + 'static,
        I: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static,
    {
        let connector = move || -> Connecting {
            let connecting = connector();
            Box::pin(async move {
                let io: Box<dyn Io> = Box::new(Connected(connecting.await?));
                Ok(io)
            })
        };
        self.with(|backend| backend.connector = Some(Arc::new(connector)))
    }

    /// Sets the timeout for a connect; 10 seconds by default.
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.with(|backend| backend.connect_timeout = timeout)
    }

    /// Sets the longest time in which the backend sends nothing and takes nothing; 60 seconds by default. After the backend has
    /// the whole request, the head of the response must be whole within this time too. The time does not run while the client
    /// waits for the request's own body.
    #[must_use]
    pub fn with_idle_timeout(self, timeout: Duration) -> Self {
        self.with(|backend| backend.idle_timeout = timeout)
    }

    /// Sets the most bytes of a body of unknown length that are collected; 1 MiB by default.
    #[must_use]
    pub fn with_max_collected_body(self, bytes: usize) -> Self {
        self.with(|backend| backend.collected = bytes)
    }

    /// Sets the largest number of idle connections that are kept to be used again; 0 by default. Few backends keep connections:
    /// gunicorn's gthread and asgi workers do, and servers of this project with `keepalive`.
    ///
    /// A connection is used again only after a response of HTTP/1.1 with `Connection: keep-alive` whose end is known without a
    /// close. uWSGI sends no such header, and closes. When the backend closes an idle connection, the client closes it at once.
    /// But the backend may close it while the client sends the next request. If no byte of that request has left, the client
    /// sends it again on a new connection ([`FailedAttempt`](uwsgi::client::FailedAttempt)). See
    /// [`with_idempotent_retries`](Self::with_idempotent_retries) for the case that some bytes have left.
    #[must_use]
    pub fn with_pool_max_idle(self, connections: usize) -> Self {
        self.with(|backend| backend.max_idle = connections)
    }

    /// Sets that a request is sent again also if some of its bytes have left when a kept connection is closed, and no byte of a
    /// response came; off by default.
    ///
    /// The method must be idempotent (RFC 9110 section 9.2.2), and the body must still be there: no byte of it was polled, or
    /// it was [collected](Self::with_max_collected_body). No request is sent a third time.
    ///
    /// The caller then sees no error if the backend's keep-alive timeout ends while a request is sent. But the backend may have
    /// done already what the request asks for. A request that crashes the backend is sent a second time.
    #[must_use]
    pub fn with_idempotent_retries(self) -> Self {
        self.with(|backend| backend.retries_idempotent = true)
    }

    /// Sets how long an idle connection is kept; 30 seconds by default. Set a shorter time than the backend's own.
    #[must_use]
    pub fn with_pool_idle_timeout(self, time: Duration) -> Self {
        self.with(|backend| backend.keep_for = time)
    }

    /// Sends a request that is encoded already, and waits for the head of its response. The body must be as long as the
    /// packet's `CONTENT_LENGTH`. Use this for vars that [`encode_vars`](crate::encode_vars) does not make.
    ///
    /// ```no_run
    /// use uwsgi::{Modifier1, VarsEncoder};
    /// use uwsgi_tower::{Body, Client, PacketBuf};
    ///
    /// # async fn send() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut packet = Vec::new();
    /// let mut vars = VarsEncoder::new(&mut packet);
    /// vars.push("REQUEST_METHOD", "GET")?;
    /// vars.push("PATH_INFO", "/hello")?;
    /// vars.push("CONTENT_LENGTH", "0")?;
    /// vars.finish(Modifier1::WSGI, 0)?;
    /// let (packet, _) = PacketBuf::decode(packet)?;
    /// let response = Client::new("127.0.0.1:3031")?.send(packet, Body::empty()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn send<B>(&self, packet: PacketBuf, body: B) -> Result<Response<Incoming>, ClientError>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.backend.send(packet.as_bytes().clone(), Box::pin(StreamedBody::new(body))).await
    }

    fn with(self, change: impl FnOnce(&mut Backend)) -> Self {
        let mut backend = self.backend.copy();
        change(&mut backend);
        backend.pool = Arc::new(Pool::new(backend.max_idle, backend.keep_for));
        Self { backend: Arc::new(backend) }
    }
}

impl<B> Service<Request<B>> for Client
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, ClientError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let backend = Arc::clone(&self.backend);
        Box::pin(async move { backend.ask(request).await })
    }
}
