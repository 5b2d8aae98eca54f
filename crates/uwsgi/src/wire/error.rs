//! Why bytes are not a packet, and why a packet could not be written.

use core::fmt;

/// Why bytes could not be decoded: what was wrong, where, how much was needed and how much was there.
///
/// Offsets count from the first byte of the input of the function that failed. That is a packet for
/// [`Packet::decode`](crate::Packet::decode), and also for functions that take a packet ([`Packet::vars`](crate::Packet::vars),
/// [`Request::decode`](crate::Request::decode)). It is a block for [`Vars::decode`](crate::Vars::decode).
///
/// ```
/// use uwsgi::{DecodeErrorKind, Packet};
///
/// // datasize is 7 and six bytes follow: one more byte completes the packet.
/// let error = Packet::decode(&[0, 7, 0, 0, 1, 0, b'A', 1, 0, b'B']).unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::Truncated);
/// assert_eq!((error.offset(), error.needed()), (4, Some(1)));
/// assert_eq!(error.to_string(), "7 bytes belong at offset 4, there are 6: 1 more needed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u32,
    required: u32,
    available: u32,
}

/// What was wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The datasize in the header is over the limit.
    DatasizeLimit,
    /// An array ends in an empty item, which uWSGI refuses (`uwsgi_parse_array`, uWSGI 2.0).
    EmptyItem,
    /// A key is empty. uWSGI refuses it, gunicorn does not.
    EmptyKey,
    /// One byte is left where the two bytes of an item's length belong.
    ItemLengthMissing,
    /// An item runs past the end of a complete block.
    ItemOverrun,
    /// One byte is left where the two bytes of a key's length belong.
    KeyLengthMissing,
    /// A key is longer than the limit.
    KeyLimit,
    /// A key runs past the end of a complete block.
    KeyOverrun,
    /// The input ends inside an element. [`DecodeError::needed`] says how many bytes complete it.
    Truncated,
    /// Fewer than two bytes are left where a value's length belongs.
    ValueLengthMissing,
    /// A value is longer than the limit.
    ValueLimit,
    /// A value runs past the end of a complete block.
    ValueOverrun,
    /// There are more vars than the limit.
    VarsLimit,
}

impl DecodeErrorKind {
    /// Returns the kind in lower case with dashes, as `uwsgictl decode --json` prints it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DatasizeLimit => "datasize-limit",
            Self::EmptyItem => "empty-item",
            Self::EmptyKey => "empty-key",
            Self::ItemLengthMissing => "item-length-missing",
            Self::ItemOverrun => "item-overrun",
            Self::KeyLengthMissing => "key-length-missing",
            Self::KeyLimit => "key-limit",
            Self::KeyOverrun => "key-overrun",
            Self::Truncated => "truncated",
            Self::ValueLengthMissing => "value-length-missing",
            Self::ValueLimit => "value-limit",
            Self::ValueOverrun => "value-overrun",
            Self::VarsLimit => "vars-limit",
        }
    }
}

impl DecodeError {
    /// Makes an error. `required` and `available` are bytes, or vars for [`DecodeErrorKind::VarsLimit`].
    ///
    /// A packet has at most 65539 bytes, so its numbers always fit into 32 bits.
    #[inline]
    pub(crate) fn new(kind: DecodeErrorKind, offset: usize, required: usize, available: usize) -> Self {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { kind, offset: small(offset), required: small(required), available: small(available) }
    }

