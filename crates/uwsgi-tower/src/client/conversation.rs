//! One request and its answer over one connection, both under way at once.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::{Buf, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};
use tokio_util::io::poll_read_buf;
use uwsgi::client::{Exchange, ResponseStep};
use uwsgi::response::ResponseHead;

use crate::client::incoming::Incoming;
use crate::client::outgoing::Chunks;
use crate::client::pool::Io;
use crate::client::{Backend, ClientError};
use crate::upgrade::{self, Upgraded};

/// A request that is being sent, and an answer that is being read.
pub(crate) struct Conversation {
    pub(crate) io: Box<dyn Io>,
    pub(crate) exchange: Exchange,
    /// What was read of the answer and not used.
    pub(crate) buffer: BytesMut,
    pub(crate) eof: bool,
    /// What is left of the packet, and of a piece of the body behind it.
    packet: Bytes,
    chunk: Bytes,
    body: Pin<Box<dyn Chunks>>,
    /// Whether the body was asked for any of its bytes.
    touched: bool,
    /// Whether any byte of the request has left.
    left: bool,
    /// Whether any byte of an answer has come.
    heard: bool,
    /// Nothing more leaves.
    sent: bool,
    /// It is the request's own body that is waited for.
    waits_for_body: bool,
    /// The request is CONNECT.
    to_connect: bool,
    backend: Arc<Backend>,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

/// How much of an answer is read at once.
const PIECE: usize = 32 << 10;

impl Conversation {
    pub(crate) fn new(
        io: Box<dyn Io>,
        packet: Bytes,
        body: Pin<Box<dyn Chunks>>,
        exchange: Exchange,
        backend: &Arc<Backend>,
    ) -> Self {
        Self {
            io,
            exchange,
            buffer: BytesMut::new(),
            eof: false,
            packet,
            chunk: Bytes::new(),
            body,
            touched: false,
            left: false,
            heard: false,
            sent: false,
            waits_for_body: false,
            to_connect: false,
            backend: Arc::clone(backend),
            idle: backend.idle,
            timer: None,
        }
    }

    /// The same conversation about a request of this method.
    pub(crate) fn asking(self, method: &Method) -> Self {
        Self { to_connect: method == Method::CONNECT, ..self }
    }

    /// Sends, until there is the head of the final answer; where that is a 101 or has no body, until all of the request has left.
    pub(crate) async fn head(&mut self) -> Result<Response<()>, ClientError> {
        loop {
            let end = poll_fn(|cx| self.poll_head_end(cx)).await?;
            let head = self.buffer.split_to(end).freeze();
            let head = self.exchange.response(&head).map_err(ClientError::Answer)?;
            if head.is_interim() {
                continue;
            }
            let response = self.response(&head)?;
            let is_over = response.status() == StatusCode::SWITCHING_PROTOCOLS || self.exchange.incoming() == Some(0);
            if is_over && self.is_leaving() {
                poll_fn(|cx| self.poll_finish(cx)).await?;
            }
            return Ok(response);
        }
    }

    /// Whether any byte of the request has left.
    pub(crate) const fn has_left(&self) -> bool {
        self.left
    }

    /// Whether any byte of an answer has come.
    pub(crate) const fn has_answer(&self) -> bool {
        self.heard
    }

    /// Whether the request's body can be sent from its first byte on.
    pub(crate) fn body_is_there(&mut self) -> bool {
        !self.touched || self.body.as_mut().rewind()
    }

    /// Whether part of the request has yet to leave, and no answer says that it is not wanted.
    pub(crate) fn is_leaving(&self) -> bool {
        let held_back = !(self.packet.is_empty() && self.chunk.is_empty());
        !self.exchange.is_refused() && (held_back || self.exchange.wants_body())
    }

    pub(crate) fn into_body(self) -> Pin<Box<dyn Chunks>> {
        self.body
    }

    /// The response, whose body goes on with the conversation.
    pub(crate) fn into_response(self, response: Response<()>) -> Result<Response<Incoming>, ClientError> {
        let (mut parts, ()) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let (on, to) = upgrade::pair();
            parts.extensions.insert(on);
            // It waits in the response for whoever asks for it.
            let _ = to.send(Upgraded::of_client(self.io, self.buffer.freeze()));
            return Ok(Response::from_parts(parts, Incoming::empty()));
        }
        Ok(Response::from_parts(parts, Incoming::of(self)))
    }

    fn poll_head_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, ClientError>> {
        loop {
            match self.exchange.head(&self.buffer, self.eof) {
                ResponseStep::Head { end } => return Poll::Ready(Ok(end)),
                ResponseStep::Fail(error) => return Poll::Ready(Err(ClientError::Answer(error))),
                ResponseStep::Need(_) => ready!(self.poll_progress(4096, cx))?,
            }
        }
    }

