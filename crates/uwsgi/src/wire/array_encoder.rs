//! Writes packets of items.

use crate::wire::buffer::Buffer;
use crate::wire::decimal::Decimal;
use crate::wire::error::{EncodeError, EncodeErrorKind};
use crate::wire::lengths::length;
use crate::wire::modifier::Modifier1;
use crate::wire::unfinished::UnfinishedPacket;

/// Writes a packet of an array's items into a buffer.
///
/// ```
/// use uwsgi::{ArrayEncoder, Modifier1};
///
/// let mut buffer = [0; 64];
/// let mut items = ArrayEncoder::new(&mut buffer[..]);
/// items.push("hello")?;
/// items.push("a")?;
/// assert_eq!(items.finish(Modifier1::RPC, 0)?, b"\xad\x0a\x00\x00\x05\x00hello\x01\x00a");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct ArrayEncoder<'b, B: Buffer + ?Sized> {
    packet: UnfinishedPacket<'b, B>,
}

impl<'b, B: Buffer + ?Sized> ArrayEncoder<'b, B> {
    /// Begins a packet at the start of a slice, or at the end of an `ArrayVec` or a `Vec`.
    pub fn new(buffer: &'b mut B) -> Self {
        Self { packet: UnfinishedPacket::new(buffer) }
    }

    /// Writes one item; it may be empty.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::ItemTooLong`], [`DatasizeTooLarge`](EncodeErrorKind::DatasizeTooLarge) or
    /// [`BufferFull`](EncodeErrorKind::BufferFull).
    #[inline]
    pub fn push<I: AsRef<[u8]> + ?Sized>(&mut self, item: &I) -> Result<(), EncodeError> {
        let item = item.as_ref();
        let len = length(EncodeErrorKind::ItemTooLong, item)?;
        self.packet.append([&len, item])
    }

    /// Writes one item, and refuses an empty one.
    ///
    /// uWSGI's `uwsgi_parse_array` skips empty items, and refuses a packet that ends in one.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), and [`EncodeErrorKind::EmptyItem`].
    pub fn push_as_uwsgi<I: AsRef<[u8]> + ?Sized>(&mut self, item: &I) -> Result<(), EncodeError> {
        if item.as_ref().is_empty() {
            return Err(EncodeError::new(EncodeErrorKind::EmptyItem, 0, 0));
        }
        self.push(item)
    }

    /// Writes one item that is a decimal number.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_number(&mut self, item: u64) -> Result<(), EncodeError> {
        self.push(&Decimal::new(item))
    }

    /// Returns the length of the packet so far in bytes, with its header.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.packet.encoded_len()
    }

    /// Completes the header and returns the packet, whose bytes live as long as the buffer.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`] where the buffer has no room for a header.
    pub fn finish(self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        self.packet.finish(modifier1, modifier2)
    }
}
