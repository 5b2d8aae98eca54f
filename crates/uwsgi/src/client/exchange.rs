//! The client side of a connection: one request out, one answer in.

use crate::cgi::headers::is_upgrade;
use crate::cgi::request::Request;
use crate::client::exchange_error::{ExchangeError, MOST_INTERIM};
use crate::client::step::{AnswerStep, BodyStep, HeadStep};
use crate::http::body_framing::{RequestFraming, ResponseFraming, response_framing};
use crate::http::chunked::{ChunkStep, Chunked};
use crate::http::content_length::FramingError;
use crate::http::head::HeadEnd;
use crate::http::head_limits::HeadLimits;
use crate::http::remaining_length::Declared;
use crate::http::response::ResponseHead;
use crate::http::response_error::{ResponseError, ResponseErrorKind};
use crate::http::upgrade::Protocols;

/// The client side of one request and its answer. It owns no buffer, does no I/O and has no clock.
///
/// [`send`](Self::send) says how much of a body may leave, [`head`](Self::head) finds the answer's head,
/// [`response`](Self::response) decodes it, and [`body`](Self::body) finds the body and its end. Interim answers (1xx) come
/// before the final one: call `head` again after each. There may be [100](Self::MOST_INTERIM) of them.
///
/// # Order
///
/// A call that does not belong to the current phase fails with [`ExchangeError::OutOfOrder`]. So no byte of a body is ever
/// taken for a head, and no head for a body. After a failure all later calls return the same error.
///
/// ```
/// use uwsgi::client::{Exchange, BodyStep, HeadStep};
///
/// let mut exchange = Exchange::new(false);
/// let got = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// let HeadStep::Head { end } = exchange.head(got, false) else { panic!() };
/// assert_eq!(exchange.response(&got[..end])?.status(), 200);
/// assert_eq!(exchange.body(&got[end..], false), BodyStep::Body { skip: 0, take: 5 });
/// assert_eq!(exchange.body(b"", false), BodyStep::End { skip: 0 });
/// # Ok::<(), uwsgi::client::ExchangeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Exchange {
    pub(super) phase: Phase,
    end: HeadEnd,
    limits: HeadLimits,
    to_head: bool,
    /// How many interim answers came.
    interim: u8,
    /// The part of the request's body that has yet to be sent.
    pub(super) outgoing: Declared,
    /// The answer is an error or a redirect, so the backend does not need the rest of the request.
    pub(super) refused: bool,
    /// The backend keeps the connection, and the answer's end is known without a close.
    kept: bool,
    /// [`send`](Self::send), [`head`](Self::head) or [`answer`](Self::answer) was called.
    pub(super) begun: bool,
    /// The protocols that the request offers to upgrade its connection to.
    upgrade: Protocols,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    Head,
    /// A head of this length was announced, and not yet decoded.
    Announced(usize),
    Length(Declared),
    Chunked(Chunked),
    Close,
    Ended,
    Upgraded,
    Failed(ExchangeError),
}

impl Exchange {
    /// The largest number of interim answers (1xx except 101). RFC 9110 section 15.2 allows any number, but a backend that
    /// sends nothing else would keep its client waiting forever. Go's client accepts 5. A WebDAV server that sends a 102 every
    /// 20 seconds reaches 100 after half an hour.
    pub const MOST_INTERIM: u8 = MOST_INTERIM;

    /// Begins an exchange whose request has no body and asks for no upgrade. `to_head` says that the request is HEAD, whose
    /// answer has no body either.
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

    /// Begins the exchange for this request, with the body that its vars declare.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: a server should refuse the request.
    pub fn of(request: &Request<'_>) -> Result<Self, FramingError> {
        let outgoing = match request.body_framing()? {
            RequestFraming::Length(length) => length,
            _ => 0,
        };
        let upgrade = Protocols::of(request.upgrade());
        Ok(Self { outgoing: Declared::new(outgoing), upgrade, ..Self::new(request.method() == Some(b"HEAD")) })
    }

