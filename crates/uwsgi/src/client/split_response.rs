//! All bytes of a response, split into its head and its body.

use alloc::borrow::Cow;

use crate::client::exchange::Exchange;
use crate::client::exchange_error::ExchangeError;
use crate::client::step::{AnswerStep, BodyStep};
use crate::http::response::ResponseHead;

/// The parts of a response, from [`Exchange::split`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SplitResponse<'b> {
    /// The final head.
    pub head: ResponseHead<'b>,
    /// The body without framing. It is a copy only if it is chunked and has more than one chunk.
    pub body: Cow<'b, [u8]>,
    /// The bytes after the response: the next response of a kept connection, or the bytes of an upgraded connection.
    pub rest: &'b [u8],
}

impl Exchange {
    /// Splits all bytes that a server has sent, up to the end of the stream, into head and body. Skips interim responses (1xx).
    ///
    /// The body ends where the framing says: chunks are decoded, and a length is kept to. This is for tests and tools that have
    /// read a whole response. A client calls [`head`](Self::head) and [`body`](Self::body) while bytes come.
    ///
    /// ```
    /// use uwsgi::client::Exchange;
    ///
    /// let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    /// let response = Exchange::new(false).split(answer)?;
    /// assert_eq!((response.head.status(), &*response.body), (200, &b"hello"[..]));
    /// assert!(response.rest.is_empty());
    /// # Ok::<(), uwsgi::client::ExchangeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ExchangeError`]: the bytes are not a valid response, or not a whole one.
    pub fn split(mut self, answer: &[u8]) -> Result<SplitResponse<'_>, ExchangeError> {
        let mut rest = answer;
        let head = loop {
            match self.answer(rest, true) {
                AnswerStep::Head { response, end } => {
                    rest = rest.get(end..).unwrap_or_default();
                    if !response.is_interim() {
                        break response;
                    }
                }
                AnswerStep::Fail(error) => return Err(error),
                // The stream has ended, so no more bytes can be needed.
                AnswerStep::Need(_) => return Err(ExchangeError::NoAnswer),
            }
        };
        let mut body = Cow::Borrowed(&[][..]);
        loop {
            match self.body(rest, true) {
                BodyStep::Body { skip, take } => {
                    let (framed, after) = rest.split_at_checked(skip.saturating_add(take)).unwrap_or_default();
                    append(&mut body, framed.get(skip..).unwrap_or_default());
                    rest = after;
                }
                BodyStep::End { skip } => {
                    return Ok(SplitResponse { head, body, rest: rest.get(skip..).unwrap_or_default() });
                }
                // All of the request's body counts as sent: the server has answered.
                BodyStep::Upgraded | BodyStep::Send => return Ok(SplitResponse { head, body, rest }),
                BodyStep::Fail(error) => return Err(error),
                BodyStep::Need(_) => return Err(ExchangeError::BodyCutShort { missing: 0 }),
            }
        }
    }
}

fn append<'b>(body: &mut Cow<'b, [u8]>, bytes: &'b [u8]) {
    if body.is_empty() {
        *body = Cow::Borrowed(bytes);
    } else if !bytes.is_empty() {
        body.to_mut().extend_from_slice(bytes);
    }
}
