//! Ping: whether a server answers (plugins/ping, uWSGI 2.0).

use crate::message::error::MessageError;
use crate::message::fields::{expect_modifier1, expect_modifiers};
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// A ping. Its modifier2 and its payload do not count, as in uWSGI.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::Ping;
///
/// let mut buffer = [0; 4];
/// assert_eq!(Ping.encode(&mut buffer[..])?, [0x64, 0, 0, 0]);
/// assert_eq!(Ping::decode(&Packet::decode(&buffer)?.0)?, Ping);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a ping has no content")]
pub struct Ping;

impl Ping {
    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`].
    pub fn decode(packet: &Packet<'_>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::PING).map(|()| Self)
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        Packet::new(Modifier1::PING, 0, &[])?.encode(buffer)
    }
}

/// The answer to a ping. It may have a warning.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::Pong;
///
/// let (packet, _) = Packet::decode(&[0x64, 0, 0, 1])?;
/// assert_eq!(Pong::decode(&packet)?.warning, b"");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs, reason = "the whole payload is one text")]
pub struct Pong<'a> {
    /// A text for people; empty if all is well. uWSGI's `--ping` fails if it is not empty.
    pub warning: &'a [u8],
}

impl<'a> Pong<'a> {
    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`] or [`MessageError::Modifier2`].
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifiers(packet, Modifier1::PING, 1)?;
        Ok(Self { warning: packet.payload() })
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull) or
    /// [`DatasizeTooLarge`](crate::EncodeErrorKind::DatasizeTooLarge).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        Packet::new(Modifier1::PING, 1, self.warning)?.encode(buffer)
    }
}
