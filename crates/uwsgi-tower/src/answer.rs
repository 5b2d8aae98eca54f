//! A service's response, written as it comes.

use core::error::Error;
use core::future::{Future, poll_fn};
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::{Poll, ready};
use std::io;

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use tokio::io::AsyncWrite;
use tower_service::Service;
use uwsgi::framing::whole_length;
use uwsgi::response::{EncodedHead, RefusedLine, ResponseEncoder};
use uwsgi::server::{AnswerError, Failure, Leaves, PEER_HAS_GONE, Refusal, Respond, TimeStep};

use crate::body::{Body, BodyError, Unread};
use crate::outbound::{Gone, Outbound};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why there is no whole answer of the service's.
pub(crate) enum Failed {
    /// Time has passed, and part of the answer has left: what [`Respond::cut`] says.
    Aborted,
    /// The connection broke.
    Broken(io::Error),
    /// The peer has gone, and nobody waits for the answer.
    Gone,
    /// Time has passed, and nothing has left.
    Refused(Refusal),
    Service(BoxError),
}

impl Failed {
    /// Answers in the service's place, if nothing has left. It does not log [what has cut](Respond::cut) the answer off.
    pub(crate) async fn settle<IO>(self, respond: &mut Respond, outbound: &mut Outbound<IO>)
    where
        IO: AsyncWrite + Unpin,
    {
        let refusal = match self {
            Self::Aborted => return,
            Self::Broken(_) if respond.cut().is_some() => return,
            Self::Broken(error) => return tracing::debug!("the answer could not be written: {error}"),
            Self::Gone => return tracing::debug!("{PEER_HAS_GONE} before its answer was there"),
            Self::Refused(refusal) => {
                tracing::warn!("{refusal}");
                refusal
            }
            Self::Service(error) => {
                if let Some(broken) = BodyError::connection_behind(&*error) {
                    respond.failed(None);
                    return tracing::debug!("{PEER_HAS_GONE}: {broken}");
                }
                let body = BodyError::behind(&*error);
                let failure = respond.failed(body);
                match body {
                    Some(_) if respond.cut().is_some() => {}
                    Some(refusal) => tracing::warn!("{refusal}"),
                    None => tracing::error!("the service failed: {error}"),
                }
                match failure {
                    Failure::Refuse(refusal) => refusal,
                    Failure::Abort => return,
                }
            }
        };
        let response = respond.refusal_response(&refusal);
        if let Err(error) = send_all(response, respond, outbound).await {
            tracing::debug!("the answer could not be written: {error}");
        }
    }
}

/// Writes bytes, and waits until they have left.
pub(crate) async fn send_all<IO>(bytes: &[u8], respond: &mut Respond, outbound: &mut Outbound<IO>) -> io::Result<()>
where
    IO: AsyncWrite + Unpin,
{
    outbound.send(respond, bytes, &[]).await?;
    outbound.flush(respond).await
}

/// Asks the service for a response; its readiness is what the request waits in line for.
pub(crate) async fn ask<S, B, IO>(
    service: &mut S,
    request: Request<Body>,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<Response<B>, Failed>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    let ready = AssertUnwindSafe(poll_fn(|cx| service.poll_ready(cx))).catch_unwind();
    let ready = waited(ready, respond, outbound).await?;
    respond.started();
    settled(ready)?;
    // Even the call itself may panic.
    let response = AssertUnwindSafe(async { service.call(request).await }).catch_unwind();
    settled(waited(response, respond, outbound).await?)
}

/// What a service made of it, unless it failed or panicked. The panic's own message was printed by the panic hook.
fn settled<T, E: Into<BoxError>, P>(result: Result<Result<T, E>, P>) -> Result<T, Failed> {
    match result {
        Ok(result) => result.map_err(|error| Failed::Service(error.into())),
        Err(_) => Err(Failed::Service("the service panicked".into())),
    }
}

/// Waits for a service, for as long as time allows.
async fn waited<F: Future, IO: AsyncWrite + Unpin>(
    future: F,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<F::Output, Failed> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        loop {
            if let Some(asked) = outbound.pace.stop_asked() {
                respond.shut_down(asked);
            }
            match respond.time(outbound.pace.now()) {
                TimeStep::Refuse(refusal) => return Poll::Ready(Err(Failed::Refused(refusal))),
                TimeStep::Abort => return Poll::Ready(Err(Failed::Aborted)),
                TimeStep::Wait => {}
            }
            if let Err(Gone) = ready!(outbound.poll_wait(respond.deadline(), cx)) {
                respond.broken();
                return Poll::Ready(Err(Failed::Gone));
            }
        }
    })
    .await
}

