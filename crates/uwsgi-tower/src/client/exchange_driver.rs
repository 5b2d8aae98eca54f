//! Drives one exchange over a connection: sends the request and reads the response at the same time.

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
use http::{HeaderName, HeaderValue, Response, StatusCode, Version};
use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};
use tokio_util::io::poll_read_buf;
use uwsgi::client::{Exchange, HeadStep};
use uwsgi::response::ResponseHead;

use crate::client::error::ClientError;
use crate::client::outgoing::OutgoingBody;
use crate::client::pool::{Io, Pool};

/// One exchange over a connection: sends the request and reads its response.
pub(crate) struct ExchangeDriver {
    pub(crate) io: Box<dyn Io>,
    pub(crate) exchange: Exchange,
    /// The bytes of the response that were read and not used.
    pub(crate) buffer: BytesMut,
    pub(crate) eof: bool,
    /// The unsent bytes of the packet.
    packet: Bytes,
    /// The unsent bytes of a chunk of the body, which follow the packet.
    chunk: Bytes,
    body: Pin<Box<dyn OutgoingBody>>,
    /// Whether the body was polled.
    body_polled: bool,
    /// Whether any byte of the request has left.
    request_began: bool,
    /// Whether any byte of a response has arrived.
    answer_began: bool,
    /// The request is sent, or the backend takes no more of it.
    is_sent: bool,
    /// The client waits for the request's own body.
    waits_for_body: bool,
    /// The client waits for the rest of a head.
    waits_for_head: bool,
    /// The method of the request is CONNECT.
    is_connect: bool,
    pool: Arc<Pool>,
    idle_timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for ExchangeDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeDriver").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

/// The smallest free space that is reserved for a read.
const MIN_READ: usize = 4096;
/// The largest free space that is reserved for a read.
const MAX_READ: usize = 32 << 10;

impl ExchangeDriver {
    pub(crate) fn new(
        io: Box<dyn Io>,
        packet: Bytes,
        body: Pin<Box<dyn OutgoingBody>>,
        exchange: Exchange,
        idle_timeout: Duration,
        pool: &Arc<Pool>,
    ) -> Self {
        Self {
            io,
            exchange,
            buffer: BytesMut::new(),
            eof: false,
            packet,
            chunk: Bytes::new(),
            body,
            body_polled: false,
            request_began: false,
            answer_began: false,
            is_sent: false,
            waits_for_body: false,
            waits_for_head: true,
            is_connect: false,
            pool: Arc::clone(pool),
            idle_timeout,
            timer: None,
        }
    }

    /// Sets whether the method of the request is CONNECT.
    pub(crate) fn for_connect(self, is_connect: bool) -> Self {
        Self { is_connect, ..self }
    }

    /// Sends the request until the head of the final response is there. If the final response is a 101 or has no body, sends
    /// the whole request.
    pub(crate) async fn head(&mut self) -> Result<Response<()>, ClientError> {
        loop {
            let end = poll_fn(|cx| self.poll_head_end(cx)).await?;
            // Each head has the whole time: a backend that sends interim responses works on the request.
            self.timer = None;
            let head = self.buffer.split_to(end).freeze();
            let head = self.exchange.response(&head).map_err(ClientError::Answer)?;
            if head.is_interim() {
                continue;
            }
            self.waits_for_head = false;
            let response = self.response(&head)?;
            let is_over = response.status() == StatusCode::SWITCHING_PROTOCOLS || self.exchange.incoming() == Some(0);
            if is_over && self.must_send_more() {
                poll_fn(|cx| self.poll_finish(cx)).await?;
            }
            return Ok(response);
        }
    }

    /// Returns whether any byte of the request has left.
    pub(crate) const fn request_began(&self) -> bool {
        self.request_began
    }

    /// Returns whether any byte of a response has arrived.
    pub(crate) const fn answer_began(&self) -> bool {
        self.answer_began
    }

    /// Goes back to the first byte of the request's body, and returns whether that is possible.
    pub(crate) fn rewind_body(&mut self) -> bool {
        !self.body_polled || self.body.as_mut().rewind()
    }

    /// Returns whether part of the request must still be sent. After an error or a redirect nothing more must be sent.
    pub(crate) fn must_send_more(&self) -> bool {
        let is_pending = !(self.packet.is_empty() && self.chunk.is_empty());
        !self.exchange.is_refused() && (is_pending || self.exchange.wants_body())
    }

    pub(crate) fn into_body(self) -> Pin<Box<dyn OutgoingBody>> {
        self.body
    }

    fn poll_head_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, ClientError>> {
        loop {
            match self.exchange.head(&self.buffer, self.eof) {
                HeadStep::Head { end } => return Poll::Ready(Ok(end)),
                HeadStep::Fail(error) => return Poll::Ready(Err(ClientError::Answer(error))),
                HeadStep::Need(_) => ready!(self.poll_progress(MIN_READ, cx))?,
            }
        }
    }

