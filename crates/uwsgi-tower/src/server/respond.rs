//! Calls the service, and writes its response piece by piece.

use core::error::Error;
use core::future::{Future, poll_fn};
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::{Poll, ready};
use std::io;

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use tokio::io::AsyncWrite;
use tower_service::Service;
use uwsgi::framing::whole_length;
use uwsgi::response::{EncodedHead, RefusedLine, ResponseEncoder};
use uwsgi::server::{AnswerError, Failure, Leaves, PEER_HAS_GONE, Refusal, Respond, TimeStep};

use crate::error_text::WithSources;
use crate::server::body::{Body, BodyError, UnreadCount};
use crate::server::outbound::{Outbound, PeerGone};
use crate::server::response_body::ResponseBody;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why the service's response is not written, or only in part.
pub(crate) enum ResponseFailure {
    /// A deadline has passed, and part of the response has left: see [`Respond::cut`].
    Aborted,
    /// The connection broke.
    Broken(io::Error),
    /// The peer has closed the connection.
    PeerGone,
    /// A deadline has passed, and no byte of a response has left.
    Refused(Refusal),
    /// The service failed, or its response is invalid.
    Service(BoxError),
}

impl ResponseFailure {
    /// Logs the failure, and sends a refusal if nothing has left. The caller logs what [cut the response off](Respond::cut).
    pub(crate) async fn handle<IO>(self, respond: &mut Respond, outbound: &mut Outbound<IO>)
    where
        IO: AsyncWrite + Unpin,
    {
        let refusal = match self {
            Self::Aborted => return,
            Self::Broken(_) if respond.cut().is_some() => return,
            Self::Broken(error) => return tracing::debug!("the answer could not be written: {error}"),
            Self::PeerGone => return tracing::debug!("{PEER_HAS_GONE} before its answer was there"),
            Self::Refused(refusal) => {
                tracing::warn!("{refusal:#}");
                refusal
            }
            Self::Service(error) => {
                if let Some(broken) = BodyError::find_io_error(&*error) {
                    respond.failed(None);
                    return tracing::debug!("{PEER_HAS_GONE}: {broken:#}");
                }
                let body = BodyError::find_refusal(&*error);
                let failure = respond.failed(body);
                match body {
                    Some(_) if respond.cut().is_some() => {}
                    Some(refusal) => tracing::warn!("{refusal:#}"),
                    None => tracing::error!("the service failed: {}", WithSources(&*error)),
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

/// Waits until the service is ready, and calls it. Panics of the service become failures.
pub(crate) async fn call_service<S, B, IO>(
    service: &mut S,
    request: Request<Body>,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<Response<B>, ResponseFailure>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    let ready = AssertUnwindSafe(poll_fn(|cx| service.poll_ready(cx))).catch_unwind();
    let ready = wait_for(ready, respond, outbound).await?;
    respond.started();
    service_result(ready)?;
    // The call itself may panic, and not only its future.
    let response = AssertUnwindSafe(async { service.call(request).await }).catch_unwind();
    service_result(wait_for(response, respond, outbound).await?)
}

/// Turns an error or a panic of the service into a failure. The panic hook has printed the panic's message.
fn service_result<T, E: Into<BoxError>, P>(result: Result<Result<T, E>, P>) -> Result<T, ResponseFailure> {
    match result {
        Ok(result) => result.map_err(|error| ResponseFailure::Service(error.into())),
        Err(_) => Err(ResponseFailure::Service("the service panicked".into())),
    }
}

/// Waits for a future of the service, until a deadline passes or the peer closes the connection.
async fn wait_for<F: Future, IO: AsyncWrite + Unpin>(
    future: F,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<F::Output, ResponseFailure> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        loop {
            if let Some(asked) = outbound.deadlines.stop_asked() {
                respond.shut_down(asked);
            }
            match respond.time(outbound.deadlines.now()) {
                TimeStep::Refuse(refusal) => return Poll::Ready(Err(ResponseFailure::Refused(refusal))),
                TimeStep::Abort => return Poll::Ready(Err(ResponseFailure::Aborted)),
                TimeStep::Wait => {}
            }
            if let Err(PeerGone) = ready!(outbound.poll_wait(respond.deadline(), cx)) {
                respond.broken();
                return Poll::Ready(Err(ResponseFailure::PeerGone));
            }
        }
    })
    .await
}

/// Writes a response.
pub(crate) async fn write_response<B, IO>(
    response: Response<B>,
    unread: &UnreadCount,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<(), ResponseFailure>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    let (parts, body) = response.into_parts();
    let mut buffer = Vec::with_capacity(TYPICAL_HEAD);
    let head = encode_head(&parts, body.size_hint().exact(), respond.is_head_request(), &mut buffer)
        .map_err(|line| ResponseFailure::Service(line.into()))?;
    respond.head(&head);
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        before_sending(unread, respond, outbound)?;
        let leaves = respond.flush_head().map_err(invalid)?;
        send(leaves, &mut buffer, &[], respond, outbound).await?;
        return outbound.flush(respond).await.map_err(ResponseFailure::Broken);
    }
    let body = pin!(body);
    let mut body = ResponseBody::new(body);
    // A body that is not sent is not polled either: it may be endless.
    while respond.has_body() {
        let data = match next_chunk(&mut body, respond, outbound).await? {
            Chunk::Data(data) => data,
            Chunk::Pending => {
                before_sending(unread, respond, outbound)?;
                let leaves = respond.flush_head().map_err(invalid)?;
                send(leaves, &mut buffer, &[], respond, outbound).await?;
                outbound.flush(respond).await.map_err(ResponseFailure::Broken)?;
                continue;
            }
            Chunk::End => break,
        };
        before_sending(unread, respond, outbound)?;
        match respond.body(data.len()) {
            Ok(leaves) => send(leaves, &mut buffer, &data, respond, outbound).await?,
            // The bytes over the Content-Length are not sent, and the response is whole without them.
            Err(AnswerError::TooLong { leaves }) => {
                tracing::error!("the service's body is longer than its Content-Length");
                send(leaves, &mut buffer, &data, respond, outbound).await?;
                break;
            }
            Err(error) => return Err(invalid(error)),
        }
    }
    if !respond.has_left() {
        before_sending(unread, respond, outbound)?;
    }
    let leaves = respond.finished().map_err(invalid)?;
    send(leaves, &mut buffer, &[], respond, outbound).await?;
    outbound.flush(respond).await.map_err(ResponseFailure::Broken)
}

/// Prepares the state machine for a send. Before the head leaves, this tells the machine how many bytes of the request are
/// unread, because that decides whether the connection can be kept. Fails if the grace period of a stop is over: see
/// [`Respond::time`].
fn before_sending<IO: AsyncWrite + Unpin>(
    unread: &UnreadCount,
    respond: &mut Respond,
    outbound: &Outbound<IO>,
) -> Result<(), ResponseFailure> {
    if let (false, Some(count)) = (respond.has_left(), unread.get()) {
        respond.unread(Some(count));
    }
    let Some(asked) = outbound.deadlines.stop_asked() else { return Ok(()) };
    respond.shut_down(asked);
    match respond.time(outbound.deadlines.now()) {
        TimeStep::Wait => Ok(()),
        TimeStep::Refuse(refusal) => Err(ResponseFailure::Refused(refusal)),
        TimeStep::Abort => Err(ResponseFailure::Aborted),
    }
}

/// The first capacity of the buffer for a head. Most heads fit, so the buffer need not grow.
const TYPICAL_HEAD: usize = 256;

fn invalid(error: AnswerError) -> ResponseFailure {
    ResponseFailure::Service(error.into())
}

/// Sends what the state machine allows: the head, and bytes of the body.
async fn send<IO: AsyncWrite + Unpin>(
    leaves: Leaves,
    head: &mut Vec<u8>,
    data: &[u8],
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<(), ResponseFailure> {
    let head: &[u8] = if leaves.head {
        head.truncate(head.len().saturating_sub(2));
        head.extend_from_slice(respond.head_end());
        head
    } else {
        &[]
    };
    outbound.send(respond, head, data.get(..leaves.take).unwrap_or(data)).await.map_err(ResponseFailure::Broken)
}

/// The next part of a body.
enum Chunk {
    Data(Bytes),
    End,
    /// The body has nothing yet. The head, or written bytes, can leave meanwhile.
    Pending,
}

async fn next_chunk<B, IO>(
    body: &mut ResponseBody<'_, B>,
    respond: &mut Respond,
    outbound: &mut Outbound<IO>,
) -> Result<Chunk, ResponseFailure>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
    IO: AsyncWrite + Unpin,
{
    let can_send = !respond.has_left() || outbound.is_unflushed();
    // The head leaves with the first frame, as in the blocking server. It says whether the connection is kept, and the service
    // may read the request's body before its second frame.
    let gathers = respond.has_left();
    let polled = poll_fn(|cx| match body.poll_chunk(gathers, cx) {
        Poll::Pending if can_send => Poll::Ready(None),
        polled => polled.map(Some),
    });
    Ok(match wait_for(polled, respond, outbound).await?.transpose().map_err(ResponseFailure::Service)? {
        None => Chunk::Pending,
        Some(None) => Chunk::End,
        Some(Some(data)) => Chunk::Data(data),
    })
}

/// Encodes a head, with a Content-Length if the length of the body is known.
fn encode_head<'b>(
    parts: &http::response::Parts,
    body_length: Option<u64>,
    to_head_request: bool,
    buffer: &'b mut Vec<u8>,
) -> Result<EncodedHead<'b>, RefusedLine> {
    let status = parts.status;
    let mut encoder = ResponseEncoder::new(buffer, status.as_u16(), status.canonical_reason().unwrap_or_default())?;
    for (name, value) in &parts.headers {
        match encoder.push(name, value) {
            // Such headers are left out. The response of a proxy may still have them (RFC 9110 section 7.6.1).
            Ok(()) | Err(RefusedLine::HopByHop) => {}
            Err(line) => return Err(line),
        }
    }
    let whole = body_length.and_then(|length| whole_length(status.as_u16(), to_head_request, length));
    if let (Some(length), None) = (whole, encoder.content_length()) {
        encoder.push_length(length)?;
    }
    encoder.finish()
}
