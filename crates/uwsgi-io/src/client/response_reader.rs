//! An answer in.

use std::io::{self, BufRead, Read, Write};

use uwsgi::client::{Exchange, ExchangeError, Incoming as Step, ResponseStep};
use uwsgi::response::ResponseHead;

use crate::client::source::{Incoming, Source};
use crate::transport::window::{SMALL, Window, make_room};

/// Reads the answer to one request: its head, then its body, from two parts of one buffer.
///
/// It reads from anything: a stream that blocks, a [`Stream`](crate::Stream) with timeouts over any
/// [`Transport`](crate::Transport), bytes in memory. The buffer grows with what has come of a head, whose limits
/// [the exchange](Exchange::with_limits) has, and not with what a peer announces: it is never longer than twice the longest
/// head and 48 KiB.
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
    /// The length of the final head, once it was found.
    found: Option<usize>,
}

/// The least room for a body behind a head.
const ROOM: usize = 16 * 1024;

#[allow(private_bounds, reason = "everything that reads")]
impl<'b, S: Source> ResponseReader<'b, S> {
    /// A reader of the answer to this exchange's request. What the buffer holds is forgotten.
    pub fn new(source: S, exchange: Exchange, buffer: &'b mut Vec<u8>) -> Self {
        Self::behind(source, exchange, buffer, 0)
    }

    /// [`new`](Self::new), where so many bytes at the buffer's start were read already.
    pub(crate) fn behind(source: S, exchange: Exchange, buffer: &'b mut Vec<u8>, filled: usize) -> Self {
        make_room(buffer, SMALL);
        Self { source, exchange, buffer, window: Window { filled, ..Window::default() }, found: None }
    }

    /// The next head if it is that of an interim answer (1xx, but for 101): ask again. Nothing once the final one has come.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// # use uwsgi_io::ResponseReader;
    /// # let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    /// # let mut buffer = Vec::new();
    /// let mut reader = ResponseReader::new(&bytes[..], Exchange::new(false), &mut buffer);
    /// while let Some(interim) = reader.interim()? {
    ///     assert_eq!(interim.get("Link"), Some(&b"</a>"[..]));
    /// }
    /// assert_eq!(reader.answer()?.0.status(), 200);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer).
    pub fn interim(&mut self) -> io::Result<Option<ResponseHead<'_>>> {
        let end = self.find()?;
        let start = self.window.start;
        let head = self.buffer.get(start..start.saturating_add(end)).unwrap_or_default();
        // The final head is decoded again, with the buffer that its bytes then have.
        let mut exchange = self.exchange.clone();
        let response = exchange.response(head).map_err(broken)?;
        if response.is_interim() {
            self.exchange = exchange;
            self.window.pass(end);
            Ok(Some(response))
        } else {
            self.found = Some(end);
            Ok(None)
        }
    }

    /// The final head, and the body. Interim answers are passed over.
    ///
    /// # Errors
    ///
    /// The stream broke, or what came is no answer: the error then holds the [`ExchangeError`].
    pub fn answer(mut self) -> io::Result<(ResponseHead<'b>, ResponseBody<'b, S>)> {
        while self.interim()?.is_some() {}
        let Self { source, mut exchange, buffer, mut window, found } = self;
        let end = window.start.saturating_add(found.unwrap_or_default());
        make_room(buffer, end.saturating_add(ROOM));
        let Some((front, buffer)) = buffer.split_at_mut_checked(end) else {
            return Err(broken(ExchangeError::NoAnswer)); // the head is in the buffer
        };
        let head = front.get(window.start..).unwrap_or_default();
        let response = exchange.response(head).map_err(broken)?;
        (window.start, window.filled) = (0, window.filled.saturating_sub(end));
        let mut body =
            ResponseBody { incoming: Incoming::new(source, exchange, buffer, window), take: 0, ended: false };
        let _later = body.look();
        Ok((response, body))
    }

    /// Where the next head ends, behind the start of the window.
    fn find(&mut self) -> io::Result<usize> {
        if let Some(end) = self.found {
            return Ok(end);
        }
        loop {
            match self.exchange.head(self.window.of(self.buffer), self.window.eof) {
                ResponseStep::Head { end } => return Ok(end),
                ResponseStep::Fail(error) => return Err(broken(error)),
                ResponseStep::Need(_) => self.read()?,
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        if self.window.filled == self.buffer.len() && self.window.start > 0 {
            self.buffer.copy_within(self.window.start..self.window.filled, 0);
            (self.window.start, self.window.filled) = (0, self.window.len());
        }
        if self.window.filled == self.buffer.len() {
            // As much again as has come; the exchange says when it is too much.
            make_room(self.buffer, self.buffer.len().saturating_mul(2));
        }
        let room = self.buffer.get_mut(self.window.filled..).unwrap_or_default();
        let count = self.source.fill(&mut self.exchange, room)?;
        self.window.eof = count == 0;
        self.window.filled = self.window.filled.saturating_add(count);
        Ok(())
    }
}

/// The body of an answer: it ends where the answer says, and an end of the stream before that is an error.
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
    incoming: Incoming<'b, S>,
    /// How many of the bytes at the window's start are the body's.
    take: usize,
    ended: bool,
}

