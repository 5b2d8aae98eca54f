//! The part of the sending half that is about the head of an answer.

use crate::http::response_encoder::EncodedHead;
use crate::server::answer_head::AnswerHead;
use crate::server::respond::{Phase, Respond};
use crate::server::respond_step::{AnswerError, Leaves};

impl Respond {
    /// Takes the application's head, and returns whether it was taken. It is not taken once a head has left, and in an answer
    /// [without a head](Self::without_head). Keep its bytes: they leave when [`Leaves::head`] says so.
    pub fn head(&mut self, head: &EncodedHead<'_>) -> bool {
        let replaceable = !self.is_headless && matches!(self.phase, Phase::Queued(_) | Phase::Running);
        if replaceable {
            self.head = Some(AnswerHead::of(head, &self.offered_upgrade));
        }
        replaceable
    }

    /// Tells the machine that the body has this length, because the application has given all of it. If the head has no
    /// Content-Length and [may have one](crate::framing::whole_length), this adds it and returns true: write the line
    /// `Content-Length: ` with this length before the [end of the head](Self::head_end). The front end then knows where the
    /// answer ends (PEP 3333, "Handling the Content-Length Header"). Once the head has left, this changes nothing.
    ///
    /// ```
    /// use uwsgi::response::ResponseEncoder;
    /// use uwsgi::server::{AnswerError, Receive, Respond, Settings};
    /// use uwsgi::Time;
    ///
    /// let receive = Receive::new(Settings::default(), Time::ZERO);
    /// let mut respond = Respond::queued(&receive, Time::ZERO);
    /// let mut buffer = [0; 64];
    /// respond.head(&ResponseEncoder::new(&mut buffer[..], 200, "OK")?.finish()?);
    /// assert!(respond.declare_length(5));
    /// assert!(!respond.declare_length(6)); // it has a length now
    /// respond.body(4)?;
    /// assert_eq!(respond.finished(), Err(AnswerError::TooShort { missing: 1 }));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn declare_length(&mut self, length: u64) -> bool {
        let (is_head_request, has_left) = (self.is_head_request, self.has_left());
        self.head.as_mut().is_some_and(|head| !has_left && head.declare_length(length, is_head_request))
    }

    /// Lets the head leave before the first byte of the body. A 101 needs this, because the peer may have to send first.
    ///
    /// ```
    /// use uwsgi::response::ResponseEncoder;
    /// use uwsgi::server::{AnswerError, Receive, Respond, Settings};
    /// use uwsgi::Time;
    ///
    /// let mut receive = Receive::new(Settings::default(), Time::ZERO);
    /// let packet = b"\0\x19\0\0\x0c\0HTTP_UPGRADE\x09\0websocket";
    /// receive.head(packet, false, Time::ZERO);
    /// receive.request(packet)?;
    /// let mut respond = Respond::queued(&receive, Time::ZERO);
    /// for (upgrade, leaves) in [("h2c", Err(AnswerError::UnaskedUpgrade)), ("websocket", Ok(true))] {
    ///     let mut buffer = [0; 96];
    ///     let mut head = ResponseEncoder::new(&mut buffer[..], 101, "Switching Protocols")?;
    ///     head.push("Connection", "upgrade")?;
    ///     head.push("Upgrade", upgrade)?;
    ///     respond.head(&head.finish()?);
    ///     assert_eq!(respond.flush_head().map(|leaves| leaves.head), leaves);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoHead`], [`AnswerError::Over`] or [`AnswerError::UnaskedUpgrade`].
    pub fn flush_head(&mut self) -> Result<Leaves, AnswerError> {
        self.head_leaves().map(|head| Leaves { head, take: 0 })
    }

    /// Returns the end of the head, which replaces its last two bytes, the empty line. If the server keeps connections, this
    /// end says whether it keeps this one. Call it when [`Leaves::head`] says that the head leaves.
    ///
    /// ```
    /// use core::time::Duration;
    /// use uwsgi::response::ResponseEncoder;
    /// use uwsgi::server::{Receive, Respond, Settings};
    /// use uwsgi::Time;
    ///
    /// # let now = Time::ZERO;
    /// let mut receive = Receive::new(Settings::default().with_keepalive(Duration::from_secs(5)), now);
    /// let packet = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\00";
    /// receive.head(packet, false, now);
    /// receive.request(packet).unwrap();
    /// let mut respond = Respond::queued(&receive, now);
    /// let mut buffer = [0; 64];
    /// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
    /// head.push_length(2)?;
    /// respond.head(&head.finish()?);
    /// assert!(respond.body(2)?.head);
    /// assert_eq!(respond.head_end(), b"Connection: keep-alive\r\n\r\n");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn head_end(&self) -> &'static [u8] {
        match self.head {
            // The application has written `Connection: upgrade`.
            Some(head) if head.is_upgrade() => b"\r\n",
            _ => self.persistence.head_end(),
        }
    }

    /// Lets the head leave, if it has not left. Returns whether it leaves now.
    pub(super) fn head_leaves(&mut self) -> Result<bool, AnswerError> {
        match self.phase {
            Phase::Queued(_) | Phase::Running if self.head.is_none() && !self.is_headless => Err(AnswerError::NoHead),
            Phase::Queued(_) | Phase::Running if self.head.is_some_and(|head| head.is_unasked_upgrade()) => {
                Err(AnswerError::UnaskedUpgrade)
            }
            Phase::Queued(_) | Phase::Running => {
                let is_delimited = self.head.is_some_and(|head| head.is_delimited(self.is_head_request));
                self.persistence.head_leaves(is_delimited && self.stop.is_none());
                self.phase = Phase::Sending;
                Ok(!self.is_headless)
            }
            Phase::Sending => Ok(false),
            Phase::Finished | Phase::Refused | Phase::Aborted => Err(AnswerError::Over),
        }
    }
}
