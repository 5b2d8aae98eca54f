//! Reads the response to a request.

use std::io::{self, BufRead, Read, Write};

use uwsgi::client::{BodyStep, Exchange, ExchangeError, HeadStep};
use uwsgi::response::ResponseHead;

use crate::client::source::{BufferedSource, INITIAL_BUFFER, Source};
use crate::transport::window::{Window, make_room};

/// The reader of the response to one request: first its head, then its body. They borrow two parts of one buffer.
///
/// It reads from any [`Read`]: a stream that blocks, a [`Stream`](crate::Stream) with timeouts over any
/// [`Transport`](crate::Transport), or bytes in memory. The buffer grows with the bytes that have come, not with the lengths
/// that a peer announces. It is at most twice as long as the longest head that [the exchange](Exchange::with_limits) allows,
/// plus 48 KiB.
///
/// ```
/// use std::io::Read;
/// use uwsgi::client::Exchange;
/// use uwsgi_io::ResponseReader;
///
/// let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// let mut buffer = Vec::new();
/// let reader = ResponseReader::new(&bytes[..], Exchange::new(false), &mut buffer);
///
/// let (head, mut body) = reader.answer()?;
/// assert_eq!(head.status(), 200);
/// let mut text = String::new();
/// body.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ResponseReader<'b, S> {
    source: S,
    exchange: Exchange,
    buffer: &'b mut Vec<u8>,
    window: Window,
    /// The length of the final head, once it has been found.
    found: Option<usize>,
}

