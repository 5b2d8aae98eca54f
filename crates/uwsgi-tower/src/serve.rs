//! Serving: accepting connections, and stopping.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::{Future, IntoFuture, Pending, pending, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use tokio::select;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower_service::Service;
use uwsgi::Limits;
use uwsgi::server::{Admission, AllowList, ConnectionLimit, Refusal, Settings};

use crate::body::Body;
use crate::connection::{self, End, Terms};
use crate::halves::Look;
use crate::listener::Listener;
use crate::pace::{Stop, expect_timers};

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
///
/// # Panics
///
/// When it is awaited, in a runtime without timers: build it with `enable_time` or `enable_all`.
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
        max_connections: ConnectionLimit::DEFAULT,
        end_is_close: false,
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
    end_is_close: bool,
}

/// For how long a server waits. See [`Settings`] for all that it may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it is written with its names, so that none is taken for another")]
pub struct Timeouts {
    /// For a header, from its first byte to its last: 10 seconds.
    pub header: Duration,
    /// For a silence inside a body: 30 seconds.
    pub body: Duration,
    /// For a peer that takes nothing of an answer: 1 hour. [`Settings::write_idle`] says why it is so long.
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
        f.debug_struct("Serve").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<L, M, F> Serve<L, M, F> {
    /// Stops when this is ready: no connection is accepted any more, idle ones close, and what began is finished within the
    /// settings' `stop_grace`.
    pub fn with_graceful_shutdown<G: Future<Output = ()>>(self, signal: G) -> Serve<L, M, G> {
        let Self { listener, make_service, settings, allow, max_connections, end_is_close, .. } = self;
        Serve { listener, make_service, shutdown: signal, settings, allow, max_connections, end_is_close }
    }

    /// With these settings for each connection; they stand for [`limits`](Self::limits) and [`timeouts`](Self::timeouts) that
    /// were given before.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// With these limits for packets.
    pub fn limits(self, limits: Limits) -> Self {
        Self { settings: self.settings.with_limits(limits), ..self }
    }

    /// With this patience.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        let Timeouts { header, body, write } = timeouts;
        (self.settings.header_timeout, self.settings.body_idle, self.settings.write_idle) = (header, body, write);
        self
    }

    /// With these peers: this machine alone unless changed. Unix sockets are always allowed.
    pub fn allow_from(self, allow: AllowList<String>) -> Self {
        Self { allow: Some(allow), ..self }
    }

