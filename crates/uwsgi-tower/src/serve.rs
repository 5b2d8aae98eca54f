//! Serving: accepting connections, and stopping.

use alloc::boxed::Box;
use alloc::string::String;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::{Future, IntoFuture, Pending, pending, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use futures_util::FutureExt;
use http::{Request, Response};
use tokio::io::AsyncWriteExt;
use tokio::select;
use tokio_util::task::TaskTracker;
use tower_service::Service;
use uwsgi::Limits;
use uwsgi::server::{AllowList, Settings, admit};

use crate::body::Body;
use crate::connection::{self, End, Terms};
use crate::listener::Listener;
use crate::pace::Stop;

/// Serves uwsgi on a listener: for each connection, a service is made from its address.
///
/// An axum router becomes one with `into_make_service()`, any other service with [`Shared`]. It goes on until the future that
/// was given to [`with_graceful_shutdown`](Serve::with_graceful_shutdown) is ready.
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
pub fn serve<L, M, S, B>(listener: L, make_service: M) -> Serve<L, M, Pending<()>>
where
    L: Listener,
    M: Service<L::Addr, Response = S, Error = Infallible>,
    S: Service<Request<Body>, Response = Response<B>>,
{
    Serve {
        listener,
        make_service,
        shutdown: pending(),
        settings: Settings::default(),
        allow: None,
        max_connections: 1024,
    }
}

/// A server that is about to serve: set it up, then await it.
#[must_use = "it serves when it is awaited"]
pub struct Serve<L, M, F> {
    listener: L,
    make_service: M,
    shutdown: F,
    settings: Settings,
    allow: Option<AllowList<String>>,
    max_connections: usize,
}

impl<L, M, F> fmt::Debug for Serve<L, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<L, M, F> Serve<L, M, F> {
    /// Stops when this is ready: no connection is accepted any more, idle ones close, and what began is finished within the
    /// settings' `stop_grace`.
    pub fn with_graceful_shutdown<G: Future<Output = ()>>(self, signal: G) -> Serve<L, M, G> {
        let Self { listener, make_service, settings, allow, max_connections, .. } = self;
        Serve { listener, make_service, shutdown: signal, settings, allow, max_connections }
    }

    /// With these settings for each connection.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// With these limits for packets.
    pub fn limits(self, limits: Limits) -> Self {
        Self { settings: self.settings.with_limits(limits), ..self }
    }

    /// With this patience: for a header from its first byte to its last, for a silence inside a body, and for a peer that takes
    /// nothing of an answer. See [`Settings`] for the others.
    pub fn timeouts(mut self, header: Duration, body: Duration, write: Duration) -> Self {
        (self.settings.header_timeout, self.settings.body_idle, self.settings.write_idle) = (header, body, write);
        self
    }

    /// With these peers: this machine alone unless changed. Unix sockets are always allowed.
    pub fn allow_from(self, allow: AllowList<String>) -> Self {
        Self { allow: Some(allow), ..self }
    }

    /// With so many connections at once: 1,024 unless changed.
    pub fn max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
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
        Box::pin(run(self))
    }
}

async fn run<L, M, F, S, B>(serve: Serve<L, M, F>) -> io::Result<()>
where
    L: Listener,
    M: Service<L::Addr, Response = S, Error = Infallible>,
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Future<Output = ()>,
{
    let Serve { mut listener, make_service, shutdown, settings, allow, max_connections } = serve;
    let allow = match allow {
        Some(allow) => allow,
        None => AllowList::parse(String::from("127.0.0.1,::1")).map_err(io::Error::other)?,
    };
    let (stop, connections) = (Stop::default(), TaskTracker::new());
    let mut door =
        Door { make_service, settings, allow, max_connections, stop: stop.clone(), connections: connections.clone() };
    let mut shutdown = core::pin::pin!(shutdown);
    loop {
        let (io, address) = select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        door.take::<L, S, B>(io, address).await;
    }
    // Those who have connected already would be reset by a close. The runtime needs a moment to tell of them.
    let last = async {
        for _ in 0..BACKLOG {
            let (io, address) = listener.accept().await;
            door.take::<L, S, B>(io, address).await;
        }
    };
    let _ = tokio::time::timeout(A_MOMENT, last).await;
    drop(listener);
    stop.ask();
    connections.close();
    // Behind the last answer a connection is still drained.
    let most = settings.stop_grace.saturating_add(settings.drain_time).saturating_add(A_LITTLE);
    if tokio::time::timeout(most, connections.wait()).await.is_err() {
        tracing::error!("{} connections were not finished in time", connections.len());
    }
    Ok(())
}

/// What every connection passes.
struct Door<M> {
    make_service: M,
    settings: Settings,
    allow: AllowList<String>,
    max_connections: usize,
    stop: Stop,
    connections: TaskTracker,
}

impl<M> Door<M> {
    /// Has a connection served, or refused.
    async fn take<L, S, B>(&mut self, io: L::Io, address: L::Addr)
    where
        L: Listener,
        M: Service<L::Addr, Response = S, Error = Infallible>,
        S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (settings, stop, peer) = (self.settings, self.stop.clone(), L::peer(&address));
        let (look, extensions) = (L::has_bytes, L::extensions(&io));
        let terms = Terms { settings, peer, stop, look, extensions, token: Some(self.connections.token()) };
        let count = self.connections.len();
        if let Err(refusal) = admit(&self.allow, peer.map(|peer| peer.ip()), count, self.max_connections) {
            if count <= self.max_connections.saturating_add(TURNED_AWAY) {
                tokio::spawn(connection::turn_away(io, refusal, terms));
            } else {
                // It may be lost, and those who could be told properly are told.
                let mut io = io;
                let _ = io.write(refusal.response(false)).now_or_never();
            }
            return;
        }
        let make_service = &mut self.make_service;
        let made = async {
            poll_fn(|cx| make_service.poll_ready(cx)).await?;
            make_service.call(address).await
        };
        let service = match made.await {
            Ok(service) => service,
            Err(never) => match never {},
        };
        tokio::spawn(async move {
            match connection::serve(io, service, terms).await {
                Ok(End::Abort(io)) => L::abort(&io),
                Ok(_) => {}
                Err(error) => tracing::debug!("the connection broke: {error}"),
            }
        });
    }
}

/// How many connections are accepted once a stop was asked for.
const BACKLOG: usize = 1024;
/// How long it takes at most until connections that are there show.
const A_MOMENT: Duration = Duration::from_millis(20);
/// How many connections more than allowed are told so.
const TURNED_AWAY: usize = 64;
const A_LITTLE: Duration = Duration::from_millis(200);

/// One service, cloned for each connection: what makes a service of a `tower::service_fn`.
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
    /// The service for every connection.
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
