//! The body of an answer, and the end of its request: the log line, and what the connection waits for next.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::sync::Arc;
use bytes::Bytes;
use http::{Method, Response, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use std::io::ErrorKind;
use std::time::Instant;
use uwsgi::framing::bytes_may_follow;
use uwsgi_tower::ClientError;

use crate::access_log::{AccessLog, Entry};
use crate::body::{AnswerBody, AnswerError};
use crate::client_io::Phase;

/// A request that is being answered. When it is dropped, the line of the access log is written, and the connection waits for
/// the next request.
#[derive(Debug)]
pub(crate) struct Answering {
    phase: Arc<Phase>,
    method: Method,
    target: Uri,
    log: Option<Log>,
}

#[derive(Debug)]
struct Log {
    log: Arc<AccessLog>,
    entry: Entry,
    began: Instant,
}

/// The status of a log line if the client left before it got an answer, as nginx logs it (`NGX_HTTP_CLIENT_CLOSED_REQUEST`).
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Answering {
    /// Notes that a request came.
    pub(super) fn new(phase: &Arc<Phase>, method: &Method, target: &Uri) -> Self {
        phase.begin_answer();
        Self { phase: Arc::clone(phase), method: method.clone(), target: target.clone(), log: None }
    }

    /// Notes that the client may still send bytes of this request when it is answered.
    pub(super) fn linger(&self) {
        self.phase.linger();
    }

    /// Sets what the log line says of the request.
    pub(super) fn log(&mut self, log: &Arc<AccessLog>, mut entry: Entry) {
        entry.status = CLIENT_CLOSED_REQUEST;
        self.log = Some(Log { log: Arc::clone(log), entry, began: Instant::now() });
    }

    /// Returns what the log line says of the request, to change it.
    pub(super) fn entry(&mut self) -> Option<&mut Entry> {
        self.log.as_mut().map(|log| &mut log.entry)
    }

    fn count(&mut self, bytes: usize) {
        if let Some(log) = &mut self.log {
            log.entry.bytes = log.entry.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Answers the request.
    pub(super) fn answer(mut self, answer: Response<AnswerBody>, version: Version) -> Response<AnsweringBody> {
        if let Some(log) = &mut self.log {
            log.entry.status = answer.status().as_u16();
        }
        let has_body = bytes_may_follow(answer.status().as_u16(), self.method == Method::HEAD);
        let is_length_known = answer.body().size_hint().exact().is_some();
        // hyper sends a body of unknown length as chunks to clients of HTTP/1.1, and closes after it for older ones.
        self.phase.set_ends_with_close(has_body && !is_length_known && version < Version::HTTP_11);
        answer.map(|body| AnsweringBody { body, answering: self, error: None })
    }
}

/// Returns a hint for the log: the option whose timeout ran out.
pub(super) fn option_for(error: &(dyn Error + 'static)) -> &'static str {
    match error.downcast_ref() {
        Some(ClientError::Timeout) => ": see --http-timeout",
        Some(ClientError::Connect { error, .. }) if error.kind() == ErrorKind::TimedOut => {
            ": see --http-connect-timeout"
        }
        _ => "",
    }
}

/// Writes the method, and the path without the query, which may have secrets.
impl fmt::Display for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target.path())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.phase.wait_for_request();
        if let Some(Log { log, mut entry, began }) = self.log.take() {
            entry.duration = began.elapsed();
            log.log(&entry);
        }
    }
}

/// The body of an answer.
///
/// Before an error it lets hyper write what it has, so that the client gets the head and the bytes that came.
#[derive(Debug)]
pub(crate) struct AnsweringBody {
    body: AnswerBody,
    answering: Answering,
    /// The error of the body, which hyper gets at the next poll.
    error: Option<AnswerError>,
}

impl Body for AnsweringBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.answering.count(bytes);
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let option = error.source().map_or("", option_for);
                tracing::warn!("{}: the answer broke off: {error:#}{option}", self.answering);
                self.error = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.error.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
