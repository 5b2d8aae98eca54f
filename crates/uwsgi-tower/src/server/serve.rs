//! A server and its configuration.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::{Future, IntoFuture, Pending, pending};
use core::marker::PhantomData;
use core::pin::Pin;
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use http::{Request, Response};
use tower_service::Service;
use uwsgi::Limits;
use uwsgi::server::{AllowList, ConnectionLimit, Settings};

use crate::listener::Listener;
use crate::server::acceptor::{self, Config};
use crate::server::body::Body;
use crate::server::make_service::{IncomingStream, IntoMakeService};

/// Serves uwsgi on a listener, as `axum::serve` serves HTTP.
///
/// It takes an axum `Router`, any other service that is `Clone`, or a service that makes a service for each connection: see
/// [`IntoMakeService`]. The server runs forever, unless [`with_graceful_shutdown`](Serve::with_graceful_shutdown) sets a future
/// that stops it.
///
/// ```
/// use axum::{Router, routing::get};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let app = Router::new().route("/", get(|| async { "hello" }));
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// uwsgi_tower::serve(listener, app)
///     .with_graceful_shutdown(async { /* tokio::signal::ctrl_c() */ })
///     .await
/// # }
/// ```
///
/// # Panics
///
/// The server panics if it is awaited in a runtime without timers: build the runtime with `enable_time` or `enable_all`.
pub fn serve<L, M, Kind>(listener: L, service: M) -> Serve<L, M::MakeService, M::Service, Pending<()>>
where
    L: Listener,
    M: IntoMakeService<L, Kind>,
{
    let config = Config {
        settings: Settings::default(),
        allow: AllowList::default(),
        max_connections: ConnectionLimit::DEFAULT,
        half_close: true,
    };
    Serve { listener, make_service: service.into_make_service(), shutdown: pending(), config, service: PhantomData }
}

/// A server that does not run yet. Configure it, then await it.
#[must_use = "it serves when it is awaited"]
pub struct Serve<L, M, S, F> {
    listener: L,
    make_service: M,
    shutdown: F,
    config: Config,
    service: PhantomData<fn() -> S>,
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

impl<L, M, S, F> fmt::Debug for Serve<L, M, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("settings", &self.config.settings).finish_non_exhaustive()
    }
}

impl<L, M, S, F> Serve<L, M, S, F> {
    /// Returns the address that the listener is bound to.
    ///
    /// # Errors
    ///
    /// The listener cannot tell its address.
    pub fn local_addr(&self) -> io::Result<L::Addr>
    where
        L: Listener,
    {
        self.listener.local_addr()
    }

    /// Sets the future that stops the server when it is ready.
    ///
    /// The server first accepts the connections that wait in the backlog, at most [`ConnectionLimit::BACKLOG`] (1,024) of them.
    /// Otherwise the kernel would reset them. Then the server closes the listener and the idle connections. It finishes the
    /// requests that have begun, within the settings' `stop_grace`.
    pub fn with_graceful_shutdown<G: Future<Output = ()>>(self, signal: G) -> Serve<L, M, S, G> {
        let Self { listener, make_service, config, service, .. } = self;
        Serve { listener, make_service, shutdown: signal, config, service }
    }

    /// Sets all settings of connections. This replaces what earlier calls of [`with_limits`](Self::with_limits) and
    /// [`with_timeouts`](Self::with_timeouts) have set.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.config.settings = settings;
        self
    }

    /// Sets the limits of packets; [`Limits::server`] by default.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.config.settings = self.config.settings.with_limits(limits);
        self
    }

    /// Sets the timeouts; those of [`Timeouts::default`] by default.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        let (Timeouts { header, body, write }, settings) = (timeouts, &mut self.config.settings);
        (settings.header_timeout, settings.body_idle, settings.write_idle) = (header, body, write);
        self
    }

    /// Sets the peers that may connect; loopback by default. Unix sockets are always allowed.
    pub fn with_allow_list(mut self, allow: AllowList) -> Self {
        self.config.allow = allow;
        self
    }

    /// Sets whether a peer may half-close a connection and still get its response; true by default. hyper's servers have the
    /// same option.
    ///
    /// nginx, Apache, lighttpd and uWSGI's router never half-close a connection and then wait. With `false` the server notices
    /// over TCP too that a peer has closed its connection: it checks once a second while a service, or the body of its
    /// response, has nothing yet. A peer that half-closes and waits for a slow response, as `nc -N` does, gets no response.
    pub fn with_half_close(mut self, half_close: bool) -> Self {
        self.config.half_close = half_close;
        self
    }

    /// Sets the largest number of connections at once; 1,024 by default.
    pub fn with_max_connections(mut self, max_connections: usize) -> Self {
        self.config.max_connections = max_connections;
        self
    }
}

impl<L, M, S, F, B> IntoFuture for Serve<L, M, S, F>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Response = S, Error = Infallible> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send + 'static,
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
        let Self { listener, make_service, shutdown, config, .. } = self;
        Box::pin(acceptor::run(listener, make_service, shutdown, config))
    }
}