    /// With the end of what a peer sends taken for its close, while a service, or the body of its response, has nothing
    /// for a second or more. That is what nginx, Apache, lighttpd and uWSGI's router mean by it, and then a client that
    /// leaves is noticed over TCP too. A peer that ends its own direction and waits for a slow answer, as `nc -N` does,
    /// gets none.
    pub fn end_is_close(self) -> Self {
        Self { end_is_close: true, ..self }
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
    M: Service<L::Addr, Response = S, Error = Infallible> + 'static,
    M::Future: Send,
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Future<Output = ()>,
{
    expect_timers();
    let Serve { mut listener, make_service, shutdown, settings, allow, max_connections, end_is_close } = serve;
    let allow = match allow {
        Some(allow) => allow,
        None => AllowList::parse(String::from("127.0.0.1,::1")).map_err(io::Error::other)?,
    };
    let stop = Stop::default();
    let count = Mutex::new(Count { connections: ConnectionLimit::new(max_connections), pipes: 0 });
    let hall = Arc::new(Hall { count, connections: TaskTracker::new() });
    let mut door = Door { make_service, settings, allow, end_is_close, stop: stop.clone(), hall: Arc::clone(&hall) };
    let mut shutdown = core::pin::pin!(shutdown);
    for accepted in 1_u64.. {
        let (io, address) = select! {
            accepted = door.next(&mut listener) => accepted,
            () = &mut shutdown => break,
        };
        door.take::<L, S, B>(io, address);
        // Where somebody always waits to be accepted, nothing else would ever make this task wait.
        if accepted % AT_ONCE == 0 {
            yield_now().await;
        }
    }
    // Those who have connected already would be reset by a close. The runtime needs a moment to tell of the first of
    // them; then all that are there are taken, however long that is.
    let until = Instant::now().checked_add(A_MOMENT).unwrap_or_else(Instant::now);
    for _ in 0..ConnectionLimit::BACKLOG {
        match timeout_at(until, unconstrained(door.next(&mut listener))).await {
            Ok((io, address)) => door.take::<L, S, B>(io, address),
            Err(_) => break,
        }
    }
    drop(listener);
    stop.ask();
    hall.connections.close();
    if timeout(settings.longest_stop(), hall.connections.wait()).await.is_err() {
        let pipes = hall.count().pipes;
        match hall.connections.len().saturating_sub(pipes) {
            0 => tracing::info!("{pipes} upgraded connections have not ended"),
            left => tracing::error!("{left} connections were not finished in time"),
        }
    }
    Ok(())
}

/// What every connection passes.
struct Door<M> {
    make_service: M,
    settings: Settings,
    allow: AllowList<String>,
    end_is_close: bool,
    stop: Stop,
    hall: Arc<Hall>,
}

/// Who is inside.
struct Hall {
    count: Mutex<Count>,
    connections: TaskTracker,
}

impl<M> Door<M> {
    /// The next connection, for which a service can be made. Nothing is lost if it is dropped.
    async fn next<L>(&mut self, listener: &mut L) -> (L::Io, L::Addr)
    where
        L: Listener,
        M: Service<L::Addr, Error = Infallible>,
    {
        match poll_fn(|cx| self.make_service.poll_ready(cx)).await {
            Ok(()) => listener.accept().await,
            Err(never) => match never {},
        }
    }

    /// Has a connection served, or refused, in a task of its own.
    fn take<L, S, B>(&mut self, io: L::Io, address: L::Addr)
    where
        L: Listener,
        M: Service<L::Addr, Response = S, Error = Infallible> + 'static,
        M::Future: Send,
        S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let peer = L::peer(&address);
        let admission = self.hall.count().connections.admit(&self.allow, peer.map(|peer| peer.ip()));
        let counted = Counted { admission, pipe: None, hall: Arc::clone(&self.hall) };
        let (settings, end_is_close, stop) = (self.settings, self.end_is_close, self.stop.clone());
        let terms = move |io: &L::Io| {
            let look = Some(Look { end_is_close, ..Look::of::<L>() });
            let extensions = L::extensions(io);
            Terms { settings, peer, stop, look, extensions, moment: A_MOMENT, counted: Some(counted) }
        };
        match admission {
            Admission::Serve => {
                let made = self.make_service.call(address);
                self.hall.connections.spawn(async move {
                    let Some(io) = established::<L>(io, peer).await else { return };
                    let service = match made.await {
                        Ok(service) => service,
                        Err(never) => match never {},
                    };
                    // They outlive it: it is closed before another connection is counted in its place.
                    let mut terms = terms(&io);
                    // In a place of its own: a task is moved a dozen times before it runs, and this is nearly all of it.
                    match Box::pin(connection::serve(io, service, &mut terms)).await {
                        Ok(End::Abort(io)) => L::abort(&io),
                        Ok(_) => {}
                        Err(error) => tracing::debug!("the connection broke: {error}"),
                    }
                });
            }
            Admission::Refuse(refusal) => {
                self.hall.connections.spawn(async move {
                    // Who is not allowed gets no handshake either: what cannot be told without one is not told.
                    let io = match refusal {
                        Refusal::PeerNotAllowed => Some(io),
                        _ => established::<L>(io, peer).await,
                    };
                    let Some(io) = io else { return };
                    let terms = terms(&io);
                    if let Err(error) = connection::turn_away(io, refusal, &terms).await {
                        tracing::debug!("the connection broke: {error}");
                    }
                });
            }
            // It may be lost, and those who could be told properly are told.
            Admission::RefuseWithoutWaiting(refusal) => {
                L::say(&io, refusal.response_with(false, settings.keepalive.is_some()))
            }
        }
    }
}

async fn established<L: Listener>(io: L::Io, peer: Option<SocketAddr>) -> Option<L::Io> {
    let peer = peer.map(tracing::field::display);
    match L::establish(io).await {
        Ok(io) => return Some(io),
        // Who looks whether somebody listens says nothing.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => tracing::debug!(peer, "no handshake: {error}"),
        Err(error) => tracing::warn!(peer, "no handshake: {error}"),
    }
    None
}

/// How many connections there are, and how many of them belong to the application alone.
struct Count {
    connections: ConnectionLimit,
    pipes: usize,
}

/// Counts a connection until it is dropped.
pub(crate) struct Counted {
    admission: Admission,
    hall: Arc<Hall>,
    /// What is waited for when its task has ended.
    pipe: Option<TaskTrackerToken>,
}

impl Counted {
    /// The connection was upgraded.
    pub(crate) fn becomes_a_pipe(&mut self) {
        let mut count = self.hall.count();
        count.pipes = count.pipes.saturating_add(1);
        self.pipe = Some(self.hall.connections.token());
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("admission", &self.admission).finish_non_exhaustive()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut count = self.hall.count();
        count.connections.release(self.admission);
        count.pipes = count.pipes.saturating_sub(usize::from(self.pipe.is_some()));
    }
}

impl Hall {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it takes at most until connections that are there show, and until one that was accepted says something.
const A_MOMENT: Duration = Duration::from_millis(20);
/// How many connections are accepted before the others get their turn.
const AT_ONCE: u64 = 32;

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
