//! One request and its response, and what happens to the connection afterwards.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, ready};
use std::io;

use alloc::boxed::Box;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;
use uwsgi::framing::RequestFraming;
use uwsgi::server::{Drain, Ending, Receive, Refusal, Respond, Settings};

use crate::convert::request::{Peer, request_parts};
use crate::server::body::{Body, UnreadCount};
use crate::server::context::ConnectionContext;
use crate::server::deadline::Deadlines;
use crate::server::halves::split;
use crate::server::inbound::{Head, Inbound};
use crate::server::outbound::Outbound;
use crate::server::respond::{BoxError, call_service, send_all, write_response};
use crate::stop::Stopping;
use crate::upgrade::{self, Upgraded};

/// What to do with the connection after a request.
pub(crate) enum Next<IO> {
    Abort,
    /// Serve another request.
    KeepAlive(Box<Inbound<IO>>),
    Close,
    Upgrade(Box<Inbound<IO>>, oneshot::Sender<Upgraded>),
}

/// Splits a connection. The receiving half is boxed, because it is moved with every request.
pub(crate) fn halves<IO: AsyncRead + AsyncWrite + Unpin>(
    io: IO,
    context: &ConnectionContext<IO>,
) -> (Box<Inbound<IO>>, Outbound<IO>) {
    let deadlines = Deadlines::new(Instant::now(), context.stop.clone(), context.stop_delay);
    let (reader, writer) = split(io, context.hooks);
    let outbound = Outbound::new(writer, deadlines.for_other_half());
    let receive = Receive::new(context.settings, deadlines.now());
    (Box::new(Inbound::new(reader, receive, deadlines)), outbound)
}

/// Refuses a connection before a byte of it is read.
pub(crate) async fn refuse_connection<IO>(io: IO, refusal: Refusal, context: &ConnectionContext<IO>) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (inbound, mut outbound) = halves(io, context);
    refuse(inbound, &mut outbound, refusal, context).await.map(drop)
}

/// Serves one request.
pub(crate) async fn serve_request<IO, S, B>(
    mut inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    service: &mut S,
    context: &ConnectionContext<IO>,
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
        Head::Ping => return send_and_close(inbound, outbound, &Receive::PONG).await,
        Head::Refuse(refusal) => return refuse(inbound, outbound, refusal, context).await,
    };
    let mut parts = match inbound.receive.request(&head).map(|request| request_parts(&request)) {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) => {
            context.log_refusal(&error, Refusal::NotHttp.status());
            let response = inbound.receive.refusal_response(&Refusal::NotHttp);
            return send_and_close(inbound, outbound, response).await;
        }
        Err(refusal) => return refuse(inbound, outbound, refusal, context).await,
    };
    drop(head);
    parts.extensions.extend(context.extensions.clone());
    parts.extensions.insert(Stopping::of(context.stop.clone()));
    if let Some(peer) = context.peer {
        parts.extensions.insert(Peer(peer));
    }
    let upgrade = parts.headers.contains_key(http::header::UPGRADE).then(|| {
        let (extension, sender) = upgrade::channel();
        parts.extensions.insert(extension);
        sender
    });

    let mut respond = Respond::queued(&inbound.receive, inbound.deadlines.now());
    let (body, half, unread) = match inbound.receive.framing() {
        RequestFraming::None | RequestFraming::Length(0) => {
            (Body::empty(), ReceivingHalf::Here(inbound), UnreadCount::default())
        }
        framing => {
            // If the whole body was read with its packet, no poll of the body needs the runtime.
            if !matches!(framing, RequestFraming::Length(length) if inbound.has_buffered(length)) {
                inbound.settle()?;
            }
            let unread = UnreadCount::of(&inbound.receive);
            let (body, returned) = Body::lend(inbound, framing, unread.clone());
            (body, ReceivingHalf::Lent(returned), unread)
        }
    };
    let written = match call_service(service, Request::from_parts(parts, body), &mut respond, outbound).await {
        Ok(response) => write_response(response, &unread, &mut respond, outbound).await,
        Err(failure) => Err(failure),
    };
    if let Err(failure) = written {
        failure.handle(&mut respond, outbound).await;
    }
    if let Some(cut) = respond.cut() {
        tracing::warn!(peer = context.peer.map(tracing::field::display), "{cut}");
    }
    if respond.is_aborted() && !respond.is_upgraded() {
        return Ok(Next::Abort);
    }
    let Some(mut inbound) = half.take_back(&respond, outbound, &context.settings).await else {
        return Ok(Next::Close);
    };
    if let (true, Some(sender)) = (respond.is_upgraded(), upgrade) {
        return Ok(Next::Upgrade(inbound, sender));
    }
    if let Some(asked) = inbound.deadlines.stop_asked() {
        inbound.receive.shut_down(asked);
    }
    match Ending::of(inbound.receive.clone(), &respond, inbound.deadlines.now()) {
        Ending::Next(receive) => {
            inbound.receive = receive;
            Ok(Next::KeepAlive(inbound))
        }
        // No bytes are unread, so a close does not reset the connection, and no half-close is needed.
        Ending::HalfClose(drain) if drain.expects_nothing() && !inbound.may_have_more() => Ok(Next::Close),
        Ending::HalfClose(drain) => half_close(inbound, outbound, drain).await,
        Ending::Abort => Ok(Next::Abort),
    }
}

