//! One connection, from its first byte to its close.

use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use http::{Extensions, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;
use uwsgi::framing::RequestBody;
use uwsgi::server::{Drain, Ending, Receive, Refusal, Respond, Settings};

use crate::answer::{BoxError, answer, ask, send_all};
use crate::body::{Body, Unread};
use crate::halves::{Look, split};
use crate::inbound::{Head, Inbound};
use crate::listener::Listener;
use crate::outbound::Outbound;
use crate::pace::{Pace, Stop, expect_timers};
use crate::request::{Peer, request_parts};
use crate::serve::Counted;
use crate::upgrade::{self, Upgraded};

/// Serves one connection to its end: what [`serve`](crate::serve()) does with each, for who accepts connections
/// otherwise, and for tests.
///
/// ```
/// use core::convert::Infallible;
/// use http::{Request, Response};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
/// use uwsgi::server::Settings;
/// use uwsgi_tower::{Body, serve_connection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let hello = tower::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(String::from("hello"))));
/// let (mut front_end, backend) = duplex(1024);
/// let served = tokio::spawn(serve_connection(backend, hello, Settings::default()));
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
/// # Errors
///
/// The connection broke. What a peer does wrong is no error: it is answered.
///
/// # Panics
///
/// In a runtime without timers: build it with `enable_time` or `enable_all`.
pub async fn serve_connection<IO, S, B>(io: IO, service: S, settings: Settings) -> io::Result<End<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    Connection::new(io, service).settings(settings).serve().await
}

/// [`serve_connection`], which may be asked to stop.
///
/// # Errors
///
/// As [`serve_connection`].
///
/// # Panics
///
/// As [`serve_connection`].
pub async fn serve_connection_until<IO, S, B>(io: IO, service: S, settings: Settings, stop: Stop) -> io::Result<End<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    Connection::new(io, service).settings(settings).stop(stop).serve().await
}

/// A connection that is about to be served, with what is known of it: for who accepts connections otherwise.
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
///     let connection = Connection::new(stream, tower::service_fn(hello)).like::<TcpListener>().peer(peer);
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
    terms: Terms<IO>,
}

impl<IO, S> Connection<IO, S> {
    /// A connection of which nothing is known, with the settings that [`Settings::default`] has.
    pub fn new(io: IO, service: S) -> Self {
        let (settings, extensions, moment) = (Settings::default(), Extensions::new(), Duration::ZERO);
        let terms = Terms { settings, peer: None, stop: Stop::new(), look: None, extensions, moment, counted: None };
        Self { io, service, terms }
    }

    /// With these settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.terms.settings = settings;
        self
    }

    /// It may be asked to stop.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.terms.stop = stop;
        self
    }

    /// From this peer: what [`Peer`] tells, and the log.
    pub fn peer(mut self, peer: SocketAddr) -> Self {
        self.terms.peer = Some(peer);
        self
    }

    /// As this kind of listener has them: it is asked for the [extensions](Listener::extensions) of each request,
    /// whether [bytes are there](Listener::has_bytes), so that the connection closes at once behind an answer where
    /// none are, and whether the [peer has gone](Listener::closed).
    pub fn like<L: Listener<Io = IO>>(mut self) -> Self {
        self.terms.look = Some(Look::of::<L>());
        self.terms.extensions = L::extensions(&self.io);
        self
    }

    /// With the end of what the peer sends taken for a close: see [`Serve::end_is_close`](crate::Serve::end_is_close).
    /// It says how to look that was given [before](Self::like).
    pub fn end_is_close(mut self) -> Self {
        if let Some(look) = &mut self.terms.look {
            look.end_is_close = true;
        }
        self
    }

    /// Serves it to its end.
    ///
    /// # Errors
    ///
    /// As [`serve_connection`].
    ///
    /// # Panics
    ///
    /// As [`serve_connection`].
    pub async fn serve<B>(mut self) -> io::Result<End<IO>>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Service<Request<Body>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: http_body::Body,
        B::Error: Into<BoxError>,
    {
        expect_timers();
        serve(self.io, self.service, &mut self.terms).await
    }
}

/// How a connection has ended.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum End<IO> {
    /// It is to be reset, so that the front end sees that the answer is not whole: set `SO_LINGER` to 0 and drop it.
    Abort(IO),
    /// It is to be dropped.
    Close(IO),
    /// It was upgraded, and belongs to the service.
    Taken,
}

