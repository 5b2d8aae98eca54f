//! What the head of an answer says about the bytes that follow it.

use crate::http::body_framing::bytes_may_follow;
use crate::http::content_length::whole_length;
use crate::http::response_encoder::EncodedHead;
use crate::http::upgrade::Protocols;

/// What a head says about what follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerHead {
    status: u16,
    length: Option<u64>,
    is_unasked: bool,
}

impl AnswerHead {
    /// Reads a head that answers a request which offers these protocols.
    pub(crate) fn of(head: &EncodedHead<'_>, offered: &Protocols) -> Self {
        let status = head.status();
        // What follows a 101 is not a body and has no length (RFC 9110 section 15.2.2).
        let length = head.content_length().filter(|_| status != 101);
        let is_unasked = status == 101 && !offered.allow(head.upgrade());
        Self { status, length, is_unasked }
    }

    /// Whether the head is a 101 that switches to a protocol that the request did not offer.
    pub(crate) const fn is_unasked_upgrade(&self) -> bool {
        self.is_unasked
    }

    /// Whether the head is a 101.
    pub(crate) const fn is_upgrade(&self) -> bool {
        self.status == 101
    }

    /// Returns the length of the body, if the head says it.
    pub(crate) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Adds the length of the whole body, if the head has none and may have one. Returns whether it was added.
    pub(crate) fn declare_length(&mut self, length: u64, is_head_request: bool) -> bool {
        let adds = self.length.is_none() && !self.is_upgrade();
        let length = whole_length(self.status, is_head_request, length).filter(|_| adds);
        self.length = self.length.or(length);
        length.is_some()
    }

    /// Whether bytes may follow the head (RFC 9110 section 6.4.1).
    pub(crate) const fn has_body(&self, is_head_request: bool) -> bool {
        bytes_may_follow(self.status, is_head_request)
    }

    /// Whether the front end knows where the answer ends without a close.
    pub(crate) const fn is_delimited(&self, is_head_request: bool) -> bool {
        !self.is_upgrade() && (self.length.is_some() || !self.has_body(is_head_request))
    }
}
