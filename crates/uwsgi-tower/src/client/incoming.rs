//! The body of an answer, as a stream of frames.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use uwsgi::client::Incoming as Step;

use crate::client::ClientError;
use crate::client::conversation::Conversation;
use crate::exclusive::Exclusive;

/// The body of an answer. What is left of the request's body is sent while it is read; an end before the announced length is
/// an error. So is a request that cannot leave: the last bytes of the answer wait for it, unless the answer is an error itself.
#[derive(Debug, Default)]
pub struct Incoming {
    conversation: Option<Exclusive<Box<Conversation>>>,
    /// How many bytes are left, if that is known.
    left: Option<u64>,
    /// The last bytes, maybe none, which wait for the request to leave.
    last: Option<Bytes>,
}

/// What there is of a body.
enum Next {
    Data(Bytes),
    End,
    Fail(ClientError),
    /// Nothing yet.
    Nothing,
}

impl Incoming {
    pub(crate) const fn empty() -> Self {
        Self { conversation: None, left: None, last: None }
    }

    pub(crate) fn of(conversation: Conversation) -> Self {
        let mut conversation = Box::new(conversation);
        if let Step::End { .. } = conversation.exchange.body(&[], false) {
            // The connection of an answer without a body is free at once.
            conversation.end();
            return Self::empty();
        }
        let left = conversation.exchange.incoming();
        Self { conversation: Some(Exclusive::new(conversation)), left, last: None }
    }

    /// What is there of the body. Where the answer is over, and the request has left, the conversation is too.
    fn next(&mut self) -> Next {
        let Some(conversation) = &mut self.conversation else { return Next::End };
        let conversation = conversation.get_mut();
        match conversation.exchange.body(&conversation.buffer, conversation.eof) {
            Step::Body { skip, take } => {
                conversation.buffer.advance(skip);
                let bytes = conversation.buffer.split_to(take).freeze();
                self.left = conversation.exchange.incoming();
                // Who knows the length does not ask behind it.
                if self.left == Some(0) {
                    return self.end(bytes);
                }
                // Framing alone is no data.
                if bytes.is_empty() { Next::Nothing } else { Next::Data(bytes) }
            }
            Step::End { skip } => {
                conversation.buffer.advance(skip);
                self.end(Bytes::new())
            }
            Step::Fail(error) => {
                self.conversation = None;
                Next::Fail(ClientError::Answer(error))
            }
            Step::Need(_) | Step::Send | Step::Upgraded => Next::Nothing,
        }
    }

    /// The answer ends with these bytes, which wait for a request that has yet to leave.
    fn end(&mut self, bytes: Bytes) -> Next {
        if self.conversation.as_mut().is_some_and(|conversation| conversation.get_mut().is_leaving()) {
            self.left = self.left.map(|_| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            self.last = Some(bytes);
            return Next::Nothing;
        }
        if let Some(conversation) = self.conversation.take() {
            conversation.into_inner().end();
        }
        if bytes.is_empty() { Next::End } else { Next::Data(bytes) }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let this = self.get_mut();
        loop {
            if let (Some(conversation), true) = (&mut this.conversation, this.last.is_some()) {
                if let Err(error) = ready!(conversation.get_mut().poll_finish(cx)) {
                    (this.conversation, this.last) = (None, None);
                    return Poll::Ready(Some(Err(error)));
                }
            }
            let next = match this.last.take() {
                Some(last) => this.end(last),
                None => this.next(),
            };
            match next {
                Next::Data(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Next::End => return Poll::Ready(None),
                Next::Fail(error) => return Poll::Ready(Some(Err(error))),
                Next::Nothing if this.last.is_some() => continue,
                Next::Nothing => {}
            }
            let Some(conversation) = this.conversation.as_mut() else { return Poll::Ready(None) };
            if let Err(error) = ready!(conversation.get_mut().poll_progress(usize::MAX, cx)) {
                this.conversation = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.conversation.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.conversation, self.left) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Some(left)) => SizeHint::with_exact(left),
            (Some(_), None) => SizeHint::default(),
        }
    }
}