    /// Sets the limits for the answer's head; by default those of [`HeadLimits`].
    #[must_use]
    pub fn with_limits(self, limits: HeadLimits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the length of the body, for a packet that declares it in another way than a web request: a cache's `set` has
    /// `size`. Once the exchange has begun, this call is [out of order](Self#order), because bytes of the body may have left.
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

    /// Sets the value of the request's `Upgrade`. A 101 is accepted only if it switches to protocols of this value. A client of
    /// this crate never asks for `h2c`: see [`is_upgrade`].
    ///
    /// ```
    /// use uwsgi::client::{Exchange, BodyStep};
    ///
    /// let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"echo");
    /// exchange.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n", false);
    /// assert_eq!(exchange.body(b"", false), BodyStep::Send);
    /// assert_eq!(exchange.send(4), 4);
    /// assert_eq!(exchange.body(b"", false), BodyStep::Upgraded);
    /// ```
    #[must_use]
    pub fn with_upgrade(self, protocols: &[u8]) -> Self {
        Self { upgrade: Protocols::of(Some(protocols).filter(|protocols| is_upgrade(protocols))), ..self }
    }

    /// Looks for a head at the start of `got`. `got` has all bytes that were read, beginning with the first byte of the head.
    pub fn head(&mut self, got: &[u8], eof: bool) -> HeadStep {
        self.begun = true;
        if !matches!(self.phase, Phase::Head) {
            return HeadStep::Fail(self.out_of_order());
        }
        let most = self.limits.most_bytes();
        match self.end.find(got) {
            Some(end) if end <= most => {
                self.phase = Phase::Announced(end);
                self.end = HeadEnd::default();
                HeadStep::Head { end }
            }
            Some(_) => self.refuse_head(ResponseErrorKind::TooLong, most),
            None if got.len() >= most => self.refuse_head(ResponseErrorKind::TooLong, most),
            None if eof && got.is_empty() => {
                self.phase = Phase::Failed(ExchangeError::NoAnswer);
                HeadStep::Fail(ExchangeError::NoAnswer)
            }
            None if eof => self.refuse_head(ResponseErrorKind::Truncated, got.len()),
            None => HeadStep::Need(1),
        }
    }

    /// Does what [`head`](Self::head) and [`response`](Self::response) do, in one call. A complete head is read once instead of
    /// twice. The caller must keep `got` borrowed while it uses the head.
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
            HeadStep::Fail(error) => AnswerStep::Fail(error),
            HeadStep::Need(more) => AnswerStep::Need(more),
            HeadStep::Head { end } => match self.response(got.get(..end).unwrap_or_default()) {
                Ok(response) => AnswerStep::Head { response, end },
                Err(error) => AnswerStep::Fail(error),
            },
        }
    }

    /// Decodes the head that [`head`](Self::head) announced. If it [is interim](ResponseHead::is_interim), another head
    /// follows.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`]: refuse the answer (502), and close the connection.
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

    /// Sets the phase that follows a head.
    #[inline]
    fn follow(&mut self, response: &ResponseHead<'_>) -> Result<(), ExchangeError> {
        if response.is_interim() {
            return self.follow_interim();
        }
        if response.status() == 101 {
            self.follow_upgrade(response)?;
        }
        self.refused = response.status() >= 300;
        self.phase = match response_framing(response, self.to_head) {
            ResponseFraming::None | ResponseFraming::Length(0) => Phase::Ended,
            ResponseFraming::Length(length) => Phase::Length(Declared::new(length)),
            ResponseFraming::Chunked => Phase::Chunked(Chunked::default()),
            ResponseFraming::Close => Phase::Close,
            ResponseFraming::Upgrade => Phase::Upgraded,
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

    /// Looks for the body at the start of `got`, which is all bytes after the head that were read and not used.
    pub fn body(&mut self, got: &[u8], eof: bool) -> BodyStep {
        let step = match self.phase {
            Phase::Ended => return BodyStep::End { skip: 0 },
            Phase::Upgraded if self.outgoing.left() > 0 => return BodyStep::Send,
            Phase::Upgraded => return BodyStep::Upgraded,
            Phase::Length(body) if got.is_empty() => need_or(body.needed(), body.left(), eof),
            Phase::Length(body) => {
                let (take, rest) = body.take(got.len());
                self.phase = if rest.left() == 0 { Phase::Ended } else { Phase::Length(rest) };
                BodyStep::Body { skip: 0, take }
            }
            Phase::Chunked(mut chunked) => {
                let step = match chunked.step(got) {
                    Ok(ChunkStep::Need(more)) => need_or(more, 0, eof),
                    Ok(ChunkStep::Data { skip, take }) => BodyStep::Body { skip, take },
                    Ok(ChunkStep::End { skip }) => BodyStep::End { skip },
                    Err(error) => BodyStep::Fail(ExchangeError::Chunk(error)),
                };
                let ended = matches!(step, BodyStep::End { .. });
                self.phase = if ended { Phase::Ended } else { Phase::Chunked(chunked) };
                step
            }
            Phase::Close if !got.is_empty() => BodyStep::Body { skip: 0, take: got.len() },
            Phase::Close if eof => {
                self.phase = Phase::Ended;
                BodyStep::End { skip: 0 }
            }
            Phase::Close => BodyStep::Need(1),
            Phase::Head | Phase::Announced(_) | Phase::Failed(_) => return BodyStep::Fail(self.out_of_order()),
        };
        if let BodyStep::Fail(error) = step {
            self.phase = Phase::Failed(error);
        }
        step
    }

    /// Returns how many bytes of the answer's body have yet to come, if that is known.
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

    /// Whether the connection may carry another request. All of these must hold: the whole request was sent; no byte came after
    /// the answer (`rest`); the answer is one of HTTP/1.1 and says `Connection: keep-alive`; it has a length or no body, so
    /// that its end is known without a close.
    ///
    /// An answer without `Connection` is the last one of its connection: uWSGI writes no `Connection` and closes, and so do
    /// servers of this project that keep no connections.
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

    /// Fails the exchange after a call that does not belong to its phase. An earlier failure stays.
    #[cold]
    fn out_of_order(&mut self) -> ExchangeError {
        let error = if let Phase::Failed(error) = self.phase { error } else { ExchangeError::OutOfOrder };
        self.phase = Phase::Failed(error);
        error
    }

    fn refuse_head(&mut self, kind: ResponseErrorKind, offset: usize) -> HeadStep {
        let error = ExchangeError::Response(ResponseError::new(kind, offset));
        self.phase = Phase::Failed(error);
        HeadStep::Fail(error)
    }
}

/// Whether the answer says that the backend keeps the connection.
fn says_kept(response: &ResponseHead<'_>) -> bool {
    response.says_keep_alive() && !response.says_close() && response.version() == Some(b"HTTP/1.1")
}

/// Returns the step when more of the body must come, and no byte of it is there.
const fn need_or(more: usize, missing: u64, eof: bool) -> BodyStep {
    if eof { BodyStep::Fail(ExchangeError::BodyCutShort { missing }) } else { BodyStep::Need(more) }
}
