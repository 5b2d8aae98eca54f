//! The client side of a connection: one request out, one answer in.

use core::fmt;

use crate::cgi::headers::is_upgrade;
use crate::cgi::request::Request;
use crate::http::chunked::{ChunkError, ChunkStep, Chunked};
use crate::http::declared::Declared;
use crate::http::framing::{FramingError, RequestBody, ResponseBody, response_body};
use crate::http::head::HeadEnd;
use crate::http::response::{HeadLimits, ResponseHead};
use crate::http::response_error::{ResponseError, ResponseErrorKind};
use crate::http::upgrade::Protocols;

/// The client side of one request and its answer. It owns no buffer, does no I/O and has no clock.
///
/// [`send`](Self::send) says how much of a body may leave, [`head`](Self::head) finds the answer's head,
/// [`response`](Self::response) decodes it, and [`body`](Self::body) finds its end. Interim answers (1xx) come before the
/// final one: for them, ask for the next head. There may be [so many](Self::MOST_INTERIM) of them.
///
/// # Order
///
/// A call that belongs to another phase fails with [`ExchangeError::OutOfOrder`]. So no byte of a body is ever taken for a
/// head, and no head for a body. Every failure stays: all later calls answer the same error.
///
/// ```
/// use uwsgi::client::{Exchange, Incoming, ResponseStep};
///
/// let mut exchange = Exchange::new(false);
/// let got = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// let ResponseStep::Head { end } = exchange.head(got, false) else { panic!() };
/// assert_eq!(exchange.response(&got[..end])?.status(), 200);
/// assert_eq!(exchange.body(&got[end..], false), Incoming::Body { skip: 0, take: 5 });
/// assert_eq!(exchange.body(b"", false), Incoming::End { skip: 0 });
/// # Ok::<(), uwsgi::client::ExchangeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Exchange {
    phase: Phase,
    end: HeadEnd,
    limits: HeadLimits,
    to_head: bool,
    /// How many interim answers there were.
    interim: u8,
    /// What may still leave of the request's body.
    outgoing: Declared,
    /// The answer is an error: nobody reads what has not left.
    refused: bool,
    /// Whether the backend says that the connection goes on, and the answer's end is known without a close.
    kept: bool,
    /// Whether it was asked what to send, or shown an answer.
    begun: bool,
    /// What the request offers to upgrade its connection to.
    upgrade: Protocols,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Head,
    /// A head of so many bytes was announced, and not yet decoded.
    Announced(usize),
    Length(Declared),
    Chunked(Chunked),
    Close,
    Ended,
    Upgraded,
    Failed(ExchangeError),
}

/// What to do about the answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum ResponseStep {
    /// The answer cannot be had from this connection.
    Fail(ExchangeError),
    /// The first `end` bytes are a head: decode it with [`Exchange::response`].
    Head {
        /// The length of the head, its empty line counted.
        end: usize,
    },
    /// Read: at least so many more bytes belong to the head.
    Need(usize),
}

/// What to do about the answer's head, once it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum AnswerStep<'b> {
    /// The answer cannot be had from this connection.
    Fail(ExchangeError),
    /// A head. If it [is interim](ResponseHead::is_interim), another follows.
    Head {
        /// The head.
        response: ResponseHead<'b>,
        /// Its length, the empty line counted.
        end: usize,
    },
    /// Read: at least so many more bytes belong to the head.
    Need(usize),
}

/// What to do about the answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum Incoming {
    /// Pass `skip` bytes over, then take `take` bytes of the body; `take` may be 0.
    Body {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body behind them.
        take: usize,
    },
    /// The answer has ended: pass `skip` bytes over. Bytes behind them are nobody's, and the connection must be closed.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// The body is not whole, and must not pass for a whole one.
    Fail(ExchangeError),
    /// Read: so many more bytes are known to belong to the body.
    Need(usize),
    /// 101 came before all of the request's body has left: go on to [send](Exchange::send) it. The connection is no pipe before
    /// that: what is written to a pipe would overtake the body. Bytes that are read meanwhile are the pipe's.
    Send,
    /// 101, and nothing of the request's body has yet to be [sent](Exchange::send). Once the last bytes that were sent have
    /// left, the connection is a pipe.
    Upgraded,
}

