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
/// an error.
#[derive(Debug, Default)]
pub struct Incoming {
    conversation: Option<Exclusive<Box<Conversation>>>,
    /// How many bytes are left, if that is known.
    left: Option<u64>,
}

impl Incoming {
    pub(crate) const fn empty() -> Self {
        Self { conversation: None, left: None }
    }

    pub(crate) fn of(conversation: Conversation) -> Self {
        let mut conversation = Box::new(conversation);
        if let Step::End { .. } = conversation.exchange.body(&[], false) {
            // The connection of an answer without a body is free at once.
            conversation.end();
            return Self::empty();
        }
        let left = conversation.exchange.incoming();
        Self { conversation: Some(Exclusive::new(conversation)), left }
    }

    /// What is there of the body; no bytes are none yet. Where the answer is over, the conversation is too.
    fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        let conversation = self.conversation.as_mut()?.get_mut();
        let next = match conversation.exchange.body(&conversation.buffer, conversation.eof) {
            Step::Body { skip, take } => {
                conversation.buffer.advance(skip);
                let bytes = conversation.buffer.split_to(take).freeze();
                self.left = conversation.exchange.incoming();
                // Who knows the length does not ask behind it.
                if self.left == Some(0) {
                    if let Some(conversation) = self.conversation.take() {
                        conversation.into_inner().end();
                    }
                }
                return Some(Ok(bytes));
            }
            Step::End { skip } => {
                conversation.buffer.advance(skip);
                None
            }
            Step::Fail(error) => Some(Err(ClientError::Answer(error))),
            Step::Need(_) | Step::Send | Step::Upgraded => return Some(Ok(Bytes::new())),
        };
        if let Some(conversation) = self.conversation.take() {
            if next.is_none() {
                conversation.into_inner().end();
            }
        }
        next
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        loop {
            match self.next() {
                None => return Poll::Ready(None),
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(next) => return Poll::Ready(Some(next.map(Frame::data))),
            }
            let Some(conversation) = self.conversation.as_mut() else { return Poll::Ready(None) };
            if let Err(error) = ready!(conversation.get_mut().poll_progress(usize::MAX, cx)) {
                self.conversation = None;
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