/// What a connection is served with.
#[derive(Debug)]
pub(crate) struct Terms<IO> {
    pub(crate) settings: Settings,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) stop: Stop,
    pub(crate) look: Option<Look<IO>>,
    /// What each request gets.
    pub(crate) extensions: Extensions,
    /// For how long a connection that has just begun does not hear of a stop: it had no time to say anything.
    pub(crate) moment: Duration,
    /// What it holds, though it be upgraded, so that it is counted.
    pub(crate) counted: Option<Counted>,
}

impl<IO> Terms<IO> {
    fn tell(&self, what: &dyn fmt::Display, status: u16) {
        match self.peer {
            Some(peer) => tracing::warn!(%peer, status, "refused: {what}"),
            None => tracing::warn!(status, "refused: {what}"),
        }
    }
}

/// Serves a connection to its end. What counts it stays in its terms, unless it was upgraded.
pub(crate) async fn serve<IO, S, B>(io: IO, mut service: S, terms: &mut Terms<IO>) -> io::Result<End<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let (mut inbound, mut outbound) = halves(io, terms);
    loop {
        match one(inbound, &mut outbound, &mut service, terms).await? {
            Next::Another(half) => inbound = half,
            Next::Abort => return Ok(outbound.into_io().map_or(End::Taken, End::Abort)),
            Next::Close => return Ok(outbound.into_io().map_or(End::Taken, End::Close)),
            Next::Upgrade(half, to) => {
                if let Some(mut io) = outbound.into_io() {
                    if let Some(look) = &terms.look {
                        (look.settle)(&mut io)?;
                    }
                    // Whoever asked for it may have gone.
                    let _ =
                        to.send(Upgraded::of_server(io, half.into_rest(), terms.stop.clone(), terms.counted.take()));
                }
                return Ok(End::Taken);
            }
        }
    }
}

/// Refuses a connection before a byte of it is read.
pub(crate) async fn turn_away<IO>(io: IO, refusal: Refusal, terms: &Terms<IO>) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (inbound, mut outbound) = halves(io, terms);
    refuse(inbound, &mut outbound, refusal, terms).await.map(drop)
}

/// The receiving half is handed from one to another with every request, and would be copied each time.
fn halves<IO: AsyncRead + AsyncWrite + Unpin>(io: IO, terms: &Terms<IO>) -> (Box<Inbound<IO>>, Outbound<IO>) {
    let pace = Pace::new(Instant::now(), terms.stop.clone(), terms.moment);
    let (reader, writer) = split(io, terms.look);
    let outbound = Outbound::new(writer, pace.another());
    (Box::new(Inbound::new(reader, Receive::new(terms.settings, pace.now()), pace)), outbound)
}

/// What comes behind a request.
enum Next<IO> {
    Abort,
    Another(Box<Inbound<IO>>),
    Close,
    Upgrade(Box<Inbound<IO>>, oneshot::Sender<Upgraded>),
}