/// Why an answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The stream ended inside the body; so many bytes were missing at least.
    BodyCutShort {
        /// Bytes that were announced and did not come; 0 where no length was announced.
        missing: u64,
    },
    /// The chunked body cannot be read.
    Chunk(ChunkError),
    /// The backend closed without a byte: what uWSGI does with every request that it refuses.
    NoAnswer,
    /// The program that drives the machine called it [out of order](Exchange#order).
    OutOfOrder,
    /// The head is refused.
    Response(ResponseError),
    /// Interim answers without an end.
    TooManyInterim,
    /// The backend switches protocols (101), and the request did not offer to switch to those of the answer's `Upgrade`
    /// (RFC 9110 sections 7.8 and 15.2.2). Of a request that offers more than four protocols, the first three count.
    UnaskedUpgrade,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyCutShort { missing: 0 } => f.write_str("the backend closed inside the answer's body"),
            Self::BodyCutShort { missing } => write!(f, "the backend closed {missing} bytes before the answer's end"),
            Self::Chunk(error) => error.fmt(f),
            Self::NoAnswer => f.write_str("the backend closed without an answer, as uWSGI does with what it refuses"),
            Self::OutOfOrder => f.write_str("the client called its state machine out of order"),
            Self::Response(error) => error.fmt(f),
            Self::TooManyInterim => {
                write!(f, "more than {} interim answers (1xx) before the final one", Exchange::MOST_INTERIM)
            }
            Self::UnaskedUpgrade => {
                f.write_str("the backend switches to a protocol (101) that the request's Upgrade does not offer")
            }
        }
    }
}

impl core::error::Error for ExchangeError {}

impl Exchange {
    /// How many interim answers (1xx, but for 101) there may be: RFC 9110 section 15.2 allows any number, and a backend that
    /// sends nothing else would keep its client for ever. Go's client takes 5; a WebDAV server that says 102 every 20 seconds
    /// has half an hour.
    pub const MOST_INTERIM: u8 = 100;

    /// An exchange whose request has no body and asks for no upgrade; `to_head` says that it is HEAD, whose answer has no body
    /// either.
    #[must_use]
    pub fn new(to_head: bool) -> Self {
        Self {
            phase: Phase::Head,
            end: HeadEnd::default(),
            limits: HeadLimits::default(),
            to_head,
            interim: 0,
            outgoing: Declared::new(0),
            refused: false,
            kept: false,
            begun: false,
            upgrade: Protocols::NONE,
        }
    }

    /// The exchange for a request that is about to be sent, with the body that its vars declare.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: no server should take it.
    pub fn of(request: &Request<'_>) -> Result<Self, FramingError> {
        let outgoing = match request.body_framing()? {
            RequestBody::Length(length) => length,
            _ => 0,
        };
        let upgrade = Protocols::of(request.upgrade());
        Ok(Self { outgoing: Declared::new(outgoing), upgrade, ..Self::new(request.method() == Some(b"HEAD")) })
    }

