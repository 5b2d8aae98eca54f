//! One connection, from its first byte to its close.

use core::error::Error;
use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::{Poll, ready};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;
use uwsgi::framing::RequestBody;
use uwsgi::response::{RefusedLine, ResponseEncoder};
use uwsgi::server::{AnswerError, Drain, Ending, Failure, Leaves, Receive, Refusal, Respond, Settings, TimeStep};

use crate::body::{Body, BodyError};
use crate::inbound::{Head, Inbound};
use crate::outbound::Outbound;
use crate::pace::{Pace, Stop};
use crate::request::{Peer, request_parts};
use crate::upgrade::{self, Upgraded};

type BoxError = Box<dyn Error + Send + Sync>;

/// What a connection is served with.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) settings: Settings,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) stop: Stop,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is to be reset, so that the front end sees that the answer is not whole.
    Abort,
    Close,
}

/// Serves a connection to its end. Gives it back, unless it was upgraded, or a service has kept a part of it.
pub(crate) async fn serve<IO, S, B>(io: IO, mut service: S, terms: Terms) -> Option<(IO, End)>
where
    IO: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let pace = Pace::new(Instant::now(), terms.stop.clone());
    let (reader, writer) = split(io);
    let mut outbound = Outbound::new(writer, pace.another());
    let mut inbound = Inbound::new(reader, Receive::new(terms.settings, pace.now()), pace);
    loop {
        match one(inbound, &mut outbound, &mut service, &terms).await {
            Ok(Next::Another(half)) => inbound = half,
            Ok(Next::End(half, end)) => {
                let (reader, _) = half.into_parts();
                return Some((reader.unsplit(outbound.into_writer()), end));
            }
            Ok(Next::Kept) => return None,
            Ok(Next::Upgrade(half, to)) => {
                let (reader, rest) = half.into_parts();
                // Whoever asked for it may have gone.
                let _ = to.send(Upgraded::new(reader.unsplit(outbound.into_writer()), rest));
                return None;
            }
            Err(error) => {
                tracing::debug!("the connection broke: {error}");
                return None;
            }
        }
    }
}

/// What comes behind a request.
enum Next<R> {
    Another(Inbound<R>),
    End(Inbound<R>, End),
    /// The service has kept the body.
    Kept,
    Upgrade(Inbound<R>, oneshot::Sender<Upgraded>),
}

/// Serves one request.
async fn one<IO, S, B>(
    mut inbound: Inbound<ReadHalf<IO>>,
    outbound: &mut Outbound<WriteHalf<IO>>,
    service: &mut S,
    terms: &Terms,
) -> io::Result<Next<ReadHalf<IO>>>
where
    IO: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin + 'static,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let head = match poll_fn(|cx| inbound.poll_head(cx)).await? {
        Head::Packet(head) => head,
        Head::Close => return Ok(Next::End(inbound, End::Close)),
        Head::Ping => return bare(inbound, outbound, &Receive::PONG).await,
        Head::Refuse(refusal) => return refuse(inbound, outbound, refusal, terms).await,
    };
    let request = inbound.receive.request(&head).map(|request| request_parts(&request));
    let mut parts = match request {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) => {
            tracing::warn!(peer = terms.peer.map(tracing::field::display), "refused: {error}");
            let refusal = Refusal::NotHttp.response(inbound.receive.is_head_request());
            return bare(inbound, outbound, refusal).await;
        }
        Err(refusal) => return refuse(inbound, outbound, refusal, terms).await,
    };
    drop(head);
    if let Some(peer) = terms.peer {
        parts.extensions.insert(Peer(peer));
    }
    let upgrade = parts.headers.contains_key(http::header::UPGRADE).then(|| {
        let (on, to) = upgrade::pair();
        parts.extensions.insert(on);
        to
    });

    let mut respond = Respond::queued(&inbound.receive, inbound.pace.now());
    let (body, half) = match inbound.receive.framing() {
        RequestBody::None | RequestBody::Length(0) => (Body::empty(), Half::Here(inbound)),
        framing => {
            let (body, returned) = Body::lent(inbound, framing);
            (body, Half::Lent(returned))
        }
    };
    let answered = ask(service, Request::from_parts(parts, body), &mut respond, outbound).await;
    let answered = match answered {
        Ok(response) => answer(response, &mut respond, outbound).await,
        Err(failed) => Err(failed),
    };
    if let Err(failed) = answered {
        failed.settle(&mut respond, outbound).await?;
    }
    let Some(mut inbound) = half.back(outbound, terms.settings.drain_time).await else {
        outbound.shut_down().await?;
        return Ok(Next::Kept);
    };
    if let (true, Some(to)) = (respond.is_upgraded(), upgrade) {
        return Ok(Next::Upgrade(inbound, to));
    }
    match Ending::of(inbound.receive.clone(), &respond, inbound.pace.now()) {
        Ending::Next(receive) => {
            inbound.receive = receive;
            Ok(Next::Another(inbound))
        }
        Ending::HalfClose(drain) => half_close(inbound, outbound, drain).await,
        _ => Ok(Next::End(inbound, End::Abort)),
    }
}