    /// Sends what can be sent, and reads once. A backend that takes no more may have answered already: what it says counts.
    pub(crate) fn poll_progress(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if !self.sent {
            match self.poll_send(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => self.sent = true,
                Poll::Pending => {}
            }
        }
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(room.clamp(4096, PIECE));
        }
        match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer) {
            Poll::Ready(Ok(count)) => {
                (self.eof, self.timer) = (count == 0, None);
                self.heard |= count > 0;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(ClientError::Io(Arc::new(error)))),
            // The backend cannot go on either.
            Poll::Pending if self.waits_for_body => {
                self.timer = None;
                Poll::Pending
            }
            Poll::Pending => self.poll_timeout(cx),
        }
    }

    /// Sends all that is left of the request, once there is no more of the answer. What is written to the pipe of a 101 must not
    /// overtake the request's body.
    ///
    /// Meanwhile it reads, so that a backend which breaks off is noticed while the request's own body is waited for.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if !self.sent {
            match self.poll_send(cx) {
                Poll::Ready(sent) => sent?,
                Poll::Pending => {
                    self.poll_watch(cx)?;
                    // A backend that sends nothing more is not waited for without a limit, whoever is late.
                    if self.waits_for_body && !self.eof {
                        self.timer = None;
                        return Poll::Pending;
                    }
                    return self.poll_timeout(cx);
                }
            }
            self.sent = true;
        }
        let is_out = !self.is_leaving();
        // `poll_send` ends where the backend takes no more.
        Poll::Ready(if is_out { Ok(()) } else { Err(broken()) })
    }

    /// Reads what comes after the answer, as much as the buffer may hold: of a 101 these are the pipe's first bytes.
    /// [`Exchange::fails_at_end_of_stream`] says whether the end of the stream is an error.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Result<(), ClientError> {
        while !self.eof && self.buffer.len() < PIECE {
            self.buffer.reserve(4096);
            match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer) {
                Poll::Ready(Ok(0)) => self.eof = true,
                Poll::Ready(Ok(_)) => self.timer = None,
                Poll::Ready(Err(error)) => return Err(ClientError::Io(Arc::new(error))),
                Poll::Pending => break,
            }
        }
        if self.eof && self.exchange.fails_at_end_of_stream() { Err(broken()) } else { Ok(()) }
    }

    /// An error, once the backend was idle for too long.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        timer.as_mut().poll(cx).map(|()| Err(ClientError::Timeout))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        self.waits_for_body = false;
        loop {
            while !(self.packet.is_empty() && self.chunk.is_empty()) {
                let pieces = [IoSlice::new(&self.packet), IoSlice::new(&self.chunk)];
                let count = match ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &pieces)) {
                    Ok(count) if count > 0 => count,
                    // The answer, if there is one, says why.
                    _ => return Poll::Ready(Ok(())),
                };
                self.left = true;
                self.chunk.advance(count.saturating_sub(self.packet.len()));
                self.packet.advance(count.min(self.packet.len()));
                // Who takes bytes is not idle.
                self.timer = None;
            }
            if !self.exchange.wants_body() {
                return Pin::new(&mut self.io).poll_flush(cx).map(|_| Ok(()));
            }
            self.touched = true;
            let Poll::Ready(chunk) = self.body.as_mut().poll_chunk(cx) else {
                self.waits_for_body = true;
                // What the connection holds back need not wait for it.
                let _ = Pin::new(&mut self.io).poll_flush(cx);
                return Poll::Pending;
            };
            match chunk {
                Some(Ok(chunk)) => {
                    if self.exchange.send(chunk.len()) < chunk.len() {
                        return Poll::Ready(Err(ClientError::BodyLength));
                    }
                    self.chunk = chunk;
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Err(ClientError::BodyLength)),
            }
        }
    }

    /// The answer is over: keeps the connection if it can be used again.
    pub(crate) fn end(self) {
        let whole = self.packet.is_empty() && self.chunk.is_empty() && self.sent && !self.eof;
        if whole && self.exchange.allows_another(&self.buffer) {
            self.backend.pool.keep(self.io);
        }
    }

    /// The head as one of `http`. A line that `http` cannot hold, or that hyper cannot send, is left out.
    fn response(&self, head: &ResponseHead<'_>) -> Result<Response<()>, ClientError> {
        let mut response = Response::new(());
        *response.status_mut() =
            StatusCode::from_u16(head.status()).map_err(|error| ClientError::Head(error.into()))?;
        *response.version_mut() = Version::HTTP_11;
        // It must not be there (RFC 9110 section 9.3.6), and hyper 1.12 fails an answer that has it
        // (src/proto/h1/role.rs, `Server::encode_headers`).
        let is_tunnel = self.to_connect && response.status().is_success();
        for (name, value) in head.end_to_end_headers() {
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else {
                tracing::warn!("the header {} of the answer is left out: it is not valid", name.escape_ascii());
                continue;
            };
            if is_tunnel && name == CONTENT_LENGTH {
                tracing::warn!("the header content-length of the answer is left out: the request is CONNECT");
                continue;
            }
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }
}

/// The backend takes no more of the request.
fn broken() -> ClientError {
    ClientError::Io(Arc::new(io::ErrorKind::BrokenPipe.into()))
}
