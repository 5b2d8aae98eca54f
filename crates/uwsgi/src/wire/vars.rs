//! The payload of a request: pairs of key and value.

use core::fmt;
use core::iter::FusedIterator;

use crate::wire::error::DecodeError;
#[cfg(feature = "alloc")]
use crate::wire::error::EncodeError;
use crate::wire::grammar::{self, Pair};
#[cfg(feature = "alloc")]
use crate::wire::lengths::{datasize, pair_lengths};
use crate::wire::limits::{Limits, fits};

/// A well-formed block of vars. Only a well-formed block becomes `Vars`, so its methods cannot fail.
///
/// Order and duplicates are kept. [`get`](Self::get) returns the last pair of a key, as uWSGI and gunicorn do;
/// [`get_all`](Self::get_all) and [`iter`](Self::iter) return all pairs. Keys and values are bytes. Keys are equal if their
/// bytes are.
///
/// ```
/// use uwsgi::Vars;
///
/// let vars = Vars::decode(b"\x01\x00A\x01\x001\x01\x00A\x01\x002\x01\x00B\x00\x00")?;
/// assert_eq!(vars.len(), 3);
/// assert_eq!(vars.get("A"), Some(&b"2"[..]));
/// assert!(vars.get_all("A").eq([b"1", b"2"]));
/// assert_eq!(vars.get("B"), Some(&b""[..]));
/// assert_eq!(vars.get("b"), None);
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vars<'a> {
    block: &'a [u8],
    count: usize,
}

impl<'a> Vars<'a> {
    /// A block without vars.
    pub const EMPTY: Vars<'static> = Vars { block: &[], count: 0 };

    /// Decodes a whole block.
    ///
    /// # Errors
    ///
    /// What is malformed, and where. An empty key is malformed, and so is a block over the 65535 bytes of a packet.
    #[inline]
    pub fn decode(block: &'a [u8]) -> Result<Self, DecodeError> {
        Self::visit(block, &Limits::wire(), |_, _| ())
    }

    /// Decodes a whole block within `limits`.
    ///
    /// # Errors
    ///
    /// What is malformed or over a limit, and where. Of several faults the first in the block counts.
    pub fn decode_with(block: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::visit(block, limits, |_, _| ())
    }

    /// Decodes a whole block within `limits`, and calls `visit` with each pair.
    ///
    /// It is inlined, so that the compiler knows the limits where they are constant.
    #[inline(always)]
    pub(crate) fn visit(
        block: &'a [u8],
        limits: &Limits,
        visit: impl FnMut(&'a [u8], &'a [u8]),
    ) -> Result<Self, DecodeError> {
        fits(block, limits)?;
        let count = grammar::vars(block, limits, visit)?;
        Ok(Self { block, count })
    }

    /// Reads the pairs of a block that may be malformed: first the pairs before the fault, then the error.
    ///
    /// ```
    /// use uwsgi::{Limits, Vars};
    ///
    /// let mut pairs = Vars::pairs(b"\x01\x00A\x01\x001\x05\x00B", &Limits::default());
    /// assert_eq!(pairs.next().unwrap()?, (&b"A"[..], &b"1"[..]));
    /// assert_eq!(pairs.next().unwrap().unwrap_err().offset(), 8);
    /// assert!(pairs.next().is_none());
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn pairs(block: &'a [u8], limits: &Limits) -> Pairs<'a> {
        Pairs { block, rest: block, count: 0, limits: *limits, in_packet: false }
    }

    /// Returns the block as it was on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.block
    }

    /// Returns the number of pairs; duplicates count.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether the block has no pairs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns all pairs, in wire order.
    #[inline]
    #[must_use]
    pub const fn iter(&self) -> Iter<'a> {
        Iter { rest: self.block, count: self.count }
    }

    /// Returns the pair that begins at this offset of the block.
    pub(crate) fn at(&self, offset: u16) -> Option<Pair<'a>> {
        grammar::pair(self.block.get(usize::from(offset)..)?).map(|(_, pair)| pair)
    }

    /// Returns the value of the last pair with this key.
    #[must_use]
    pub fn get<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Option<&'a [u8]> {
        self.get_all(key).last()
    }

    /// Returns the values of all pairs with this key, in wire order.
    #[inline]
    pub fn get_all<'k, K: AsRef<[u8]> + ?Sized>(&self, key: &'k K) -> GetAll<'a, 'k> {
        GetAll { pairs: self.iter(), key: key.as_ref() }
    }
}

impl<'a> IntoIterator for Vars<'a> {
    type Item = Pair<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Vars<'a> {
    type Item = Pair<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Vars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, value)| (Escaped(key), Escaped(value)))).finish()
    }
}