    /// Returns the same error with `by` added to its offset. The offset then counts from a place `by` bytes before the input,
    /// such as the start of a file that contains the packet.
    ///
    /// ```
    /// # use uwsgi::Packet;
    /// let error = Packet::decode(&[0, 9, 0, 0]).unwrap_err();
    /// assert_eq!(error.shifted(100).offset(), 104);
    /// ```
    #[inline]
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        Self { offset: self.offset.saturating_add(by), ..self }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns where the element that failed begins, in bytes from the start of the input.
    #[must_use]
    pub fn offset(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    /// Returns how much the element needs, in bytes; for [`DecodeErrorKind::VarsLimit`] the least number of vars that the
    /// packet has.
    #[must_use]
    pub fn required(&self) -> usize {
        usize::try_from(self.required).unwrap_or(usize::MAX)
    }

    /// Returns how much there was: the bytes that were left, or the limit.
    #[must_use]
    pub fn available(&self) -> usize {
        usize::try_from(self.available).unwrap_or(usize::MAX)
    }

    /// Returns how many more bytes complete the element that truncated input ends in; at least 1.
    ///
    /// `None` means that more bytes do not help: the input is malformed or over a limit.
    ///
    /// ```
    /// # use uwsgi::Packet;
    /// assert_eq!(Packet::decode(&[]).unwrap_err().needed(), Some(4)); // a header
    /// assert_eq!(Packet::decode(&[0, 100, 0, 0]).unwrap_err().needed(), Some(100)); // the block
    /// ```
    #[must_use]
    pub fn needed(&self) -> Option<usize> {
        match self.kind {
            DecodeErrorKind::Truncated => Some(self.required().saturating_sub(self.available())),
            _ => None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DecodeErrorKind as Kind;
        let Self { kind, offset: at, required: want, available: have } = *self;
        match kind {
            Kind::DatasizeLimit => write!(f, "datasize {want} is over the limit of {have}"),
            Kind::EmptyItem => write!(f, "the array ends in an empty item at offset {at}, which uWSGI refuses"),
            Kind::EmptyKey => write!(f, "the key at offset {at} is empty"),
            Kind::ItemLengthMissing => write!(f, "1 byte is left at offset {at}, where the length of an item belongs"),
            Kind::KeyLengthMissing => write!(f, "1 byte is left at offset {at}, where the length of a key belongs"),
            Kind::ValueLengthMissing => {
                let bytes = if have == 1 { "byte is" } else { "bytes are" };
                write!(f, "{have} {bytes} left at offset {at}, where the length of a value belongs")
            }
            Kind::KeyLimit => write!(f, "the key at offset {at} has {want} bytes, over the limit of {have}"),
            Kind::ValueLimit => write!(f, "the value at offset {at} has {want} bytes, over the limit of {have}"),
            Kind::VarsLimit => write!(f, "more vars than the limit of {have}: one more begins at offset {at}"),
            Kind::ItemOverrun | Kind::KeyOverrun | Kind::ValueOverrun => {
                let what = match kind {
                    Kind::ItemOverrun => "item",
                    Kind::KeyOverrun => "key",
                    _ => "value",
                };
                write!(f, "the {what} at offset {at} claims {want} bytes, its block has {have} left")
            }
            Kind::Truncated => {
                let needed = want.saturating_sub(have);
                write!(f, "{want} bytes belong at offset {at}, there are {have}: {needed} more needed")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why an encoder could not write an element. It has written no part of the element, and can go on.
///
/// ```
/// use uwsgi::{EncodeErrorKind, VarsEncoder};
///
/// let mut buffer = [0; 64];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// let error = vars.push_header("X-Note", "one\r\nX-Two: two").unwrap_err();
/// assert_eq!(error.kind(), EncodeErrorKind::HeaderValue);
/// assert_eq!(error.to_string(), "the value has CR, LF or NUL in it, at byte 3");
/// vars.push_header("X-Note", "one").unwrap(); // nothing of the refused header is in the buffer
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    required: usize,
    available: usize,
}

/// What could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The buffer has no room for the element.
    BufferFull,
    /// A `Content-Length` that is not a decimal number of at most 64 bits.
    ContentLength,
    /// The payload would be longer than 65535 bytes, the largest datasize.
    DatasizeTooLarge,
    /// An empty key, which uWSGI refuses.
    EmptyKey,
    /// An empty array item, which uWSGI drops or refuses.
    EmptyItem,
    /// A header name that is not a token (RFC 9110 section 5.6.2).
    HeaderName,
    /// CR, LF or NUL in the value of a header (RFC 9110 section 5.5), or of another var for which [`check`](crate::check)
    /// refuses them.
    HeaderValue,
    /// An item over 65535 bytes.
    ItemTooLong,
    /// A key with CR, LF or NUL in it.
    Key,
    /// A key over 65535 bytes.
    KeyTooLong,
    /// A `REQUEST_METHOD` that is not a token (RFC 9110 section 9.1).
    Method,
    /// The header `Proxy`, which would become `HTTP_PROXY` (CVE-2016-5385).
    ProxyHeader,
    /// A second `CONTENT_LENGTH`, or an `HTTP_CONTENT_LENGTH` that does not follow a `CONTENT_LENGTH` of the same number.
    SecondContentLength,
    /// An RPC call has more arguments than the 254 that uWSGI reads.
    TooManyArguments,
    /// An `HTTP_TRANSFER_ENCODING` that [the policy](crate::HeaderPolicy::allow_chunked) does not allow, that is not `chunked`,
    /// that is the second one, or that is beside a `CONTENT_LENGTH`.
    TransferEncoding,
    /// A header name with `_` in it, which readers could not tell from the name with `-`.
    UnderscoreHeader,
    /// A value over 65535 bytes.
    ValueTooLong,
}

impl EncodeError {
    #[inline]
    pub(crate) const fn new(kind: EncodeErrorKind, required: usize, available: usize) -> Self {
        Self { kind, required, available }
    }

    /// Returns what was refused.
    #[must_use]
    pub const fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// Whether the content of the element is refused, so that more room would not help. A front end leaves such an element out
    /// and goes on. `false` means that the element does not fit.
    ///
    /// ```
    /// use uwsgi::VarsEncoder;
    ///
    /// let mut buffer = [0; 20];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// assert!(vars.push("HTTP_PROXY", "evil:80").unwrap_err().is_forbidden());
    /// assert!(!vars.push("PATH_INFO", "/a/long/path").unwrap_err().is_forbidden());
    /// ```
    #[must_use]
    pub const fn is_forbidden(&self) -> bool {
        use EncodeErrorKind as Kind;
        !matches!(
            self.kind,
            Kind::BufferFull | Kind::DatasizeTooLarge | Kind::ItemTooLong | Kind::KeyTooLong | Kind::ValueTooLong
        )
    }

    /// Returns how many bytes the element has that does not fit; for [`EncodeErrorKind::TooManyArguments`] the number of
    /// arguments. `None` where the content is refused, so that its length does not matter.
    ///
    /// ```
    /// use uwsgi::VarsEncoder;
    ///
    /// let mut buffer = [0; 20];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// let error = vars.push("PATH_INFO", "/a/long/path").unwrap_err();
    /// assert_eq!((error.required(), error.available()), (Some(25), Some(16)));
    /// assert_eq!(error.position(), None);
    /// ```
    #[must_use]
    pub const fn required(&self) -> Option<usize> {
        if self.has_room() { Some(self.required) } else { None }
    }

    /// Returns how many bytes there was room for; for [`EncodeErrorKind::TooManyArguments`] the largest number of arguments.
    /// `None` where [`required`](Self::required) is.
    #[must_use]
    pub const fn available(&self) -> Option<usize> {
        if self.has_room() { Some(self.available) } else { None }
    }

    /// Returns the position of the refused byte in the key, the name, the method or the value. `None` where no single byte is
    /// refused.
    ///
    /// ```
    /// use uwsgi::VarsEncoder;
    ///
    /// let mut buffer = [0; 64];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// assert_eq!(vars.push("HTTP_X", "a\r\nb: c").unwrap_err().position(), Some(1));
    /// ```
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        use EncodeErrorKind as Kind;
        match self.kind {
            Kind::HeaderName | Kind::Method if self.available == 0 => None, // empty
            Kind::HeaderName | Kind::HeaderValue | Kind::Key | Kind::Method | Kind::UnderscoreHeader => {
                Some(self.required)
            }
            _ => None,
        }
    }

    /// Whether `required` and `available` are amounts.
    const fn has_room(&self) -> bool {
        !self.is_forbidden() || matches!(self.kind, EncodeErrorKind::TooManyArguments)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EncodeErrorKind as Kind;
        let Self { kind, required: want, available: have } = *self;
        match kind {
            Kind::BufferFull => write!(f, "{want} bytes do not fit into the {have} left in the buffer"),
            Kind::ContentLength => f.write_str("Content-Length is not a decimal number of at most 64 bits"),
            Kind::DatasizeTooLarge => write!(f, "the payload would be {want} bytes, a packet carries {have}"),
            Kind::EmptyItem => f.write_str("an empty array item, which uWSGI drops or refuses"),
            Kind::EmptyKey => f.write_str("an empty key, which uWSGI refuses"),
            Kind::HeaderName if want == 0 && have == 0 => f.write_str("the header's name is empty"),
            Kind::HeaderName => write!(f, "the header's name is no token: byte {want} is not allowed in one"),
            Kind::HeaderValue => write!(f, "the value has CR, LF or NUL in it, at byte {want}"),
            Kind::ItemTooLong => write!(f, "an item of {want} bytes, a length field says at most {have}"),
            Kind::Key => write!(f, "the key has CR, LF or NUL in it, at byte {want}"),
            Kind::KeyTooLong => write!(f, "a key of {want} bytes, a length field says at most {have}"),
            Kind::Method if have == 0 => f.write_str("the method is empty"),
            Kind::Method => write!(f, "the method is no token: byte {want} is not allowed in one"),
            Kind::ProxyHeader => f.write_str("the header Proxy would become HTTP_PROXY (CVE-2016-5385)"),
            Kind::SecondContentLength => {
                f.write_str("a second CONTENT_LENGTH, or an HTTP_CONTENT_LENGTH of another number")
            }
            Kind::TooManyArguments => write!(f, "more than {have} arguments, of which uWSGI ignores the rest"),
            Kind::TransferEncoding => f.write_str(
                "Transfer-Encoding, which is written only where it is allowed, as chunked and without a length",
            ),
            Kind::UnderscoreHeader => f.write_str("a header name with _ would pass for the one with -"),
            Kind::ValueTooLong => write!(f, "a value of {want} bytes, a length field says at most {have}"),
        }
    }
}

impl core::error::Error for EncodeError {}
