//! The payload of RPC calls and of a few other packets: items.

use core::fmt;
use core::iter::FusedIterator;

use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::grammar;
use crate::wire::limits::{Limits, fits};
use crate::wire::vars::Escaped;

/// A well-formed array. Only a well-formed block becomes an `Array`, so its methods cannot fail.
///
/// Empty items are kept. uWSGI reads arrays in another way: see [`Array::decode_as_uwsgi`].
///
/// ```
/// use uwsgi::Array;
///
/// let array = Array::decode(b"\x05\x00hello\x00\x00\x02\x00bb")?;
/// assert_eq!(array.len(), 3);
/// assert!(array.iter().eq([&b"hello"[..], b"", b"bb"]));
/// assert!(array.as_uwsgi().eq([&b"hello"[..], b"bb"]));
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Array<'a> {
    block: &'a [u8],
    count: usize,
}

impl<'a> Array<'a> {
    /// Decodes a whole block as an array.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::ItemLengthMissing`], [`DecodeErrorKind::ItemOverrun`], or [`DecodeErrorKind::DatasizeLimit`]
    /// for a block over the 65535 bytes of a packet.
    pub fn decode(block: &'a [u8]) -> Result<Self, DecodeError> {
        fits(block, &Limits::wire())?;
        Ok(Self { block, count: grammar::array(block)? })
    }

    /// Decodes a whole block as an array, and refuses an empty item at its end, as uWSGI's `uwsgi_parse_array` does.
    ///
    /// uWSGI skips empty items before the end and does not count them: see [`as_uwsgi`](Self::as_uwsgi).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`DecodeErrorKind::EmptyItem`].
    ///
    /// ```
    /// # use uwsgi::{Array, DecodeErrorKind};
    /// let error = Array::decode_as_uwsgi(b"\x05\x00hello\x00\x00").unwrap_err();
    /// assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::EmptyItem, 7));
    /// ```
    pub fn decode_as_uwsgi(block: &'a [u8]) -> Result<Self, DecodeError> {
        let array = Self::decode(block)?;
        match array.iter().last() {
            Some([]) => {
                let offset = block.len().saturating_sub(2);
                Err(DecodeError::new(DecodeErrorKind::EmptyItem, offset, 1, 0))
            }
            _ => Ok(array),
        }
    }

    /// Returns the block as it was on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.block
    }

    /// Returns the number of items; empty items count.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether the array has no items.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns all items, in wire order.
    #[must_use]
    pub const fn iter(&self) -> Items<'a> {
        Items { rest: self.block, count: self.count }
    }

    /// Returns the items that uWSGI sees: those that are not empty.
    pub fn as_uwsgi(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.iter().filter(|item| !item.is_empty())
    }
}

impl<'a> IntoIterator for Array<'a> {
    type Item = &'a [u8];
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Array<'a> {
    type Item = &'a [u8];
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Escaped)).finish()
    }
}

/// The items of an [`Array`], in wire order.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Items<'a> {
    /// Returns the items that were not read yet.
    #[must_use]
    pub const fn rest(&self) -> Array<'a> {
        Array { block: self.rest, count: self.count }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // The block is well-formed, so `item` returns `None` only at its end.
        let (rest, item) = grammar::item(self.rest)?;
        self.rest = rest;
        self.count = self.count.saturating_sub(1);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Items<'_> {}
impl FusedIterator for Items<'_> {}
