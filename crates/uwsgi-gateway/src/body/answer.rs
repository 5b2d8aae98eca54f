//! The body of an answer, which may be read ahead of the client.

use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::buffer::{Budget, BufferReader, BufferWriter, MEMORY, ReadError, WriteError, buffer};
use uwsgi::write_source;

/// The body of an answer: that of a backend, without its trailers, or a text of the gateway.
///
/// When it is dropped, the body of the backend is dropped too, which closes its connection.
#[derive(Debug)]
pub(crate) struct AnswerBody<B = uwsgi_tower::Incoming> {
    source: Source<B>,
}

#[derive(Debug)]
enum Source<B> {
    End,
    Text(Bytes),
    Streamed(B),
    /// The first bytes, which need no buffer: most answers end here.
    First {
        body: B,
        given: usize,
        budget: Arc<Budget>,
        limit: u64,
    },
    ReadAhead(ReadAhead),
}

/// Why an answer breaks off.
#[derive(Debug)]
pub(crate) enum AnswerError {
    /// The backend broke off.
    Backend(Box<dyn Error + Send + Sync>),
    /// The temporary file cannot be read.
    Temp(io::Error),
}

/// How many bytes a frame counts as, at the least. hyper 1.12 asks for no more than 16 frames while the client takes nothing
/// (src/proto/h1/io.rs, `MAX_BUF_LIST_BUFFERS`), so the body must be read ahead then.
const LEAST_COUNTED: usize = MEMORY / 16;

impl<B> AnswerBody<B> {
    /// Makes a body without bytes.
    pub(crate) const fn empty() -> Self {
        Self { source: Source::End }
    }

    /// Makes a body of these bytes.
    pub(crate) fn text(text: Bytes) -> Self {
        Self { source: if text.is_empty() { Source::End } else { Source::Text(text) } }
    }

    /// Makes a body that takes from the backend what the client takes.
    pub(crate) const fn streamed(body: B) -> Self {
        Self { source: Source::Streamed(body) }
    }

    /// Makes a body that is read ahead of the client after its first 64 KiB, so that a slow client does not hold a worker of
    /// the backend. At most `limit` bytes are buffered. When these or the budget are used up, the backend waits for the client.
    pub(crate) fn buffered(body: B, budget: &Arc<Budget>, limit: u64) -> Self {
        Self { source: Source::First { body, given: 0, budget: Arc::clone(budget), limit } }
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let source = &mut self.get_mut().source;
        let next = match source {
            Source::End => None,
            Source::Text(text) => {
                let text = mem::take(text);
                *source = Source::End;
                return Poll::Ready(Some(Ok(Frame::data(text))));
            }
            Source::Streamed(body) => ready!(poll_data(body, cx)).map(|data| data.map_err(AnswerError::Backend)),
            Source::First { body, given, .. } => {
                let data = ready!(poll_data(body, cx));
                if let Some(Ok(data)) = &data {
                    *given = given.saturating_add(data.len().max(LEAST_COUNTED));
                }
                data.map(|data| data.map_err(AnswerError::Backend))
            }
            Source::ReadAhead(ahead) => ready!(ahead.poll_data(cx)),
        };
        match &next {
            Some(Ok(_)) => source.read_ahead(),
            // The connection to the backend is free now, or closes.
            Some(Err(_)) | None => *source = Source::End,
        }
        Poll::Ready(next.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::End => true,
            Source::Text(_) => false,
            Source::Streamed(body) | Source::First { body, .. } => body.is_end_stream(),
            Source::ReadAhead(ahead) => ahead.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::End => SizeHint::with_exact(0),
            Source::Text(text) => SizeHint::with_exact(u64::try_from(text.len()).unwrap_or(u64::MAX)),
            Source::Streamed(body) | Source::First { body, .. } => body.size_hint(),
            Source::ReadAhead(ahead) => ahead.size_hint(),
        }
    }
}

impl<B> Source<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Begins to read ahead, once the client has the first bytes and the body goes on.
    fn read_ahead(&mut self) {
        if !matches!(self, Self::First { given, body, .. } if *given >= MEMORY && !body.is_end_stream()) {
            return;
        }
        if let Self::First { body, budget, limit, .. } = mem::replace(self, Self::End) {
            *self = Self::ReadAhead(ReadAhead::spawn(body, &budget, limit));
        }
    }
}

/// A body that a task reads into a buffer.
#[derive(Debug)]
struct ReadAhead {
    reader: BufferReader,
    /// The hint of the backend's body when this began.
    hint: SizeHint,
    /// The bytes that were given out since then.
    given: u64,
    task: JoinHandle<()>,
}

impl ReadAhead {
    fn spawn<B>(body: B, budget: &Arc<Budget>, limit: u64) -> Self
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (writer, reader) = buffer(budget, limit);
        let hint = body.size_hint();
        Self { reader, hint, given: 0, task: tokio::spawn(fill(writer, body)) }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, AnswerError>>> {
        let next = ready!(self.reader.poll_read(cx));
        if let Some(Ok(bytes)) = &next {
            self.given = self.given.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        Poll::Ready(next.map(|bytes| {
            bytes.map_err(|error| match error {
                ReadError::File(error) => AnswerError::Temp(error),
                ReadError::Writer(error) => AnswerError::Backend(error),
            })
        }))
    }

    fn is_end(&self) -> bool {
        self.hint.exact() == Some(self.given) || self.reader.is_finished()
    }

    fn size_hint(&self) -> SizeHint {
        let mut left = SizeHint::new();
        if let Some(upper) = self.hint.upper() {
            left.set_upper(upper.saturating_sub(self.given));
        }
        left.set_lower(self.hint.lower().saturating_sub(self.given));
        left
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a body into a buffer, as fast as it comes.
async fn fill<B>(mut writer: BufferWriter, mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    while let Some(data) = poll_fn(|cx| poll_data(&mut body, cx)).await {
        match data {
            Ok(mut data) => {
                while let Err(error) = writer.write(&mut data).await {
                    if let WriteError::File(error) = error {
                        tracing::warn!("cannot buffer an answer, so the backend waits for the client: {error:#}");
                    }
                    writer.wait_for_reader().await;
                }
            }
            Err(error) => return writer.fail(error),
        }
    }
    writer.finish();
}

/// Returns the next bytes of a body. Trailers are dropped.
fn poll_data<B>(body: &mut B, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Box<dyn Error + Send + Sync>>>>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend(_) => "the backend broke off in the answer",
            Self::Temp(_) => "the temporary file of the answer cannot be read",
        })?;
        write_source(self, f)
    }
}

impl Error for AnswerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Backend(error) => Some(&**error),
            Self::Temp(error) => Some(error),
        }
    }
}
