//! uWSGI signals (plugins/signal, uWSGI 2.0).

use crate::message::error::MessageError;
use crate::message::fields::expect_modifier1;
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// A uWSGI signal, which is not a signal of Unix. The answer is a [`Reply`](super::Reply).
///
/// ```
/// use uwsgi::message::Signal;
///
/// let mut buffer = [0; 4];
/// assert_eq!(Signal { number: 17 }.encode(&mut buffer[..])?, [0x6e, 0, 0, 17]);
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a signal is its number")]
pub struct Signal {
    /// The number of the signal.
    pub number: u8,
}

impl Signal {
    /// Decodes a packet; its payload does not count.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`].
    pub fn decode(packet: &Packet<'_>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::SIGNAL)?;
        Ok(Self { number: packet.modifier2() })
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        Packet::new(Modifier1::SIGNAL, self.number, &[])?.encode(buffer)
    }
}