/// Where the receiving half is while the service works.
enum ReceivingHalf<IO> {
    Here(Box<Inbound<IO>>),
    /// The body of the request has it.
    Lent(oneshot::Receiver<Box<Inbound<IO>>>),
}

impl<IO: AsyncWrite + Unpin> ReceivingHalf<IO> {
    /// Takes the half back. If a task of the service still holds the body, this waits for at most the time of a drain. If the
    /// connection ends after this response, this first closes the sending direction, so that the peer sees the end of the
    /// response.
    async fn take_back(
        self,
        respond: &Respond,
        outbound: &mut Outbound<IO>,
        settings: &Settings,
    ) -> Option<Box<Inbound<IO>>> {
        let mut returned = match self {
            Self::Here(inbound) => return Some(inbound),
            Self::Lent(returned) => returned,
        };
        let drain = Drain::new(settings, outbound.deadlines.now());
        match returned.try_recv() {
            Ok(inbound) => return Some(inbound),
            Err(oneshot::error::TryRecvError::Closed) => return None,
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        if !respond.is_upgraded() && !respond.allows_another() {
            // This fails if the peer has closed the connection, which is not an error.
            let _ = outbound.shut_down(&drain).await;
        }
        let mut returned = pin!(returned);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(inbound) = returned.as_mut().poll(cx) {
                    return Poll::Ready(inbound.ok());
                }
                if outbound.deadlines.now() >= drain.deadline() {
                    return Poll::Ready(None);
                }
                ready!(outbound.deadlines.poll_until(Some(drain.deadline()), cx));
            }
        })
        .await
    }
}

/// Logs and sends a refusal, and ends the connection.
async fn refuse<IO: AsyncRead + AsyncWrite + Unpin>(
    inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    refusal: Refusal,
    context: &ConnectionContext<IO>,
) -> io::Result<Next<IO>> {
    context.log_refusal(&refusal, refusal.status());
    let response = inbound.receive.refusal_response(&refusal);
    send_and_close(inbound, outbound, response).await
}

/// Sends a response that the server makes itself, and ends the connection.
async fn send_and_close<IO: AsyncRead + AsyncWrite + Unpin>(
    inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    bytes: &[u8],
) -> io::Result<Next<IO>> {
    let mut respond = Respond::refusing(&inbound.receive, inbound.deadlines.now());
    send_all(bytes, &mut respond, outbound).await?;
    let drain = Drain::new(inbound.receive.settings(), inbound.deadlines.now());
    half_close(inbound, outbound, drain).await
}

/// Closes the sending direction, then reads and drops what still arrives. Otherwise the kernel would reset the connection
/// because of unread bytes, and the peer could lose the response.
async fn half_close<IO: AsyncRead + AsyncWrite + Unpin>(
    mut inbound: Box<Inbound<IO>>,
    outbound: &mut Outbound<IO>,
    mut drain: Drain,
) -> io::Result<Next<IO>> {
    outbound.shut_down(&drain).await?;
    poll_fn(|cx| inbound.poll_drain(&mut drain, cx)).await?;
    Ok(Next::Close)
}
