//! One connection, from its first byte to its close.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use http::{Extensions, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use uwsgi::server::Settings;

use crate::listener::Listener;
use crate::server::body::Body;
use crate::server::context::ConnectionContext;
use crate::server::deadline::expect_timers;
use crate::server::exchange::{Next, halves, serve_request};
use crate::server::halves::SocketHooks;
use crate::server::respond::BoxError;
use crate::stop::Stop;
use crate::upgrade::Upgraded;

/// A connection that is not served yet. [`serve`](crate::serve()) serves each of its connections so. Use this type in tests, or if
/// your program accepts connections itself.
///
/// ```
/// use core::convert::Infallible;
/// use http::{Request, Response};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
/// use uwsgi_tower::{Body, Connection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let hello = tower::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(String::from("hello"))));
/// let (mut front_end, backend) = duplex(1024);
/// let served = tokio::spawn(Connection::new(backend, hello).serve());
/// front_end.write_all(b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET").await?;
/// let mut answer = String::new();
/// front_end.read_to_string(&mut answer).await?;
/// assert!(answer.ends_with("\r\n\r\nhello"));
/// # drop(front_end);
/// # served.await??;
/// # Ok(())
/// # }
/// ```
///
/// A connection over a socket is served as [`serve`](crate::serve()) does it if it knows its kind of listener:
///
/// ```
/// use core::net::SocketAddr;
/// use http::{Request, Response};
/// use tokio::net::{TcpListener, TcpStream};
/// use uwsgi_tower::{Accepted, Body, BodyError, Connection, End, Listener};
///
/// async fn hello(_: Request<Body>) -> Result<Response<String>, BodyError> {
///     Ok(Response::new("hello".into()))
/// }
///
/// async fn serve(stream: TcpStream, peer: SocketAddr) -> std::io::Result<()> {
///     let stream = Accepted::from(stream);
///     let connection =
///         Connection::new(stream, tower::service_fn(hello)).with_listener::<TcpListener>().with_peer(peer);
///     if let End::Abort(stream) = connection.serve().await? {
///         <TcpListener as Listener>::abort(&stream);
///     }
///     Ok(())
/// }
/// ```
#[must_use = "it is served when `serve` is awaited"]
#[derive(Debug)]
pub struct Connection<IO, S> {
    io: IO,
    service: S,
    context: ConnectionContext<IO>,
}

impl<IO, S> Connection<IO, S> {
    /// Makes a connection with the settings of [`Settings::default`] and an unknown peer.
    pub fn new(io: IO, service: S) -> Self {
        let context = ConnectionContext {
            settings: Settings::default(),
            peer: None,
            stop: Stop::new(),
            hooks: None,
            extensions: Extensions::new(),
            stop_delay: Duration::ZERO,
            slot: None,
        };
        Self { io, service, context }
    }

    /// Sets the settings; [`Settings::default`] by default.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.context.settings = settings;
        self
    }

    /// Sets the stop that may ask this connection to end; no stop by default.
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.context.stop = stop;
        self
    }

    /// Sets the address of the peer, for the log and the extension [`Peer`](crate::Peer); unknown by default.
    pub fn with_peer(mut self, peer: SocketAddr) -> Self {
        self.context.peer = Some(peer);
        self
    }

    /// Sets the kind of listener whose functions the connection uses. They give the [extensions](Listener::extensions) of each
    /// request. They let the server close at once after a response if the peer has sent [nothing more](Listener::has_bytes),
    /// and notice that the [peer has closed](Listener::closed) the connection.
    pub fn with_listener<L: Listener<Io = IO>>(mut self) -> Self {
        self.context.hooks = Some(SocketHooks::of::<L>());
        self.context.extensions = L::extensions(&self.io);
        self
    }

    /// Sets whether the peer may half-close the connection: see [`Serve::with_half_close`](crate::Serve::with_half_close). Call
    /// [`with_listener`](Self::with_listener) first: without it, this does nothing.
    pub fn with_half_close(mut self, half_close: bool) -> Self {
        if let Some(hooks) = &mut self.context.hooks {
            hooks.half_close = half_close;
        }
        self
    }

    /// Serves the connection to its end.
    ///
    /// # Errors
    ///
    /// The connection broke. A fault of the peer is not an error: the peer gets a response.
    ///
    /// # Panics
    ///
    /// It panics in a runtime without timers: build the runtime with `enable_time` or `enable_all`.
    pub async fn serve<B>(mut self) -> io::Result<End<IO>>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Service<Request<Body>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        expect_timers();
        serve(self.io, self.service, &mut self.context).await
    }
}

/// How a connection has ended, and what the caller must do with it.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "the caller must handle every case")]
pub enum End<IO> {
    /// Reset it, so that the front end sees that the response is not whole: set `SO_LINGER` to 0 and drop it.
    Abort(IO),
    /// Drop it.
    Close(IO),
    /// Do nothing: the connection was upgraded, and belongs to the service.
    Taken,
}

/// Serves a connection to its end. Its slot stays in the context, unless the connection is upgraded.
pub(crate) async fn serve<IO, S, B>(io: IO, mut service: S, context: &mut ConnectionContext<IO>) -> io::Result<End<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let (mut inbound, mut outbound) = halves(io, context);
    loop {
        match serve_request(inbound, &mut outbound, &mut service, context).await? {
            Next::KeepAlive(half) => inbound = half,
            Next::Abort => return Ok(outbound.into_io().map_or(End::Taken, End::Abort)),
            Next::Close => return Ok(outbound.into_io().map_or(End::Taken, End::Close)),
            Next::Upgrade(half, sender) => {
                if let Some(mut io) = outbound.into_io() {
                    if let Some(hooks) = &context.hooks {
                        (hooks.settle)(&mut io)?;
                    }
                    let slot = context.slot.take().map(|mut slot| -> Box<dyn Send> {
                        slot.mark_upgraded();
                        Box::new(slot)
                    });
                    // This fails if the service has dropped its `OnUpgrade`.
                    let _ = sender.send(Upgraded::of_server(io, half.into_unused(), context.stop.clone(), slot));
                }
                return Ok(End::Taken);
            }
        }
    }
}