/// Writes a response.
pub(crate) async fn answer<B, IO>(
    response: Response<B>,
    unread: &Unread,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<(), Failed>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    let (parts, body) = response.into_parts();
    let mut buffer = Vec::with_capacity(USUAL);
    let head = encode(&parts, body.size_hint().exact(), respond.is_head_request(), &mut buffer)
        .map_err(|line| Failed::Service(line.into()))?;
    respond.head(&head);
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        go_on(unread, respond, outbound)?;
        let leaves = respond.flush_head().map_err(wrong)?;
        send(leaves, &mut buffer, &[], respond, outbound).await?;
        return outbound.flush(respond).await.map_err(Failed::Broken);
    }
    let mut body = pin!(body);
    // A body of which nothing leaves may have no end.
    while respond.has_body() {
        let data = match next(body.as_mut(), respond, outbound).await? {
            Chunk::Data(data) => data,
            // Nothing is there yet: what is there need not wait for it.
            Chunk::Late => {
                go_on(unread, respond, outbound)?;
                let leaves = respond.flush_head().map_err(wrong)?;
                send(leaves, &mut buffer, &[], respond, outbound).await?;
                outbound.flush(respond).await.map_err(Failed::Broken)?;
                continue;
            }
            Chunk::End => break,
        };
        go_on(unread, respond, outbound)?;
        match respond.body(data.len()) {
            Ok(leaves) => send(leaves, &mut buffer, &data, respond, outbound).await?,
            // What is too much does not leave, and what is there is whole.
            Err(AnswerError::TooLong { leaves }) => {
                tracing::error!("the service's body is longer than its Content-Length");
                send(leaves, &mut buffer, &data, respond, outbound).await?;
                break;
            }
            Err(error) => return Err(wrong(error)),
        }
    }
    if !respond.has_left() {
        go_on(unread, respond, outbound)?;
    }
    let leaves = respond.finished().map_err(wrong)?;
    send(leaves, &mut buffer, &[], respond, outbound).await?;
    outbound.flush(respond).await.map_err(Failed::Broken)
}

/// More is to leave, unless a stop has waited long enough: see [`Respond::time`]. Whether the connection can go on depends on
/// what is unread when the head leaves.
fn go_on<IO: AsyncWrite + Unpin>(
    unread: &Unread,
    respond: &mut Respond,
    outbound: &Outbound<IO>,
) -> Result<(), Failed> {
    if let (false, Some(count)) = (respond.has_left(), unread.count()) {
        respond.unread(Some(count));
    }
    let Some(asked) = outbound.pace.stop_asked() else { return Ok(()) };
    respond.shut_down(asked);
    match respond.time(outbound.pace.now()) {
        TimeStep::Wait => Ok(()),
        TimeStep::Refuse(refusal) => Err(Failed::Refused(refusal)),
        TimeStep::Abort => Err(Failed::Aborted),
    }
}

/// Room that most heads fit into, so that none is moved while it grows.
const USUAL: usize = 256;

fn wrong(error: AnswerError) -> Failed {
    Failed::Service(error.into())
}

/// Writes what leaves.
async fn send<IO: AsyncWrite + Unpin>(
    leaves: Leaves,
    head: &mut Vec<u8>,
    data: &[u8],
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<(), Failed> {
    let head: &[u8] = if leaves.head {
        head.truncate(head.len().saturating_sub(2));
        head.extend_from_slice(respond.head_end());
        head
    } else {
        &[]
    };
    outbound.send(respond, head, data.get(..leaves.take).unwrap_or(data)).await.map_err(Failed::Broken)
}

/// What a body has next.
enum Chunk {
    Data(Bytes),
    End,
    /// Nothing yet, and something waits that could leave.
    Late,
}

async fn next<B, IO>(mut body: Pin<&mut B>, respond: &mut Respond, outbound: &mut Outbound<IO>) -> Result<Chunk, Failed>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    loop {
        let could_leave = !respond.has_left() || outbound.holds_bytes();
        let polled = AssertUnwindSafe(poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Pending if could_leave => Poll::Ready(None),
            polled => polled.map(Some),
        }));
        match waited(polled.catch_unwind(), respond, outbound).await? {
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

/// Writes a head.
fn encode<'b>(
    parts: &http::response::Parts,
    exact: Option<u64>,
    to_head: bool,
    buffer: &'b mut Vec<u8>,
) -> Result<EncodedHead<'b>, RefusedLine> {
    let status = parts.status;
    let mut encoder = ResponseEncoder::new(buffer, status.as_u16(), status.canonical_reason().unwrap_or_default())?;
    for (name, value) in &parts.headers {
        match encoder.push(name, value) {
            // A proxy's response still has them (RFC 9110 section 7.6.1).
            Ok(()) | Err(RefusedLine::HopByHop) => {}
            Err(line) => return Err(line),
        }
    }
    let whole = exact.and_then(|length| whole_length(status.as_u16(), to_head, length));
    if let (Some(length), None) = (whole, encoder.content_length()) {
        encoder.push_length(length)?;
    }
    encoder.finish()
}
