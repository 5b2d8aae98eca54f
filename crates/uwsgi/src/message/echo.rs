//! Echo: bytes that the server sends back (plugins/echo, uWSGI 2.0).

use crate::message::error::MessageError;
use crate::message::fields::expect_modifier1;
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// A request to send bytes back. The answer is these bytes without a header, and then a close.
///
/// ```
/// use uwsgi::message::Echo;
///
/// let mut buffer = [0; 16];
/// let echo = Echo { bytes: b"hello" };
/// assert_eq!(echo.encode(&mut buffer[..])?, b"\x65\x05\x00\x00hello");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs, reason = "the whole payload is one string")]
pub struct Echo<'a> {
    /// The bytes to send back.
    pub bytes: &'a [u8],
}

impl<'a> Echo<'a> {
    /// Decodes a packet; its modifier2 does not count.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`].
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::ECHO)?;
        Ok(Self { bytes: packet.payload() })
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull) or
    /// [`DatasizeTooLarge`](crate::EncodeErrorKind::DatasizeTooLarge).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        Packet::new(Modifier1::ECHO, 0, self.bytes)?.encode(buffer)
    }
}
