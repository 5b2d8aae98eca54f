//! The answer to a spooler task or a signal.

use crate::message::error::MessageError;
use crate::message::fields::expect_modifier1;
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// Whether a spooler task or a signal was accepted. Accepted means queued, not done.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::Reply;
///
/// assert_eq!(Reply::decode(&Packet::decode(&[0xff, 0, 0, 1])?.0)?, Reply::Accepted);
/// assert_eq!(Reply::decode(&Packet::decode(&[0xff, 0, 0, 0])?.0)?, Reply::Refused);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "uWSGI answers these two")]
pub enum Reply {
    /// modifier2 1: the task or the signal was queued.
    Accepted,
    /// modifier2 0: the task or the signal was refused, because there is no spooler or the queue is full.
    Refused,
}

impl Reply {
    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`] or [`MessageError::Modifier2`].
    pub fn decode(packet: &Packet<'_>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::RESPONSE)?;
        match packet.modifier2() {
            0 => Ok(Self::Refused),
            1 => Ok(Self::Accepted),
            found => Err(MessageError::Modifier2 { found }),
        }
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let modifier2 = match self {
            Self::Accepted => 1,
            Self::Refused => 0,
        };
        Packet::new(Modifier1::RESPONSE, modifier2, &[])?.encode(buffer)
    }
}