/// The least room for a body after a head.
const MIN_BODY_ROOM: usize = 16 * 1024;

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<'b, S: Source> ResponseReader<'b, S> {
    /// Returns a reader of the response to the request of this exchange. Overwrites the contents of the buffer.
    pub fn new(source: S, exchange: Exchange, buffer: &'b mut Vec<u8>) -> Self {
        Self::with_filled(source, exchange, buffer, 0)
    }

    /// Returns a reader like [`new`](Self::new), but the first `filled` bytes of the buffer belong to the response.
    pub(crate) fn with_filled(source: S, exchange: Exchange, buffer: &'b mut Vec<u8>, filled: usize) -> Self {
        make_room(buffer, INITIAL_BUFFER);
        Self { source, exchange, buffer, window: Window { filled, ..Window::default() }, found: None }
    }

    /// Returns the head of the next interim response (1xx except 101). Returns `None` once the final head has come. Call it
    /// again after each interim response.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// # use uwsgi_io::ResponseReader;
    /// # let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    /// # let mut buffer = Vec::new();
    /// let mut reader = ResponseReader::new(&bytes[..], Exchange::new(false), &mut buffer);
    /// while let Some(interim) = reader.interim()? {
    ///     assert_eq!(interim.header("Link"), Some(&b"</a>"[..]));
    /// }
    /// assert_eq!(reader.answer()?.0.status(), 200);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`answer`](Self::answer).
    pub fn interim(&mut self) -> io::Result<Option<ResponseHead<'_>>> {
        if self.found.is_some() {
            return Ok(None);
        }
        let end = self.find_head()?;
        let start = self.window.start;
        let head = self.buffer.get(start..start.saturating_add(end)).unwrap_or_default();
        // `answer` decodes the final head again, since only `answer` can return it with the lifetime of the buffer.
        let mut exchange = self.exchange.clone();
        let response = exchange.response(head).map_err(answer_error)?;
        if response.is_interim() {
            self.exchange = exchange;
            self.window.consume(end);
            Ok(Some(response))
        } else {
            self.found = Some(end);
            Ok(None)
        }
    }

    /// Returns the final head and the body. Skips interim responses.
    ///
    /// # Errors
    ///
    /// The stream broke, or its bytes are not a valid response: then the error contains an [`ExchangeError`].
    pub fn answer(mut self) -> io::Result<(ResponseHead<'b>, ResponseBody<'b, S>)> {
        while self.interim()?.is_some() {}
        let Self { source, mut exchange, buffer, mut window, found } = self;
        let end = window.start.saturating_add(found.unwrap_or_default());
        make_room(buffer, end.saturating_add(MIN_BODY_ROOM));
        let Some((front, buffer)) = buffer.split_at_mut_checked(end) else {
            return Err(answer_error(ExchangeError::NoAnswer)); // cannot happen: the head is within the buffer
        };
        let head = front.get(window.start..).unwrap_or_default();
        let response = exchange.response(head).map_err(answer_error)?;
        (window.start, window.filled) = (0, window.filled.saturating_sub(end));
        let mut body =
            ResponseBody { source: BufferedSource::new(source, exchange, buffer, window), take: 0, ended: false };
        // If this fails, the first read of the body fails too.
        let _later = body.advance();
        Ok((response, body))
    }

    /// Returns the length of the next head, which begins at the start of the window.
    fn find_head(&mut self) -> io::Result<usize> {
        loop {
            match self.exchange.head(self.window.bytes(self.buffer), self.window.eof) {
                HeadStep::Head { end } => return Ok(end),
                HeadStep::Fail(error) => return Err(answer_error(error)),
                HeadStep::Need(_) => self.read()?,
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        if self.window.filled == self.buffer.len() && self.window.start > 0 {
            self.buffer.copy_within(self.window.start..self.window.filled, 0);
            (self.window.start, self.window.filled) = (0, self.window.len());
        }
        if self.window.filled == self.buffer.len() {
            // The buffer doubles until the exchange finds that the head is too long.
            make_room(self.buffer, self.buffer.len().saturating_mul(2));
        }
        let room = self.buffer.get_mut(self.window.filled..).unwrap_or_default();
        let count = self.source.fill(&mut self.exchange, room)?;
        self.window.eof = count == 0;
        self.window.filled = self.window.filled.saturating_add(count);
        Ok(())
    }
}

/// The body of a response. It ends where the head or the framing says. If the stream ends before that, a read fails.
///
/// ```
/// use std::io::Read;
/// use uwsgi::client::Exchange;
/// use uwsgi_io::ResponseReader;
///
/// let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhello";
/// let mut buffer = Vec::new();
/// let (_, mut body) = ResponseReader::new(&cut[..], Exchange::new(false), &mut buffer).answer()?;
/// let error = body.read_to_end(&mut Vec::new()).unwrap_err();
/// assert_eq!(error.to_string(), "the backend closed 3 bytes before the answer's end");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ResponseBody<'b, S> {
    source: BufferedSource<'b, S>,
    /// How many bytes at the start of the window belong to the body.
    take: usize,
    ended: bool,
}

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<'b, S: Source> ResponseBody<'b, S> {
    /// Returns whether the whole body was read. For a body without a length this is true once a read has found the end of the
    /// stream.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether the connection can be used for another request: see [`Exchange::allows_another`].
    #[must_use]
    pub fn allows_another(&self) -> bool {
        self.take == 0 && self.source.exchange.allows_another(self.source.bytes())
    }

    /// Returns the connection as a pipe, after a response with the status 101. The bytes that were read after its head come
    /// first. After any other response the bytes of the pipe have no meaning.
    ///
    /// Write to the pipe only after the whole request has left. Otherwise those bytes would come before the rest of the
    /// request.
    #[must_use]
    pub fn into_pipe(self) -> Pipe<'b, S> {
        Pipe { source: self.source }
    }

    pub(crate) const fn source_mut(&mut self) -> &mut S {
        &mut self.source.source
    }

    /// Returns the source, which sends the rest of the request, and the exchange, which counts it.
    pub(crate) const fn request_parts(&mut self) -> (&mut S, &mut Exchange) {
        (&mut self.source.source, &mut self.source.exchange)
    }

    /// Asks the exchange about the bytes that were read, until it finds bytes of the body or the end. Returns whether more has
    /// to be read first.
    fn advance(&mut self) -> io::Result<bool> {
        while self.take == 0 && !self.ended {
            match self.source.step() {
                BodyStep::Body { skip, take } => {
                    self.source.window.consume(skip);
                    self.take = take;
                }
                BodyStep::End { skip } => {
                    self.source.window.consume(skip);
                    self.ended = true;
                }
                BodyStep::Fail(error) => return Err(answer_error(error)),
                // `Response::read` sends the rest of the request before it returns the response.
                BodyStep::Upgraded | BodyStep::Send => self.ended = true,
                BodyStep::Need(_) => return Ok(true),
            }
        }
        Ok(false)
    }
}

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<S: Source> BufRead for ResponseBody<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.advance()? {
            self.source.fill()?;
        }
        Ok(self.source.bytes().get(..self.take).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.take);
        self.take = self.take.saturating_sub(amount);
        self.source.window.consume(amount);
        // Finds the end of the body at once. If this fails, the next read fails too.
        let _later = self.advance();
    }
}

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<S: Source> Read for ResponseBody<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// A connection after its upgrade: the bytes of both directions as they are.
///
/// ```
/// use std::io::Read;
/// use uwsgi::client::Exchange;
/// use uwsgi_io::ResponseReader;
///
/// let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: lines\r\n\r\nhello\n";
/// let mut buffer = Vec::new();
/// let exchange = Exchange::new(false).with_upgrade(b"lines");
/// let (head, body) = ResponseReader::new(&bytes[..], exchange, &mut buffer).answer()?;
/// assert_eq!(head.status(), 101);
/// let mut line = String::new();
/// body.into_pipe().read_to_string(&mut line)?;
/// assert_eq!(line, "hello\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipe<'b, S> {
    source: BufferedSource<'b, S>,
}

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<S: Source> Pipe<'_, S> {
    /// Returns the bytes that were read from the stream and that no read has returned yet.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.source.bytes()
    }

    /// Returns the stream. It does not contain the [buffered](Self::buffered) bytes.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.source.source
    }
}

#[allow(private_bounds, reason = "callers use any `Read`; the other sources are internal")]
impl<S: Source> Read for Pipe<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.source.read_raw(out)
    }
}

impl<S: Write> Write for Pipe<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.source.source.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.source.source.flush()
    }
}

/// Returns an invalid response as an error of a reader.
pub(crate) fn answer_error(error: ExchangeError) -> io::Error {
    let kind = match error {
        ExchangeError::BodyCutShort { .. } | ExchangeError::NoAnswer => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