/// Where the receiving half is while a service works.
#[allow(clippy::large_enum_variant, reason = "it lives as long as its request")]
enum Half<R> {
    Here(Inbound<R>),
    Lent(oneshot::Receiver<Inbound<R>>),
}

impl<R> Half<R> {
    /// Gets it back: at once, unless a task of the service's still holds the body.
    async fn back<W>(self, outbound: &mut Outbound<W>, patience: Duration) -> Option<Inbound<R>> {
        let returned = match self {
            Self::Here(inbound) => return Some(inbound),
            Self::Lent(returned) => returned,
        };
        let until = outbound.pace.now().after(patience);
        let mut returned = pin!(returned);
        poll_fn(|cx| {
            if let Poll::Ready(inbound) = returned.as_mut().poll(cx) {
                return Poll::Ready(inbound.ok());
            }
            while outbound.pace.poll_until(Some(until), cx).is_ready() {
                if outbound.pace.now() >= until {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Why there is no whole answer of the service's.
enum Failed {
    /// The connection broke.
    Broken(io::Error),
    /// Time has decided.
    Refused(Refusal),
    Service(BoxError),
}

impl Failed {
    /// Answers in the service's place, if nothing has left.
    async fn settle<W: AsyncWrite + Unpin>(self, respond: &mut Respond, outbound: &mut Outbound<W>) -> io::Result<()> {
        let refusal = match self {
            Self::Broken(error) => {
                respond.broken();
                tracing::debug!("the answer could not be written: {error}");
                return Ok(());
            }
            Self::Refused(refusal) => {
                tracing::warn!("{refusal}");
                refusal
            }
            Self::Service(error) => {
                let body = BodyError::behind(&*error);
                match body {
                    Some(refusal) => tracing::warn!("{refusal}"),
                    None => tracing::error!("the service failed: {error}"),
                }
                match respond.failed(body) {
                    Failure::Refuse(refusal) => refusal,
                    Failure::Abort => return Ok(()),
                }
            }
        };
        let response = refusal.response(respond.is_head_request());
        outbound.send(respond, &[], response).await?;
        outbound.flush().await
    }
}

/// Asks the service for a response; its readiness is what the request waits in line for.
async fn ask<S, B, W>(
    service: &mut S,
    request: Request<Body>,
    respond: &mut Respond,
    outbound: &mut Outbound<W>,
) -> Result<Response<B>, Failed>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    let ready = waited(poll_fn(|cx| service.poll_ready(cx)), respond, outbound).await.map_err(Failed::Refused)?;
    respond.started();
    ready.map_err(|error| Failed::Service(error.into()))?;
    // Even the call itself may panic.
    let response = AssertUnwindSafe(async { service.call(request).await }).catch_unwind();
    match waited(response, respond, outbound).await.map_err(Failed::Refused)? {
        Ok(response) => response.map_err(|error| Failed::Service(error.into())),
        Err(_) => Err(Failed::Service("the service panicked".into())),
    }
}

/// Waits for a service, for as long as time allows.
async fn waited<F: Future, W>(
    future: F,
    respond: &mut Respond,
    outbound: &mut Outbound<W>,
) -> Result<F::Output, Refusal> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if let Some(asked) = outbound.pace.stop_asked() {
                respond.shut_down(asked);
            }
            ready!(outbound.pace.poll_until(respond.deadline(), cx));
            if let Some(asked) = outbound.pace.stop_asked() {
                respond.shut_down(asked);
            }
            match respond.time(outbound.pace.now()) {
                TimeStep::Refuse(refusal) => return Poll::Ready(Err(refusal)),
                // Part of the answer has left: the connection will be reset.
                TimeStep::Abort => return Poll::Ready(Err(Refusal::Stopping)),
                _ => {}
            }
        }
    })
    .await
}

/// Writes a response.
async fn answer<B, W>(response: Response<B>, respond: &mut Respond, outbound: &mut Outbound<W>) -> Result<(), Failed>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
    W: AsyncWrite + Unpin,
{
    let (parts, body) = response.into_parts();
    let mut head = Vec::with_capacity(256);
    let length = encode(&parts, body.size_hint().exact(), respond.is_head_request(), &mut head)
        .map_err(|line| Failed::Service(line.into()))?;
    respond.head(parts.status.as_u16(), length);
    let wrong = |error: AnswerError| Failed::Service(error.into());
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        respond.flush_head().map_err(wrong)?;
        outbound.send(respond, &head, &[]).await.map_err(Failed::Broken)?;
        return outbound.flush().await.map_err(Failed::Broken);
    }
    let mut body = pin!(body);
    while !respond.is_head_request() {
        let next = next(body.as_mut(), respond, outbound).await?;
        let (leaves, data) = match next {
            Chunk::Data(data) => match respond.body(data.len()) {
                Ok(leaves) => (leaves, data),
                // What is too much does not leave, and what is there is whole.
                Err(AnswerError::TooLong { leaves }) => {
                    tracing::error!("the service's body is longer than its Content-Length");
                    send(leaves, &head, &data, respond, outbound).await?;
                    break;
                }
                Err(error) => return Err(wrong(error)),
            },
            // Nothing is there yet: the head need not wait for it.
            Chunk::Late => (respond.flush_head().map_err(wrong)?, Bytes::new()),
            Chunk::End => break,
        };
        send(leaves, &head, &data, respond, outbound).await?;
        if data.is_empty() {
            outbound.flush().await.map_err(Failed::Broken)?;
        }
    }
    let leaves = respond.finished().map_err(wrong)?;
    send(leaves, &head, &[], respond, outbound).await?;
    outbound.flush().await.map_err(Failed::Broken)
}