    /// The same exchange with other limits for the answer's head.
    #[must_use]
    pub fn with_limits(self, limits: HeadLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same exchange with a body of so many bytes, whose packet declares them in its own way, as that of a cache's value
    /// does with `size`. Once the exchange has begun this is [out of order](Self#order): bytes of the body may have left.
    ///
    /// ```
    /// # use uwsgi::client::{AnswerStep, Exchange, ExchangeError};
    /// let mut exchange = Exchange::new(false).with_outgoing(5);
    /// assert_eq!(exchange.send(2), 2);
    /// let mut again = exchange.with_outgoing(5);
    /// assert_eq!(again.send(5), 0);
    /// assert_eq!(again.answer(b"HTTP/1.1 200 OK\r\n\r\n", false), AnswerStep::Fail(ExchangeError::OutOfOrder));
    /// ```
    #[must_use]
    pub fn with_outgoing(mut self, length: u64) -> Self {
        if self.begun {
            self.out_of_order();
            self.outgoing = Declared::new(0);
            return self;
        }
        Self { outgoing: Declared::new(length), ..self }
    }

    /// The same exchange, whose request has an `Upgrade` of this value: an answer 101 is no error if it switches to one of these
    /// protocols. `h2c` is nothing that [a client of this crate asks for](crate::is_upgrade).
    ///
    /// ```
    /// use uwsgi::client::{Exchange, Incoming};
    ///
    /// let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"echo");
    /// exchange.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n", false);
    /// assert_eq!(exchange.body(b"", false), Incoming::Send);
    /// assert_eq!(exchange.send(4), 4);
    /// assert_eq!(exchange.body(b"", false), Incoming::Upgraded);
    /// ```
    #[must_use]
    pub fn with_upgrade(self, protocols: &[u8]) -> Self {
        Self { upgrade: Protocols::of(Some(protocols).filter(|protocols| is_upgrade(protocols))), ..self }
    }

    /// How many of `len` further bytes of the request's body may leave: no more than were declared, since a server might
    /// take the rest for a request, and none once the answer is an error.
    pub fn send(&mut self, len: usize) -> usize {
        self.begun = true;
        if !self.wants_body() {
            return 0;
        }
        let (take, left) = self.outgoing.take(len);
        self.outgoing = left;
        take
    }

    /// How many bytes of the request's body have yet to leave.
    #[must_use]
    pub const fn outgoing(&self) -> u64 {
        self.outgoing.left()
    }

    /// Whether more of the request's body should leave: there is more, and no answer says that it is not wanted.
    ///
    /// A client that sees the status of an error or a redirect while it is sending stops (RFC 9112 section 9.5). If it went on, the
    /// server could reset the connection, and the answer would be lost.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false).with_outgoing(1 << 30);
    /// assert_eq!(exchange.send(65536), 65536);
    /// exchange.answer(b"HTTP/1.1 413 Content Too Large\r\n\r\n", false);
    /// assert!(exchange.is_refused() && !exchange.wants_body());
    /// assert_eq!(exchange.send(65536), 0);
    /// ```
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        self.outgoing.left() > 0 && !self.refused
    }

    /// Whether the answer's status is that of an error or a redirect, so that nothing more of the request has to leave: the backend
    /// has not done what was asked, and says so (RFC 9112 section 9.5).
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the end of the stream fails the exchange while part of the request has yet to leave, though the answer has come.
    ///
    /// After a 101 it does, because there is no pipe. After any other answer it does not: a backend may shut down its own
    /// direction and still read the request.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"echo");
    /// exchange.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n", false);
    /// assert!(exchange.fails_at_end_of_stream());
    /// let mut exchange = Exchange::new(false).with_outgoing(4);
    /// exchange.answer(b"HTTP/1.1 204 No Content\r\n\r\n", false);
    /// assert!(!exchange.fails_at_end_of_stream());
    /// ```
    #[must_use]
    pub const fn fails_at_end_of_stream(&self) -> bool {
        matches!(self.phase, Phase::Upgraded)
    }

    /// Looks for a head at the start of `got`: all bytes that were read and not used, from the head's first one on.
    pub fn head(&mut self, got: &[u8], eof: bool) -> ResponseStep {
        self.begun = true;
        if !matches!(self.phase, Phase::Head) {
            return ResponseStep::Fail(self.out_of_order());
        }
        let most = self.limits.most_bytes();
        match self.end.find(got) {
            Some(end) if end <= most => {
                self.phase = Phase::Announced(end);
                self.end = HeadEnd::default();
                ResponseStep::Head { end }
            }
            Some(_) => self.refuse_head(ResponseErrorKind::TooLong, most),
            None if got.len() >= most => self.refuse_head(ResponseErrorKind::TooLong, most),
            None if eof && got.is_empty() => {
                self.phase = Phase::Failed(ExchangeError::NoAnswer);
                ResponseStep::Fail(ExchangeError::NoAnswer)
            }
            None if eof => self.refuse_head(ResponseErrorKind::Truncated, got.len()),
            None => ResponseStep::Need(1),
        }
    }