    /// Sends what can be sent, and reads once. A failed write is not an error here: the backend may have answered before it
    /// closed the connection, and its response counts.
    pub(crate) fn poll_progress(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if !self.is_sent {
            match self.poll_send(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => self.is_sent = true,
                Poll::Pending => {}
            }
        }
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(room.clamp(MIN_READ, MAX_READ));
        }
        match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer) {
            Poll::Ready(Ok(count)) => {
                self.eof = count == 0;
                self.answer_began |= count > 0;
                // Single bytes of a head do not extend the time for it.
                if !(self.waits_for_head && self.is_sent) {
                    self.timer = None;
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(ClientError::Io(Arc::new(error)))),
            // The backend waits for the body too, so it is not idle.
            Poll::Pending if self.waits_for_body => {
                self.timer = None;
                Poll::Pending
            }
            Poll::Pending => self.poll_timeout(cx),
        }
    }

    /// Sends the rest of the request after the whole response was read. This is needed after a 101 too: the first bytes of the
    /// upgraded connection must come after the request's body.
    ///
    /// This also reads, to notice that the backend closes the connection while the client waits for the request's own body.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        if !self.is_sent {
            match self.poll_send(cx) {
                Poll::Ready(sent) => sent?,
                Poll::Pending => {
                    self.poll_watch(cx)?;
                    // After the end of the stream the timeout always runs, so that the client does not wait forever.
                    if self.waits_for_body && !self.eof {
                        self.timer = None;
                        return Poll::Pending;
                    }
                    return self.poll_timeout(cx);
                }
            }
            self.is_sent = true;
        }
        // `poll_send` is also ready when the backend takes no more bytes.
        Poll::Ready(if self.must_send_more() { Err(broken_pipe()) } else { Ok(()) })
    }

    /// Reads what arrives after the response, until the buffer has [`MAX_READ`] bytes. After a 101 these are the first bytes of
    /// the upgraded connection. [`Exchange::fails_at_end_of_stream`] says whether the end of the stream is an error.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Result<(), ClientError> {
        while !self.eof && self.buffer.len() < MAX_READ {
            self.buffer.reserve(MIN_READ);
            match poll_read_buf(Pin::new(&mut self.io), cx, &mut self.buffer) {
                Poll::Ready(Ok(0)) => self.eof = true,
                Poll::Ready(Ok(_)) => self.timer = None,
                Poll::Ready(Err(error)) => return Err(ClientError::Io(Arc::new(error))),
                Poll::Pending => break,
            }
        }
        if self.eof && self.exchange.fails_at_end_of_stream() { Err(broken_pipe()) } else { Ok(()) }
    }

    /// Fails once the backend was idle for too long.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        let idle_timeout = self.idle_timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(idle_timeout)));
        timer.as_mut().poll(cx).map(|()| Err(ClientError::Timeout))
    }

    /// Sends the packet and the body. It is ready when all is sent, or when the backend takes no more bytes.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        self.waits_for_body = false;
        loop {
            while !(self.packet.is_empty() && self.chunk.is_empty()) {
                let pieces = [IoSlice::new(&self.packet), IoSlice::new(&self.chunk)];
                let count = match ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &pieces)) {
                    Ok(count) if count > 0 => count,
                    // The response may give the reason. If there is no response, the read fails.
                    _ => return Poll::Ready(Ok(())),
                };
                self.request_began = true;
                self.chunk.advance(count.saturating_sub(self.packet.len()));
                self.packet.advance(count.min(self.packet.len()));
                // A backend that takes bytes is not idle.
                self.timer = None;
            }
            if !self.exchange.wants_body() {
                return Pin::new(&mut self.io).poll_flush(cx).map(|_| Ok(()));
            }
            self.body_polled = true;
            let Poll::Ready(chunk) = self.body.as_mut().poll_chunk(cx) else {
                self.waits_for_body = true;
                // Sends what the connection buffers, without waiting for more of the body.
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

    /// Ends the exchange after the whole response: keeps the connection if it can be used again, and closes it otherwise.
    pub(crate) fn end(self) {
        let whole = self.packet.is_empty() && self.chunk.is_empty() && self.is_sent && !self.eof;
        if whole && self.exchange.allows_another(&self.buffer) {
            self.pool.keep(self.io);
        }
    }

    /// Converts the head. A header that `http` cannot hold, or that hyper cannot send, is left out.
    fn response(&self, head: &ResponseHead<'_>) -> Result<Response<()>, ClientError> {
        let mut response = Response::new(());
        *response.status_mut() =
            StatusCode::from_u16(head.status()).map_err(|error| ClientError::Head(error.into()))?;
        *response.version_mut() = Version::HTTP_11;
        // A successful response to CONNECT must not have a Content-Length (RFC 9110 section 9.3.6), and hyper 1.12 fails a
        // response that has one (src/proto/h1/role.rs, `Server::encode_headers`).
        let is_tunnel = self.is_connect && response.status().is_success();
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

/// The error for a backend that takes no more of the request.
fn broken_pipe() -> ClientError {
    ClientError::Io(Arc::new(io::ErrorKind::BrokenPipe.into()))
}