/// Writes what leaves.
async fn send<W: AsyncWrite + Unpin>(
    leaves: Leaves,
    head: &[u8],
    data: &[u8],
    respond: &mut Respond,
    outbound: &mut Outbound<W>,
) -> Result<(), Failed> {
    let head = if leaves.head { head } else { &[] };
    outbound.send(respond, head, data.get(..leaves.take).unwrap_or(data)).await.map_err(Failed::Broken)
}

/// What a body has next.
enum Chunk {
    Data(Bytes),
    End,
    /// Nothing yet, and the head has not left.
    Late,
}

async fn next<B, W>(mut body: Pin<&mut B>, respond: &mut Respond, outbound: &mut Outbound<W>) -> Result<Chunk, Failed>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    loop {
        let has_left = respond.has_left();
        let polled = AssertUnwindSafe(poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Pending if !has_left => Poll::Ready(None),
            polled => polled.map(Some),
        }));
        let frame = waited(polled.catch_unwind(), respond, outbound).await.map_err(Failed::Refused)?;
        match frame {
            Err(_) => return Err(Failed::Service("the service's body panicked".into())),
            Ok(None) => return Ok(Chunk::Late),
            Ok(Some(None)) => return Ok(Chunk::End),
            Ok(Some(Some(Err(error)))) => return Err(Failed::Service(error.into())),
            // Trailers have no place in an answer without chunks.
            Ok(Some(Some(Ok(frame)))) => match frame.into_data() {
                Ok(mut data) if data.has_remaining() => {
                    return Ok(Chunk::Data(data.copy_to_bytes(data.remaining())));
                }
                _ => {}
            },
        }
    }
}

