//! Accepts connections, gives each one a task, and stops.

use core::convert::Infallible;
use core::error::Error;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use http::{Request, Response};
use tokio::select;
use tokio::task::{unconstrained, yield_now};
use tokio::time::{Instant, timeout, timeout_at};
use tower_service::Service;
use uwsgi::server::{Admission, AllowList, ConnectionLimit, Refusal, Settings};

use crate::listener::Listener;
use crate::server::body::Body;
use crate::server::connection::{self, End};
use crate::server::context::ConnectionContext;
use crate::server::deadline::expect_timers;
use crate::server::exchange;
use crate::server::halves::SocketHooks;
use crate::server::make_service::IncomingStream;
use crate::server::tracker::ConnectionTracker;
use crate::stop::Stop;

/// What a server is configured with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// The peers that may connect; loopback if there is no list.
    pub(crate) allow: AllowList,
    pub(crate) max_connections: usize,
    pub(crate) half_close: bool,
}

/// How long the runtime may take to report that a connection or bytes have arrived. A server that stops waits this long for the
/// first connection of its backlog. A new connection ignores a stop for this long, because its request may have arrived
/// already.
const ARRIVAL_DELAY: Duration = Duration::from_millis(20);
/// How many connections are accepted before this task yields to the others.
const ACCEPTS_PER_TURN: u64 = 32;

/// Accepts and serves connections until `shutdown` is ready, then finishes those that are open.
pub(crate) async fn run<L, M, F, S, B>(mut listener: L, make_service: M, shutdown: F, config: Config) -> io::Result<()>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Response = S, Error = Infallible> + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send + 'static,
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    F: Future<Output = ()>,
{
    expect_timers();
    let Config { settings, allow, max_connections, half_close } = config;
    let (stop, tracker) = (Stop::default(), ConnectionTracker::new(max_connections));
    let (acceptor_stop, acceptor_tracker) = (stop.clone(), Arc::clone(&tracker));
    let mut acceptor =
        Acceptor { make_service, settings, allow, half_close, stop: acceptor_stop, tracker: acceptor_tracker };
    let mut shutdown = pin!(shutdown);
    for accepted in 1_u64.. {
        let (io, address) = select! {
            accepted = acceptor.accept(&mut listener) => accepted,
            () = &mut shutdown => break,
        };
        acceptor.spawn::<L, S, B>(io, address);
        // While connections wait to be accepted, this task would never yield otherwise.
        if accepted % ACCEPTS_PER_TURN == 0 {
            yield_now().await;
        }
    }
    // When the listener closes, the kernel resets the connections that wait in the backlog, so they are accepted first. The
    // runtime may take until the deadline to report the first one. The others are ready at once, and are accepted even after
    // the deadline.
    let until = Instant::now().checked_add(ARRIVAL_DELAY).unwrap_or_else(Instant::now);
    for _ in 0..ConnectionLimit::BACKLOG {
        match timeout_at(until, unconstrained(acceptor.accept(&mut listener))).await {
            Ok((io, address)) => acceptor.spawn::<L, S, B>(io, address),
            Err(_) => break,
        }
    }
    drop(listener);
    stop.ask();
    tracker.tasks.close();
    if timeout(settings.longest_stop(), tracker.tasks.wait()).await.is_err() {
        let upgraded = tracker.upgraded();
        match tracker.tasks.len().saturating_sub(upgraded) {
            0 => tracing::info!("{upgraded} upgraded connections have not ended"),
            left => tracing::error!("{left} connections were not finished in time"),
        }
    }
    Ok(())
}

/// Accepts connections and starts their tasks.
struct Acceptor<M> {
    make_service: M,
    settings: Settings,
    allow: AllowList,
    half_close: bool,
    stop: Stop,
    tracker: Arc<ConnectionTracker>,
}

impl<M> Acceptor<M> {
    /// Accepts a connection once a service can be made for it. No connection is lost if the future is dropped.
    async fn accept<L, S>(&mut self, listener: &mut L) -> (L::Io, L::Addr)
    where
        L: Listener,
        M: for<'a> Service<IncomingStream<'a, L>, Response = S, Error = Infallible>,
    {
        match poll_fn(|cx| self.make_service.poll_ready(cx)).await {
            Ok(()) => listener.accept().await,
            Err(never) => match never {},
        }
    }

    /// Serves or refuses a connection in a task of its own.
    fn spawn<L, S, B>(&mut self, io: L::Io, address: L::Addr)
    where
        L: Listener,
        M: for<'a> Service<IncomingStream<'a, L>, Response = S, Error = Infallible> + 'static,
        for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send + 'static,
        S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let peer = L::peer(&address);
        let (admission, slot) = self.tracker.admit(&self.allow, peer.map(|peer| peer.ip()));
        let (settings, half_close, stop) = (self.settings, self.half_close, self.stop.clone());
        let context = move |io: &L::Io| ConnectionContext {
            settings,
            peer,
            stop,
            hooks: Some(SocketHooks { half_close, ..SocketHooks::of::<L>() }),
            extensions: L::extensions(io),
            stop_delay: ARRIVAL_DELAY,
            slot: Some(slot),
        };
        match admission {
            Admission::Serve => {
                let made = self.make_service.call(IncomingStream { io: &io, remote_addr: address });
                self.tracker.tasks.spawn(async move {
                    let Some(io) = establish::<L>(io, peer).await else { return };
                    let service = match made.await {
                        Ok(service) => service,
                        Err(never) => match never {},
                    };
                    // The context outlives the connection, so that the connection is closed before its slot is free.
                    let mut context = context(&io);
                    // Boxed, because this future is nearly the whole task, and a task is moved several times before it runs.
                    match Box::pin(connection::serve(io, service, &mut context)).await {
                        Ok(End::Abort(io)) => L::abort(&io),
                        Ok(_) => {}
                        Err(error) => tracing::debug!("the connection broke: {error}"),
                    }
                });
            }
            Admission::Refuse(refusal) => {
                self.tracker.tasks.spawn(async move {
                    // A peer that is not allowed gets no handshake. If the refusal needs a handshake, it is not sent.
                    let io = match refusal {
                        Refusal::PeerNotAllowed => Some(io),
                        _ => establish::<L>(io, peer).await,
                    };
                    let Some(io) = io else { return };
                    let context = context(&io);
                    if let Err(error) = exchange::refuse_connection(io, refusal, &context).await {
                        tracing::debug!("the connection broke: {error}");
                    }
                });
            }
            // This response may be lost. A refusal in a task of its own is not lost.
            Admission::RefuseWithoutWaiting(refusal) => {
                L::write_refusal(&io, refusal.response_with(false, settings.keepalive.is_some()))
            }
        }
    }
}

async fn establish<L: Listener>(io: L::Io, peer: Option<SocketAddr>) -> Option<L::Io> {
    let peer = peer.map(tracing::field::display);
    match L::establish(io).await {
        Ok(io) => return Some(io),
        // A health check may connect and close without sending a byte.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => tracing::debug!(peer, "no handshake: {error}"),
        Err(error) => tracing::warn!(peer, "no handshake: {error}"),
    }
    None
}
