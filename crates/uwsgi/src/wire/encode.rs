//! Writing packets: pairs or items into a buffer of the caller's, the datasize patched at the end.

use crate::cgi::name::field_name;
use crate::wire::buffer::Buffer;
use crate::wire::decimal::Decimal;
use crate::wire::error::{EncodeError, EncodeErrorKind};
use crate::wire::header::Header;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::datasize;
use crate::wire::vars::Vars;

/// Writes a packet of vars into a buffer.
///
/// Every length is checked before a byte is written: a refused push changes nothing, and the encoder goes on, so that
/// a proxy can leave out what does not fit and say so. Nothing is allocated unless the buffer is a `Vec`.
///
/// ```
/// use uwsgi::{Modifier1, VarsEncoder};
///
/// let mut buffer = [0; 256];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// vars.push("REQUEST_METHOD", "POST")?;
/// vars.push_number("CONTENT_LENGTH", 5)?;
/// vars.push_header("X-Forwarded-For", "203.0.113.9")?;
/// let packet = vars.finish(Modifier1::WSGI, 0)?;
///
/// let (packet, rest) = uwsgi::Packet::decode(packet).unwrap();
/// assert_eq!(packet.vars().unwrap().get("HTTP_X_FORWARDED_FOR"), Some(&b"203.0.113.9"[..]));
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct VarsEncoder<'b, B: Buffer + ?Sized> {
    packet: Unfinished<'b, B>,
    policy: HeaderPolicy,
}

/// Which client headers [`VarsEncoder::push_header`] passes on.
///
/// The default refuses `Proxy`, which CGI would turn into the `HTTP_PROXY` that programs take for their own setting
/// (CVE-2016-5385), and names with an underscore, which pass for the same name with a dash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderPolicy {
    proxy: bool,
    underscores: bool,
}

impl HeaderPolicy {
    /// Whether the header `Proxy` is passed on.
    #[must_use]
    pub const fn allow_proxy(self, allowed: bool) -> Self {
        Self { proxy: allowed, ..self }
    }

    /// Whether header names with an underscore are passed on, as nginx's `underscores_in_headers` has it.
    #[must_use]
    pub const fn allow_underscores(self, allowed: bool) -> Self {
        Self { underscores: allowed, ..self }
    }
}

impl<'b, B: Buffer + ?Sized> VarsEncoder<'b, B> {
    /// An encoder at the start of a slice, or at the end of an `ArrayVec` or a `Vec`.
    #[inline]
    pub fn new(buffer: &'b mut B) -> Self {
        Self::with_policy(buffer, HeaderPolicy::default())
    }

    /// [`new`](Self::new), with a policy of its own for client headers.
    #[inline]
    pub fn with_policy(buffer: &'b mut B, policy: HeaderPolicy) -> Self {
        Self { packet: Unfinished::new(buffer), policy }
    }

    /// Writes one var.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::EmptyKey`], [`KeyTooLong`](EncodeErrorKind::KeyTooLong),
    /// [`ValueTooLong`](EncodeErrorKind::ValueTooLong), [`DatasizeTooLarge`](EncodeErrorKind::DatasizeTooLarge) or
    /// [`BufferFull`](EncodeErrorKind::BufferFull).
    #[inline]
    pub fn push<K, V>(&mut self, key: &K, value: &V) -> Result<(), EncodeError>
    where
        K: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        let (key, value) = (key.as_ref(), value.as_ref());
        if key.is_empty() {
            return Err(EncodeError::new(EncodeErrorKind::EmptyKey, 0, 0));
        }
        let key_len = length(EncodeErrorKind::KeyTooLong, key)?;
        let value_len = length(EncodeErrorKind::ValueTooLong, value)?;
        self.packet.append([&key_len, key, &value_len, value])
    }

    /// Writes one var whose value is a decimal number.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_number<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K, value: u64) -> Result<(), EncodeError> {
        self.push(key, &Decimal::new(value))
    }

    /// Writes a client's header as CGI has it (RFC 3875 section 4.1.18): `X-Foo` becomes `HTTP_X_FOO`, in place;
    /// `Content-Type` and `Content-Length` become `CONTENT_TYPE` and `CONTENT_LENGTH`.
    ///
    /// ```
    /// use uwsgi::{EncodeErrorKind, Modifier1, VarsEncoder};
    ///
    /// let mut buffer = [0; 256];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// vars.push_header("Accept", "*/*")?;
    /// assert_eq!(vars.push_header("Proxy", "evil:80").unwrap_err().kind(), EncodeErrorKind::ProxyHeader);
    /// assert_eq!(vars.push_header("X_Real_IP", "::1").unwrap_err().kind(), EncodeErrorKind::UnderscoreHeader);
    /// assert_eq!(vars.finish(Modifier1::WSGI, 0)?, b"\0\x12\0\0\x0b\0HTTP_ACCEPT\x03\0*/*");
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); [`HeaderName`](EncodeErrorKind::HeaderName) for a name that is no token,
    /// [`HeaderValue`](EncodeErrorKind::HeaderValue) for CR, LF or NUL in a value,
    /// [`ContentLength`](EncodeErrorKind::ContentLength) for one that is no number, and what the policy refuses:
    /// [`ProxyHeader`](EncodeErrorKind::ProxyHeader), [`UnderscoreHeader`](EncodeErrorKind::UnderscoreHeader).
    pub fn push_header<K, V>(&mut self, name: &K, value: &V) -> Result<(), EncodeError>
    where
        K: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        let (name, value) = (name.as_ref(), value.as_ref());
        field_name::check(name, self.policy.underscores)?;
        if !self.policy.proxy && name.eq_ignore_ascii_case(b"proxy") {
            return Err(EncodeError::new(EncodeErrorKind::ProxyHeader, 0, 0));
        }
        if let Some(at) = value.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(EncodeError::new(EncodeErrorKind::HeaderValue, at, value.len()));
        }
        if name.eq_ignore_ascii_case(b"content-type") {
            return self.push("CONTENT_TYPE", value);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if crate::http::framing::content_length(value).is_err() {
                return Err(EncodeError::new(EncodeErrorKind::ContentLength, 0, 0));
            }
            return self.push("CONTENT_LENGTH", value);
        }
        let Some(key_len) = name.len().checked_add(field_name::PREFIX.len()) else {
            return Err(EncodeError::new(EncodeErrorKind::KeyTooLong, name.len(), usize::from(u16::MAX)));
        };
        let key_len = length_of(EncodeErrorKind::KeyTooLong, key_len)?;
        let value_len = length(EncodeErrorKind::ValueTooLong, value)?;
        let name_at = self.packet.end.saturating_add(2).saturating_add(field_name::PREFIX.len());
        self.packet.append([&key_len, field_name::PREFIX, name, &value_len, value])?;
        let written = self.packet.buffer.written_mut(name_at, name_at.saturating_add(name.len()));
        field_name::fold(written);
        Ok(())
    }

    /// Writes all of these vars as they are.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::DatasizeTooLarge`] or [`EncodeErrorKind::BufferFull`].
    pub fn push_all(&mut self, vars: Vars<'_>) -> Result<(), EncodeError> {
        self.packet.append([vars.as_bytes()])
    }

    /// The vars written so far, as they are on the wire: what a signature covers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.packet.buffer.written(self.packet.start.saturating_add(Header::LEN), self.packet.end)
    }

    /// How many bytes the packet has so far, its header counted.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.packet.encoded_len()
    }

    /// Completes the header; the packet's bytes live as long as the buffer.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`] when there was not even room for a header.
    #[inline]
    pub fn finish(self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        self.packet.finish(modifier1, modifier2)
    }
}

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
    packet: Unfinished<'b, B>,
}