    /// [`head`](Self::head) and [`response`](Self::response) in one, for who can keep `got` borrowed while the head is
    /// looked at: a head that is there as a whole is read once instead of twice.
    ///
    /// ```
    /// use uwsgi::client::{AnswerStep, Exchange};
    ///
    /// let got = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello";
    /// let mut exchange = Exchange::new(false);
    /// let AnswerStep::Head { response, end } = exchange.answer(got, false) else { panic!() };
    /// assert!(response.is_interim());
    /// let AnswerStep::Head { response, .. } = exchange.answer(&got[end..], false) else { panic!() };
    /// assert_eq!(response.status(), 200);
    /// ```
    pub fn answer<'b>(&mut self, got: &'b [u8], eof: bool) -> AnswerStep<'b> {
        if matches!(self.phase, Phase::Head) && self.end.searched() == 0 {
            if let Some((response, end)) = ResponseHead::decode_at_once(got, &self.limits) {
                self.begun = true;
                return match self.follow(&response) {
                    Ok(()) => AnswerStep::Head { response, end },
                    Err(error) => AnswerStep::Fail(error),
                };
            }
        }
        self.answer_slowly(got, eof)
    }

    #[inline(never)]
    fn answer_slowly<'b>(&mut self, got: &'b [u8], eof: bool) -> AnswerStep<'b> {
        match self.head(got, eof) {
            ResponseStep::Fail(error) => AnswerStep::Fail(error),
            ResponseStep::Need(more) => AnswerStep::Need(more),
            ResponseStep::Head { end } => match self.response(got.get(..end).unwrap_or_default()) {
                Ok(response) => AnswerStep::Head { response, end },
                Err(error) => AnswerStep::Fail(error),
            },
        }
    }

    /// Decodes the head that [`head`](Self::head) announced. If it [is interim](ResponseHead::is_interim), another follows.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`]: the answer must be refused (502), and the connection closed.
    pub fn response<'b>(&mut self, head: &'b [u8]) -> Result<ResponseHead<'b>, ExchangeError> {
        if !matches!(self.phase, Phase::Announced(end) if end == head.len()) {
            return Err(self.out_of_order());
        }
        let response = match ResponseHead::decode_with(head, &self.limits) {
            Ok(response) => response,
            Err(error) => {
                self.phase = Phase::Failed(ExchangeError::Response(error));
                return Err(ExchangeError::Response(error));
            }
        };
        self.follow(&response)?;
        Ok(response)
    }

    /// Goes where a head leads.
    #[inline]
    fn follow(&mut self, response: &ResponseHead<'_>) -> Result<(), ExchangeError> {
        if response.is_interim() {
            return self.follow_interim();
        }
        if response.status() == 101 {
            self.follow_upgrade(response)?;
        }
        self.refused = response.status() >= 300;
        self.phase = match response_body(response, self.to_head) {
            ResponseBody::None | ResponseBody::Length(0) => Phase::Ended,
            ResponseBody::Length(length) => Phase::Length(Declared::new(length)),
            ResponseBody::Chunked => Phase::Chunked(Chunked::default()),
            ResponseBody::Close => Phase::Close,
            ResponseBody::Upgrade => Phase::Upgraded,
        };
        self.kept = says_kept(response) && matches!(self.phase, Phase::Ended | Phase::Length(_));
        Ok(())
    }

    #[cold]
    fn follow_upgrade(&mut self, response: &ResponseHead<'_>) -> Result<(), ExchangeError> {
        let is_upgrade = |name: &[u8]| name.eq_ignore_ascii_case(b"upgrade");
        let values = response.headers().filter(|(name, _)| is_upgrade(name)).map(|(_, value)| value);
        if !self.upgrade.allow(&Protocols::of(values)) {
            self.phase = Phase::Failed(ExchangeError::UnaskedUpgrade);
            return Err(ExchangeError::UnaskedUpgrade);
        }
        Ok(())
    }

    #[cold]
    fn follow_interim(&mut self) -> Result<(), ExchangeError> {
        if self.interim >= Self::MOST_INTERIM {
            self.phase = Phase::Failed(ExchangeError::TooManyInterim);
            return Err(ExchangeError::TooManyInterim);
        }
        self.interim = self.interim.saturating_add(1);
        self.phase = Phase::Head;
        Ok(())
    }

    /// Looks for the body at the start of `got`: all bytes behind the head that were read and not used.
    pub fn body(&mut self, got: &[u8], eof: bool) -> Incoming {
        let step = match self.phase {
            Phase::Ended => return Incoming::End { skip: 0 },
            Phase::Upgraded if self.outgoing.left() > 0 => return Incoming::Send,
            Phase::Upgraded => return Incoming::Upgraded,
            Phase::Length(body) if got.is_empty() => need_or(body.needed(), body.left(), eof),
            Phase::Length(body) => {
                let (take, rest) = body.take(got.len());
                self.phase = if rest.left() == 0 { Phase::Ended } else { Phase::Length(rest) };
                Incoming::Body { skip: 0, take }
            }
            Phase::Chunked(mut chunked) => {
                let step = match chunked.step(got) {
                    Ok(ChunkStep::Need(more)) => need_or(more, 0, eof),
                    Ok(ChunkStep::Data { skip, take }) => Incoming::Body { skip, take },
                    Ok(ChunkStep::End { skip }) => Incoming::End { skip },
                    Err(error) => Incoming::Fail(ExchangeError::Chunk(error)),
                };
                let ended = matches!(step, Incoming::End { .. });
                self.phase = if ended { Phase::Ended } else { Phase::Chunked(chunked) };
                step
            }
            Phase::Close if !got.is_empty() => Incoming::Body { skip: 0, take: got.len() },
            Phase::Close if eof => {
                self.phase = Phase::Ended;
                Incoming::End { skip: 0 }
            }
            Phase::Close => Incoming::Need(1),
            Phase::Head | Phase::Announced(_) | Phase::Failed(_) => return Incoming::Fail(self.out_of_order()),
        };
        if let Incoming::Fail(error) = step {
            self.phase = Phase::Failed(error);
        }
        step
    }

    /// How many bytes of the answer's body are still to come, where that is known.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false);
    /// let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    /// exchange.answer(head, false);
    /// assert_eq!(exchange.incoming(), Some(5));
    /// exchange.body(b"he", false);
    /// assert_eq!(exchange.incoming(), Some(3));
    /// ```
    #[must_use]
    pub const fn incoming(&self) -> Option<u64> {
        match &self.phase {
            Phase::Length(body) => Some(body.left()),
            Phase::Ended => Some(0),
            _ => None,
        }
    }

    /// Whether the connection may carry another request. All of these must hold: the whole request has left; nothing came after
    /// the answer (`rest`); the answer is one of HTTP/1.1 and says `Connection: keep-alive`; it has a length or no body, so that its
    /// end is known without a close.
    ///
    /// After an answer that says nothing, the connection is not used again: uWSGI says nothing and closes, and so do servers of
    /// this project that keep no connections.
    ///
    /// ```
    /// # use uwsgi::client::Exchange;
    /// let mut exchange = Exchange::new(false);
    /// exchange.answer(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", false);
    /// assert!(exchange.allows_another(b""));
    /// let mut exchange = Exchange::new(false);
    /// exchange.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    /// assert!(!exchange.allows_another(b""));
    /// ```
    #[must_use]
    pub const fn allows_another(&self, rest: &[u8]) -> bool {
        matches!(self.phase, Phase::Ended) && self.kept && self.outgoing.left() == 0 && rest.is_empty()
    }

    /// A call that does not belong to this phase: how the exchange fails, unless it has.
    #[cold]
    fn out_of_order(&mut self) -> ExchangeError {
        let error = if let Phase::Failed(error) = self.phase { error } else { ExchangeError::OutOfOrder };
        self.phase = Phase::Failed(error);
        error
    }

    fn refuse_head(&mut self, kind: ResponseErrorKind, offset: usize) -> ResponseStep {
        let error = ExchangeError::Response(ResponseError::new(kind, offset));
        self.phase = Phase::Failed(error);
        ResponseStep::Fail(error)
    }
}

/// Whether the backend says that it keeps the connection after this answer.
fn says_kept(response: &ResponseHead<'_>) -> bool {
    response.says_keep_alive() && !response.says_close() && response.version() == Some(b"HTTP/1.1")
}

/// What to say where no byte of a body is there.
const fn need_or(more: usize, missing: u64, eof: bool) -> Incoming {
    if eof { Incoming::Fail(ExchangeError::BodyCutShort { missing }) } else { Incoming::Need(more) }
}