/// Writes a head; its length, if it has one.
fn encode(
    parts: &http::response::Parts,
    exact: Option<u64>,
    to_head: bool,
    head: &mut Vec<u8>,
) -> Result<Option<u64>, RefusedLine> {
    let status = parts.status;
    let mut encoder = ResponseEncoder::new(head, status.as_u16(), status.canonical_reason().unwrap_or_default())?;
    for (name, value) in &parts.headers {
        match encoder.push(name, value) {
            // A proxy's response still has them (RFC 9110 section 7.6.1).
            Ok(()) | Err(RefusedLine::HopByHop) => {}
            Err(line) => return Err(line),
        }
    }
    let has_body = !(status.is_informational() || matches!(status.as_u16(), 204 | 304));
    match exact {
        // Of the answer to HEAD, a body of no bytes says nothing about the length that GET would have.
        Some(length) if encoder.content_length().is_none() && has_body && !(to_head && length == 0) => {
            encoder.push_length(length)?;
        }
        _ => {}
    }
    let length = encoder.content_length();
    encoder.finish()?;
    Ok(length)
}

/// Writes a refusal, and ends the connection.
async fn refuse<R, W>(
    inbound: Inbound<R>,
    outbound: &mut Outbound<W>,
    refusal: Refusal,
    terms: &Terms,
) -> io::Result<Next<R>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let status = refusal.status();
    match terms.peer {
        Some(peer) => tracing::warn!(%peer, status, "refused: {refusal}"),
        None => tracing::warn!(status, "refused: {refusal}"),
    }
    let response = refusal.response(inbound.receive.is_head_request());
    bare(inbound, outbound, response).await
}

/// Writes what the server says by itself, and ends the connection.
async fn bare<R, W>(inbound: Inbound<R>, outbound: &mut Outbound<W>, bytes: &[u8]) -> io::Result<Next<R>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut respond = Respond::queued(&inbound.receive, inbound.pace.now());
    respond.started();
    outbound.send(&mut respond, &[], bytes).await?;
    outbound.flush().await?;
    let drain = Drain::new(inbound.receive.settings(), inbound.pace.now());
    half_close(inbound, outbound, drain).await
}

/// Shuts down writing, then drops what still comes: to close over unread bytes would make the kernel reset the connection.
async fn half_close<R, W>(mut inbound: Inbound<R>, outbound: &mut Outbound<W>, mut drain: Drain) -> io::Result<Next<R>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    outbound.shut_down().await?;
    poll_fn(|cx| inbound.poll_drain(&mut drain, cx)).await?;
    Ok(Next::End(inbound, End::Close))
}

/// Refuses a connection before a byte of it is read.
pub(crate) async fn turn_away<IO>(io: IO, refusal: Refusal, terms: Terms)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let pace = Pace::new(Instant::now(), terms.stop.clone());
    let (reader, writer) = split(io);
    let mut outbound = Outbound::new(writer, pace.another());
    let inbound = Inbound::new(reader, Receive::new(terms.settings, pace.now()), pace);
    if let Err(error) = refuse(inbound, &mut outbound, refusal, &terms).await {
        tracing::debug!("the connection broke: {error}");
    }
}