impl<'b, B: Buffer + ?Sized> ArrayEncoder<'b, B> {
    /// An encoder at the start of a slice, or at the end of an `ArrayVec` or a `Vec`.
    pub fn new(buffer: &'b mut B) -> Self {
        Self { packet: Unfinished::new(buffer) }
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

    /// Writes one item, refusing what uWSGI would not see: an empty one.
    ///
    /// uWSGI's `uwsgi_parse_array` skips empty items, and refuses the packet that ends in one.
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

    /// How many bytes the packet has so far, its header counted.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.packet.encoded_len()
    }

    /// Completes the header; the packet's bytes live as long as the buffer.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`] when there was not even room for a header.
    pub fn finish(self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        self.packet.finish(modifier1, modifier2)
    }
}

/// How many bytes a packet of these vars takes, its header counted.
///
/// The answer may be over what a packet can carry (4 + 65535 bytes): the encoder says so, this does not.
///
/// ```
/// assert_eq!(uwsgi::encoded_len([("A", "1"), ("B", "")]), 4 + 6 + 5);
/// ```
pub fn encoded_len<K: AsRef<[u8]>, V: AsRef<[u8]>>(vars: impl IntoIterator<Item = (K, V)>) -> usize {
    vars.into_iter().fold(Header::LEN, |sum, (key, value)| {
        sum.saturating_add(key.as_ref().len()).saturating_add(value.as_ref().len()).saturating_add(4)
    })
}

/// A packet whose header is still open.
#[derive(Debug)]
struct Unfinished<'b, B: Buffer + ?Sized> {
    buffer: &'b mut B,
    start: usize,
    end: usize,
}

impl<'b, B: Buffer + ?Sized> Unfinished<'b, B> {
    #[inline]
    fn new(buffer: &'b mut B) -> Self {
        let start = buffer.begin();
        // Where this fails, every `append` and `finish` fails too: they are asked for a place behind it.
        let _room_for_header = buffer.append(start, [&[0; Header::LEN]]);
        Self { buffer, start, end: start.saturating_add(Header::LEN) }
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Writes all pieces or none.
    #[inline(always)]
    fn append<const N: usize>(&mut self, pieces: [&[u8]; N]) -> Result<(), EncodeError> {
        let len = pieces.iter().fold(0, |sum: usize, piece| sum.saturating_add(piece.len()));
        let end = self.end.saturating_add(len);
        datasize(end.saturating_sub(self.start).saturating_sub(Header::LEN))?;
        if !self.buffer.append(self.end, pieces) {
            return Err(EncodeError::new(EncodeErrorKind::BufferFull, len, self.buffer.room(self.end)));
        }
        self.end = end;
        Ok(())
    }

    #[inline]
    fn finish(self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        let Self { buffer, start, end } = self;
        let datasize = datasize(end.saturating_sub(start).saturating_sub(Header::LEN))?;
        let header = Header { modifier1, datasize, modifier2 };
        match buffer.written_mut(start, end).first_chunk_mut() {
            Some(place) => *place = header.to_bytes(),
            None => return Err(EncodeError::new(EncodeErrorKind::BufferFull, Header::LEN, buffer.room(start))),
        }
        Ok(buffer.written(start, end))
    }
}

/// A length as the wire has it.
#[inline(always)]
fn length(too_long: EncodeErrorKind, bytes: &[u8]) -> Result<[u8; 2], EncodeError> {
    length_of(too_long, bytes.len())
}

#[inline(always)]
fn length_of(too_long: EncodeErrorKind, len: usize) -> Result<[u8; 2], EncodeError> {
    match u16::try_from(len) {
        Ok(len) => Ok(len.to_le_bytes()),
        Err(_) => Err(EncodeError::new(too_long, len, usize::from(u16::MAX))),
    }
}