/// Bytes that are printed as a string literal.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// The pairs of [`Vars`], in wire order.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Iter<'a> {
    /// Returns the rest of the block, which was not read yet.
    pub(crate) const fn as_bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        // The block is well-formed, so `pair` returns `None` only at its end.
        let (rest, pair) = grammar::pair(self.rest)?;
        self.rest = rest;
        self.count = self.count.saturating_sub(1);
        Some(pair)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// The values of one key; from [`Vars::get_all`].
#[derive(Debug, Clone)]
pub struct GetAll<'a, 'k> {
    pairs: Iter<'a>,
    key: &'k [u8],
}

impl<'a> Iterator for GetAll<'a, '_> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.pairs.find(|(key, _)| *key == self.key).map(|(_, value)| value)
    }
}

impl FusedIterator for GetAll<'_, '_> {}

/// The pairs of a block that may be malformed, then the error; from [`Vars::pairs`].
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    block: &'a [u8],
    rest: &'a [u8],
    count: usize,
    limits: Limits,
    /// Whether offsets count from the start of the packet.
    in_packet: bool,
}

impl<'a> Pairs<'a> {
    /// Counts the offset of an error from the start of the packet that has the block.
    pub(crate) const fn in_packet(self) -> Self {
        Self { in_packet: true, ..self }
    }

    /// Returns the bytes that were not read yet; after an error, those from the faulty pair on.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the iteration with this error.
    fn fail(&mut self, error: DecodeError) -> Option<Result<Pair<'a>, DecodeError>> {
        self.block = &[];
        Some(Err(if self.in_packet { error.after_header() } else { error }))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        // After an error the block is empty; `rest` still shows where the error was.
        if self.rest.is_empty() || self.block.is_empty() {
            return None;
        }
        if let Err(error) = fits(self.block, &self.limits) {
            return self.fail(error);
        }
        match grammar::pair_within(self.block, self.rest, &self.limits, self.count) {
            Ok((rest, pair)) => {
                self.rest = rest;
                self.count = self.count.saturating_add(1);
                Some(Ok(pair))
            }
            Err(error) => self.fail(error),
        }
    }
}

impl FusedIterator for Pairs<'_> {}

/// A well-formed block of vars that owns its bytes.
///
/// ```
/// use uwsgi::VarsBuf;
///
/// let vars = VarsBuf::decode(b"\x01\x00A\x01\x001".to_vec())?;
/// assert_eq!(vars.as_vars().get("A"), Some(&b"1"[..])); // the block is not decoded again
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct VarsBuf {
    block: alloc::vec::Vec<u8>,
    count: usize,
}

#[cfg(feature = "alloc")]
impl VarsBuf {
    /// Decodes a whole block.
    ///
    /// # Errors
    ///
    /// As [`Vars::decode`].
    pub fn decode(block: alloc::vec::Vec<u8>) -> Result<Self, DecodeError> {
        Self::decode_with(block, &Limits::wire())
    }

    /// Decodes a whole block within `limits`.
    ///
    /// # Errors
    ///
    /// As [`Vars::decode_with`].
    pub fn decode_with(block: alloc::vec::Vec<u8>, limits: &Limits) -> Result<Self, DecodeError> {
        let count = Vars::decode_with(&block, limits)?.len();
        Ok(Self { block, count })
    }

    /// Makes a block of these pairs. Only lengths are checked, as in [`VarsEncoder::push_raw`](crate::VarsEncoder::push_raw).
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind`](crate::EncodeErrorKind)`::EmptyKey`, `KeyTooLong`, `ValueTooLong` or `DatasizeTooLarge`.
    ///
    /// ```
    /// use uwsgi::VarsBuf;
    ///
    /// let vars = VarsBuf::from_pairs([("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")])?;
    /// assert_eq!(vars.as_vars().get("PATH_INFO"), Some(&b"/"[..]));
    /// assert_eq!(vars.as_vars().len(), 2);
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, EncodeError>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let mut vars = Self::default();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            let (key_len, value_len) = pair_lengths(key, value)?;
            for piece in [&key_len[..], key, &value_len, value] {
                vars.block.extend_from_slice(piece);
            }
            datasize(vars.block.len())?;
            vars.count = vars.count.saturating_add(1);
        }
        Ok(vars)
    }

    /// Returns the vars, borrowed.
    #[must_use]
    pub fn as_vars(&self) -> Vars<'_> {
        Vars { block: &self.block, count: self.count }
    }

    /// Returns the block as it was on the wire.
    #[must_use]
    pub fn into_bytes(self) -> alloc::vec::Vec<u8> {
        self.block
    }
}

#[cfg(feature = "alloc")]
impl From<Vars<'_>> for VarsBuf {
    fn from(vars: Vars<'_>) -> Self {
        Self { block: vars.block.to_vec(), count: vars.count }
    }
}

#[cfg(feature = "alloc")]
impl fmt::Debug for VarsBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_vars().fmt(f)
    }
}