#[allow(private_bounds, reason = "everything that reads")]
impl<'b, S: Source> ResponseBody<'b, S> {
    /// Whether the whole body was read. Of one without a length, that shows when a read has found the end of the stream.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether the connection may carry another request: see [`Exchange::allows_another`].
    #[must_use]
    pub fn allows_another(&self) -> bool {
        self.take == 0 && self.incoming.exchange.allows_another(self.incoming.got())
    }

    /// The connection as a pipe, after an answer with the status 101; what was read after its head comes first. After any
    /// other answer it is the rest of the connection, and nobody's.
    ///
    /// The whole request must have left before anything is written to the pipe: else it would overtake the request's body.
    #[must_use]
    pub fn into_pipe(self) -> Pipe<'b, S> {
        Pipe { incoming: self.incoming }
    }

    pub(crate) const fn source_mut(&mut self) -> &mut S {
        &mut self.incoming.source
    }

    /// Where the rest of the request leaves from, and the exchange that counts it.
    pub(crate) const fn sending(&mut self) -> (&mut S, &mut Exchange) {
        (&mut self.incoming.source, &mut self.incoming.exchange)
    }

    /// Asks the exchange about what was read, until there are bytes to give, or the end; whether more has to be read for that.
    fn look(&mut self) -> io::Result<bool> {
        while self.take == 0 && !self.ended {
            match self.incoming.step() {
                Step::Body { skip, take } => {
                    self.incoming.window.pass(skip);
                    self.take = take;
                }
                Step::End { skip } => {
                    self.incoming.window.pass(skip);
                    self.ended = true;
                }
                Step::Fail(error) => return Err(broken(error)),
                // A source that sends the request looks after the rest of it before it hands out the pipe.
                Step::Upgraded | Step::Send => self.ended = true,
                Step::Need(_) => return Ok(true),
            }
        }
        Ok(false)
    }
}

#[allow(private_bounds, reason = "everything that reads")]
impl<S: Source> BufRead for ResponseBody<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.look()? {
            self.incoming.fill()?;
        }
        Ok(self.incoming.got().get(..self.take).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.take);
        self.take = self.take.saturating_sub(amount);
        self.incoming.window.pass(amount);
        // Whether that was the end shows at once; an error will come again.
        let _later = self.look();
    }
}

#[allow(private_bounds, reason = "everything that reads")]
impl<S: Source> Read for ResponseBody<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// A connection behind its handshake: both directions, as they are.
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
    incoming: Incoming<'b, S>,
}

#[allow(private_bounds, reason = "everything that reads")]
impl<S: Source> Pipe<'_, S> {
    /// What was read already, and not taken yet.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.incoming.got()
    }

    /// The stream below; what was read already is not in it.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.incoming.source
    }
}

#[allow(private_bounds, reason = "everything that reads")]
impl<S: Source> Read for Pipe<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.incoming.take(out)
    }
}

impl<S: Write> Write for Pipe<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.incoming.source.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.incoming.source.flush()
    }
}

/// What is wrong with an answer, as a reader's error.
pub(crate) fn broken(error: ExchangeError) -> io::Error {
    let kind = match error {
        ExchangeError::BodyCutShort { .. } | ExchangeError::NoAnswer => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
