//! A server and its configuration.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::{Future, IntoFuture, Pending, pending};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use alloc::string::String;
use http::{Request, Response};
use tower_service::Service;
use uwsgi::Limits;
use uwsgi::server::{AllowList, ConnectionLimit, Settings};

use crate::listener::Listener;
use crate::server::acceptor::{self, Config};
use crate::server::body::Body;

/// Serves uwsgi on a listener. For each connection, `make_service` makes a service from the peer's address.
///
/// For an axum router call `into_make_service()`; for any other service use [`Shared`]. The server runs forever, unless
/// [`with_graceful_shutdown`](Serve::with_graceful_shutdown) sets a future that stops it.
///
/// ```
/// use axum::{Router, routing::get};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let app = Router::new().route("/", get(|| async { "hello" }));
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// uwsgi_tower::serve(listener, app.into_make_service())
///     .with_graceful_shutdown(async { /* tokio::signal::ctrl_c() */ })
///     .await
/// # }
/// ```
///
/// # Panics
///
/// The server panics if it is awaited in a runtime without timers: build the runtime with `enable_time` or `enable_all`.
pub fn serve<L, M, S, B>(listener: L, make_service: M) -> Serve<L, M, Pending<()>>
where
    L: Listener,
    M: Service<L::Addr, Response = S, Error = Infallible>,
    S: Service<Request<Body>, Response = Response<B>>,
{
    let config = Config {
        settings: Settings::default(),
        allow: AllowList::<&str>::default().into(),
        max_connections: ConnectionLimit::DEFAULT,
        end_is_close: false,
    };
    Serve { listener, make_service, shutdown: pending(), config }
}

/// A server that does not run yet. Configure it, then await it.
#[must_use = "it serves when it is awaited"]
pub struct Serve<L, M, F> {
    listener: L,
    make_service: M,
    shutdown: F,
    config: Config,
}

/// The most used timeouts of a server. [`Settings`] has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "callers name the fields, so that no timeout is taken for another")]
pub struct Timeouts {
    /// The longest time from a packet's first byte to its last, and from the start of the connection to its first byte: 10
    /// seconds by default.
    pub header: Duration,
    /// The longest time without a byte inside a body: 30 seconds by default.
    pub body: Duration,
    /// The longest time in which the peer takes no byte of a response: 1 hour by default. [`Settings::write_idle`] gives the
    /// reason.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let Settings { header_timeout, body_idle, write_idle, .. } = Settings::default();
        Self { header: header_timeout, body: body_idle, write: write_idle }
    }
}

impl<L, M, F> fmt::Debug for Serve<L, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("settings", &self.config.settings).finish_non_exhaustive()
    }
}

impl<L, M, F> Serve<L, M, F> {
    /// Sets the future that stops the server when it is ready.
    ///
    /// The server first accepts the connections that wait in the backlog, at most [`ConnectionLimit::BACKLOG`] (1,024) of them.
    /// Otherwise the kernel would reset them. Then the server closes the listener and the idle connections. It finishes the
    /// requests that have begun, within the settings' `stop_grace`.
    pub fn with_graceful_shutdown<G: Future<Output = ()>>(self, signal: G) -> Serve<L, M, G> {
        let Self { listener, make_service, config, .. } = self;
        Serve { listener, make_service, shutdown: signal, config }
    }

    /// Sets all settings of connections. This replaces what earlier calls of [`limits`](Self::limits) and
    /// [`timeouts`](Self::timeouts) have set.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.config.settings = settings;
        self
    }

    /// Sets the limits of packets; [`Limits::server`] by default.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.settings = self.config.settings.with_limits(limits);
        self
    }

    /// Sets the timeouts; those of [`Timeouts::default`] by default.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        let (Timeouts { header, body, write }, settings) = (timeouts, &mut self.config.settings);
        (settings.header_timeout, settings.body_idle, settings.write_idle) = (header, body, write);
        self
    }

    /// Sets the peers that may connect; loopback by default. Unix sockets are always allowed.
    pub fn allow_from(mut self, allow: AllowList<String>) -> Self {
        self.config.allow = allow;
        self
    }

    /// Sets that a half-close by a peer counts as a close of the connection; off by default.
    ///
    /// nginx, Apache, lighttpd and uWSGI's router never half-close a connection and then wait. With this option the server
    /// notices over TCP too that a peer has closed its connection: it checks once a second while a service, or the body of its
    /// response, has nothing yet. A peer that half-closes and waits for a slow response, as `nc -N` does, gets no response.
    pub fn end_is_close(mut self) -> Self {
        self.config.end_is_close = true;
        self
    }

    /// Sets the largest number of connections at once; 1,024 by default.
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.config.max_connections = max_connections;
        self
    }
}

impl<L, M, F, S, B> IntoFuture for Serve<L, M, F>
where
    L: Listener,
    M: Service<L::Addr, Response = S, Error = Infallible> + Send + 'static,
    M::Future: Send,
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { listener, make_service, shutdown, config } = self;
        Box::pin(acceptor::run(listener, make_service, shutdown, config))
    }
}

/// A `make_service` that clones one service for each connection. Use it for a `tower::service_fn`.
///
/// ```
/// use core::convert::Infallible;
/// use http::{Request, Response};
/// use tower::service_fn;
/// use uwsgi_tower::{Body, Shared};
///
/// let service = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(String::from("hello"))));
/// # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// # let service = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(String::from("hello"))));
/// uwsgi_tower::serve(listener, Shared::new(service)).await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Shared<S> {
    service: S,
}

impl<S> Shared<S> {
    /// Takes the service that is cloned.
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S: Clone, T> Service<T> for Shared<S> {
    type Response = S;
    type Error = Infallible;
    type Future = core::future::Ready<Result<S, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        core::future::ready(Ok(self.service.clone()))
    }
}
