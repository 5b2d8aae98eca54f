//! Why bytes are not a packet, and why a packet could not be written.

use core::fmt;

/// Why bytes could not be decoded: what was wrong, where, what was needed and what was there.
///
/// Offsets count from the first byte of what was given to the function that failed: a packet for
/// [`Packet::decode`](crate::Packet::decode) and what comes after it ([`Packet::vars`](crate::Packet::vars),
/// [`Request::decode`](crate::Request::decode)), a block for [`Vars::decode`](crate::Vars::decode).
///
/// ```
/// use uwsgi::{DecodeErrorKind, Packet};
///
/// // datasize says 7, six bytes follow: one more completes the packet.
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
    /// An array ends in an item of no bytes, which uWSGI refuses (`uwsgi_parse_array`, uWSGI 2.0).
    EmptyItem,
    /// A key has no bytes; uWSGI refuses it, gunicorn does not.
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
    /// The input ends before the element does; [`DecodeError::needed`] says how many bytes complete it.
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
    /// The kind as one lower-case word, as `uwsgictl decode --json` prints it.
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
    /// `required` and `available` are bytes, or vars for [`DecodeErrorKind::VarsLimit`].
    ///
    /// Saturating never shows where a packet is decoded: it has at most 65539 bytes.
    #[inline]
    pub(crate) fn new(kind: DecodeErrorKind, offset: usize, required: usize, available: usize) -> Self {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { kind, offset: small(offset), required: small(required), available: small(available) }
    }

    /// The same error, for who counts from `by` bytes further ahead: the start of a file that the packet is in, say.
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

    /// What was wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Where the element that failed begins, in bytes from the start of the input.
    #[must_use]
    pub fn offset(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    /// What the element asked for: bytes, or how many vars there were at least for
    /// [`DecodeErrorKind::VarsLimit`].
    #[must_use]
    pub fn required(&self) -> usize {
        usize::try_from(self.required).unwrap_or(usize::MAX)
    }

    /// What there was: bytes left, or the limit that was passed.
    #[must_use]
    pub fn available(&self) -> usize {
        usize::try_from(self.available).unwrap_or(usize::MAX)
    }

    /// For truncated input, how many further bytes complete the element it stopped in; always at least 1.
    ///
    /// `None` means that no further bytes can help: the input is malformed or over a limit.
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

/// Why something could not be written; nothing was written, and the encoder goes on.
///
/// ```
/// use uwsgi::{EncodeErrorKind, VarsEncoder};
///
/// let mut buffer = [0; 64];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// let error = vars.push_header("X-Note", "one\r\nX-Two: two").unwrap_err();
/// assert_eq!(error.kind(), EncodeErrorKind::HeaderValue);
/// assert_eq!(error.to_string(), "the value has CR, LF or NUL in it, at byte 3");
/// vars.push_header("X-Note", "one").unwrap(); // the refused header left nothing behind
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
    /// The buffer has no room for it.
    BufferFull,
    /// A `Content-Length` that is not a decimal number of at most 64 bits.
    ContentLength,
    /// The payload would be longer than the 65535 bytes that datasize can say.
    DatasizeTooLarge,
    /// A key of no bytes, which uWSGI refuses.
    EmptyKey,
    /// An array item of no bytes, which uWSGI drops or refuses.
    EmptyItem,
    /// A header name that is no token (RFC 9110 section 5.6.2).
    HeaderName,
    /// CR, LF or NUL in a header's value (RFC 9110 section 5.5), or in another one that [`check`](crate::check) refuses.
    HeaderValue,
    /// An item over 65535 bytes.
    ItemTooLong,
    /// A key with CR, LF or NUL in it.
    Key,
    /// A key over 65535 bytes.
    KeyTooLong,
    /// A `REQUEST_METHOD` that is no token (RFC 9110 section 9.1).
    Method,
    /// The header `Proxy`, which would become `HTTP_PROXY` (CVE-2016-5385).
    ProxyHeader,
    /// A second `CONTENT_LENGTH`, or an `HTTP_CONTENT_LENGTH` without a `CONTENT_LENGTH` of the same number before it.
    SecondContentLength,
    /// An argument of an RPC call after the last one that uWSGI reads.
    TooManyArguments,
    /// `HTTP_TRANSFER_ENCODING`, which is written only where [the policy](crate::HeaderPolicy::allow_chunked) allows it, as
    /// `chunked`, once and not beside a `CONTENT_LENGTH`.
    TransferEncoding,
    /// A header name with `_` in it, which would pass for the one with `-`.
    UnderscoreHeader,
    /// A value over 65535 bytes.
    ValueTooLong,
}

impl EncodeError {
    #[inline]
    pub(crate) const fn new(kind: EncodeErrorKind, required: usize, available: usize) -> Self {
        Self { kind, required, available }
    }

    /// What was refused.
    #[must_use]
    pub const fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// Whether what it says is refused, however much room there is: a proxy leaves it out and goes on. `false` means that it
    /// does not fit.
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

    /// How many bytes were asked for; for a byte that is in the way, its position.
    #[must_use]
    pub const fn required(&self) -> usize {
        self.required
    }

    /// How many bytes were to be had.
    #[must_use]
    pub const fn available(&self) -> usize {
        self.available
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