/// Serves one request.
async fn one<IO, S, B>(
    mut inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    service: &mut S,
    terms: &Terms<IO>,
) -> io::Result<Next<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let head = match poll_fn(|cx| inbound.poll_head(cx)).await? {
        Head::Packet(head) => head,
        Head::Close => return Ok(Next::Close),
        Head::Ping => return bare(inbound, outbound, &Receive::PONG).await,
        Head::Refuse(refusal) => return refuse(inbound, outbound, refusal, terms).await,
    };
    let mut parts = match inbound.receive.request(&head).map(|request| request_parts(&request)) {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) => {
            terms.tell(&error, Refusal::NotHttp.status());
            let refusal = inbound.receive.refusal_response(&Refusal::NotHttp);
            return bare(inbound, outbound, refusal).await;
        }
        Err(refusal) => return refuse(inbound, outbound, refusal, terms).await,
    };
    drop(head);
    parts.extensions.extend(terms.extensions.clone());
    if let Some(peer) = terms.peer {
        parts.extensions.insert(Peer(peer));
    }
    let upgrade = parts.headers.contains_key(http::header::UPGRADE).then(|| {
        let (on, to) = upgrade::pair();
        parts.extensions.insert(on);
        to
    });

    let mut respond = Respond::queued(&inbound.receive, inbound.pace.now());
    let (body, half, unread) = match inbound.receive.framing() {
        RequestBody::None | RequestBody::Length(0) => (Body::empty(), Half::Here(inbound), Unread::default()),
        framing => {
            if !matches!(framing, RequestBody::Length(length) if inbound.has(length)) {
                inbound.settle()?;
            }
            let unread = Unread::of(&inbound.receive);
            let (body, returned) = Body::lent(inbound, framing, unread.clone());
            (body, Half::Lent(returned), unread)
        }
    };
    let answered = match ask(service, Request::from_parts(parts, body), &mut respond, outbound).await {
        Ok(response) => answer(response, &unread, &mut respond, outbound).await,
        Err(failed) => Err(failed),
    };
    if let Err(failed) = answered {
        failed.settle(&mut respond, outbound).await;
    }
    if let Some(cut) = respond.cut() {
        tracing::warn!(peer = terms.peer.map(tracing::field::display), "{cut}");
    }
    if respond.is_aborted() && !respond.is_upgraded() {
        return Ok(Next::Abort);
    }
    let Some(mut inbound) = half.back(&respond, outbound, &terms.settings).await else { return Ok(Next::Close) };
    if let (true, Some(to)) = (respond.is_upgraded(), upgrade) {
        return Ok(Next::Upgrade(inbound, to));
    }
    if let Some(asked) = inbound.pace.stop_asked() {
        inbound.receive.shut_down(asked);
    }
    match Ending::of(inbound.receive.clone(), &respond, inbound.pace.now()) {
        Ending::Next(receive) => {
            inbound.receive = receive;
            Ok(Next::Another(inbound))
        }
        // The close is the half-close too: there is nothing to lose.
        Ending::HalfClose(drain) if drain.expects_nothing() && !inbound.may_have_more() => Ok(Next::Close),
        Ending::HalfClose(drain) => half_close(inbound, outbound, drain).await,
        Ending::Abort => Ok(Next::Abort),
    }
}

/// Where the receiving half is while a service works.
enum Half<IO> {
    Here(Box<Inbound<IO>>),
    Lent(oneshot::Receiver<Box<Inbound<IO>>>),
}

impl<IO: AsyncWrite + Unpin> Half<IO> {
    /// Gets it back: at once, unless a task of the service's still holds the body. That has as long for it as a peer
    /// that still sends, and the peer need not wait to see the end.
    async fn back(
        self,
        respond: &Respond,
        outbound: &mut Outbound<IO>,
        settings: &Settings,
    ) -> Option<Box<Inbound<IO>>> {
        let mut returned = match self {
            Self::Here(inbound) => return Some(inbound),
            Self::Lent(returned) => returned,
        };
        let drain = Drain::new(settings, outbound.pace.now());
        match returned.try_recv() {
            Ok(inbound) => return Some(inbound),
            Err(oneshot::error::TryRecvError::Closed) => return None,
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        if !respond.is_upgraded() && !respond.allows_another() {
            // If it fails, the peer was first.
            let _ = outbound.shut_down(&drain).await;
        }
        let mut returned = pin!(returned);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(inbound) = returned.as_mut().poll(cx) {
                    return Poll::Ready(inbound.ok());
                }
                if outbound.pace.now() >= drain.deadline() {
                    return Poll::Ready(None);
                }
                core::task::ready!(outbound.pace.poll_until(Some(drain.deadline()), cx));
            }
        })
        .await
    }
}

/// Writes a refusal, and ends the connection.
async fn refuse<IO: AsyncRead + AsyncWrite + Unpin>(
    inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    refusal: Refusal,
    terms: &Terms<IO>,
) -> io::Result<Next<IO>> {
    terms.tell(&refusal, refusal.status());
    let response = inbound.receive.refusal_response(&refusal);
    bare(inbound, outbound, response).await
}

/// Writes what the server says by itself, and ends the connection.
async fn bare<IO: AsyncRead + AsyncWrite + Unpin>(
    inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    bytes: &[u8],
) -> io::Result<Next<IO>> {
    let mut respond = Respond::refusing(&inbound.receive, inbound.pace.now());
    send_all(bytes, &mut respond, outbound).await?;
    let drain = Drain::new(inbound.receive.settings(), inbound.pace.now());
    half_close(inbound, outbound, drain).await
}

/// Shuts down writing, then drops what still comes: to close over unread bytes would make the kernel reset the connection.
async fn half_close<IO: AsyncRead + AsyncWrite + Unpin>(
    mut inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    mut drain: Drain,
) -> io::Result<Next<IO>> {
    outbound.shut_down(&drain).await?;
    poll_fn(|cx| inbound.poll_drain(&mut drain, cx)).await?;
    Ok(Next::Close)
}
