//! Writes packets of vars.

use crate::cgi::field_name;
use crate::cgi::policy::{Framing, HeaderPolicy, is_plain};
use crate::wire::buffer::Buffer;
use crate::wire::decimal::Decimal;
use crate::wire::error::{EncodeError, EncodeErrorKind};
use crate::wire::header::Header;
use crate::wire::lengths::{length, length_of};
use crate::wire::modifier::Modifier1;
use crate::wire::unfinished::UnfinishedPacket;
use crate::wire::vars::Vars;

/// Writes a packet of vars into a buffer.
///
/// Every var is checked before it is written. A refused push changes nothing, and the encoder can go on. It refuses what
/// different readers would understand differently: a second `CONTENT_LENGTH` or one that is not a number,
/// `HTTP_TRANSFER_ENCODING`, `HTTP_PROXY`, and the bytes that [`check`](crate::check) refuses. [`push_raw`](Self::push_raw)
/// writes anything.
///
/// Nothing is allocated unless the buffer is a `Vec`. An encoder that is dropped without [`finish`](Self::finish) removes what
/// it wrote from an `ArrayVec` or a `Vec`. In a slice the bytes stay, but they are not returned as a packet.
///
/// A proxy first writes the length of the body that it sends. Then it copies the vars that it got, and leaves out what is
/// [forbidden](EncodeError::is_forbidden), such as a second `CONTENT_LENGTH`:
///
/// ```
/// use uwsgi::{EncodeError, Modifier1, Vars, VarsEncoder};
///
/// fn proxied<'b>(vars: Vars<'_>, body: u64, packet: &'b mut Vec<u8>) -> Result<&'b [u8], EncodeError> {
///     let mut encoder = VarsEncoder::new(packet);
///     encoder.push_number("CONTENT_LENGTH", body)?;
///     for (key, value) in vars {
///         match encoder.push(key, value) {
///             Err(error) if !error.is_forbidden() => return Err(error),
///             Ok(()) | Err(_) => {}
///         }
///     }
///     encoder.finish(Modifier1::WSGI, 0)
/// }
/// # let vars = Vars::decode(b"\x0a\0HTTP_PROXY\x01\0x\x0e\0CONTENT_LENGTH\x01\x004\x01\0A\x01\0b").unwrap();
/// # assert_eq!(proxied(vars, 5, &mut Vec::new()).unwrap(), b"\0\x19\0\0\x0e\0CONTENT_LENGTH\x01\x005\x01\0A\x01\0b");
/// ```
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
    packet: UnfinishedPacket<'b, B>,
    policy: HeaderPolicy,
    framing: Framing,
}

impl<'b, B: Buffer + ?Sized> VarsEncoder<'b, B> {
    /// Begins a packet at the start of a slice, or at the end of an `ArrayVec` or a `Vec`.
    #[inline]
    pub fn new(buffer: &'b mut B) -> Self {
        Self::with_policy(buffer, HeaderPolicy::default())
    }

    /// Does what [`new`](Self::new) does, with another policy.
    #[inline]
    pub fn with_policy(buffer: &'b mut B, policy: HeaderPolicy) -> Self {
        Self { packet: UnfinishedPacket::new(buffer), policy, framing: Framing::default() }
    }

    /// Writes one var.
    ///
    /// ```
    /// use uwsgi::{EncodeErrorKind as Kind, VarsEncoder};
    ///
    /// let mut buffer = [0; 256];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// vars.push("CONTENT_LENGTH", "5")?;
    /// assert_eq!(vars.push("CONTENT_LENGTH", "6").unwrap_err().kind(), Kind::SecondContentLength);
    /// assert_eq!(vars.push("HTTP_TRANSFER_ENCODING", "chunked").unwrap_err().kind(), Kind::TransferEncoding);
    /// assert_eq!(vars.push("HTTP_X", "a\r\nb: c").unwrap_err().kind(), Kind::HeaderValue);
    /// vars.push("HTTP_CONTENT_LENGTH", "5")?; // as nginx and lighttpd send it
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the var does not fit: [`EncodeErrorKind::KeyTooLong`], [`ValueTooLong`](EncodeErrorKind::ValueTooLong),
    /// [`DatasizeTooLarge`](EncodeErrorKind::DatasizeTooLarge), [`BufferFull`](EncodeErrorKind::BufferFull). If it is
    /// [forbidden](EncodeError::is_forbidden): [`EmptyKey`](EncodeErrorKind::EmptyKey), [`Key`](EncodeErrorKind::Key),
    /// [`HeaderValue`](EncodeErrorKind::HeaderValue), [`Method`](EncodeErrorKind::Method),
    /// [`ContentLength`](EncodeErrorKind::ContentLength), [`SecondContentLength`](EncodeErrorKind::SecondContentLength),
    /// [`TransferEncoding`](EncodeErrorKind::TransferEncoding), [`ProxyHeader`](EncodeErrorKind::ProxyHeader).
    #[inline]
    pub fn push<K, V>(&mut self, key: &K, value: &V) -> Result<(), EncodeError>
    where
        K: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        let (key, value) = (key.as_ref(), value.as_ref());
        if !is_plain(key, value) {
            let framing = self.framing.with(self.policy, key, value)?;
            // A pair that does not fit fails here, before `framing` is stored: that must be the framing of the written vars.
            self.packet.fits_pair(key, value)?;
            self.framing = framing;
        }
        self.packet.append_pair(key, value)
    }

    /// Writes one var and does not check its content. It refuses only an empty key and what does not fit. This is for tests of
    /// servers, for fuzzers and for packets that are not web requests.
    ///
    /// Later pushes do not take this var into account: after a raw `CONTENT_LENGTH` they write another one.
    /// [`Packet::new`](crate::Packet::new) makes packets with any payload.
    ///
    /// ```
    /// use uwsgi::{Modifier1, VarsEncoder};
    ///
    /// let mut buffer = [0; 256];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// vars.push_raw("CONTENT_LENGTH", "5")?;
    /// vars.push_raw("CONTENT_LENGTH", "-6")?;
    /// assert_eq!(vars.finish(Modifier1::WSGI, 0)?.len(), 4 + 19 + 20);
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::EmptyKey`], [`KeyTooLong`](EncodeErrorKind::KeyTooLong),
    /// [`ValueTooLong`](EncodeErrorKind::ValueTooLong), [`DatasizeTooLarge`](EncodeErrorKind::DatasizeTooLarge) or
    /// [`BufferFull`](EncodeErrorKind::BufferFull).
    #[inline]
    pub fn push_raw<K, V>(&mut self, key: &K, value: &V) -> Result<(), EncodeError>
    where
        K: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        self.packet.append_pair(key.as_ref(), value.as_ref())
    }

    /// Writes one var whose value is a decimal number.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_number<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K, value: u64) -> Result<(), EncodeError> {
        self.push(key, &Decimal::new(value))
    }

    /// Writes a client's header as CGI has it (RFC 3875 section 4.1.18): `X-Foo` becomes `HTTP_X_FOO`, and `Content-Type` and
    /// `Content-Length` become `CONTENT_TYPE` and `CONTENT_LENGTH`.
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
    /// As [`push`](Self::push); [`HeaderName`](EncodeErrorKind::HeaderName) for a name that is not a token, and
    /// [`UnderscoreHeader`](EncodeErrorKind::UnderscoreHeader).
    pub fn push_header<K, V>(&mut self, name: &K, value: &V) -> Result<(), EncodeError>
    where
        K: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        let (name, value) = (name.as_ref(), value.as_ref());
        self.policy.check_header(name, value)?;
        if name.eq_ignore_ascii_case(b"content-type") {
            return self.packet.append_pair(b"CONTENT_TYPE", value);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let framing = self.framing.with_length(value)?;
            self.packet.append_pair(b"CONTENT_LENGTH", value)?;
            self.framing = framing;
            return Ok(());
        }
        let framing = self.framing.with_header(self.policy, name, value)?;
        let Some(key_len) = name.len().checked_add(field_name::PREFIX.len()) else {
            return Err(EncodeError::new(EncodeErrorKind::KeyTooLong, name.len(), usize::from(u16::MAX)));
        };
        let key_len = length_of(EncodeErrorKind::KeyTooLong, key_len)?;
        let value_len = length(EncodeErrorKind::ValueTooLong, value)?;
        let name_at = self.encoded_len().saturating_add(2).saturating_add(field_name::PREFIX.len());
        self.packet.append([&key_len, field_name::PREFIX, name, &value_len, value])?;
        if let Some(written) = self.packet.written_from_mut(name_at).get_mut(..name.len()) {
            field_name::fold(written);
        }
        self.framing = framing;
        Ok(())
    }

    /// Writes all of these vars, or writes nothing if one of them is refused. The vars of a front end may have several
    /// `CONTENT_LENGTH` and an `HTTP_TRANSFER_ENCODING`. To leave these out, a proxy pushes one var at a time.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), for the first var that is refused.
    pub fn push_all(&mut self, vars: Vars<'_>) -> Result<(), EncodeError> {
        let mut framing = self.framing;
        for (key, value) in vars {
            if !is_plain(key, value) {
                framing = framing.with(self.policy, key, value)?;
            }
        }
        self.packet.append([vars.as_bytes()])?;
        self.framing = framing;
        Ok(())
    }

    /// Returns the vars so far, as they are on the wire. A signature covers these bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.packet.payload()
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
    #[inline]
    pub fn finish(self, modifier1: Modifier1, modifier2: u8) -> Result<&'b [u8], EncodeError> {
        self.packet.finish(modifier1, modifier2)
    }
}

/// Returns the length of a packet of these vars in bytes, with its header.
///
/// The result may be more than a packet can have (4 + 65535 bytes). The encoder refuses such a packet.
///
/// ```
/// assert_eq!(uwsgi::encoded_len([("A", "1"), ("B", "")]), 4 + 6 + 5);
/// ```
pub fn encoded_len<K: AsRef<[u8]>, V: AsRef<[u8]>>(vars: impl IntoIterator<Item = (K, V)>) -> usize {
    vars.into_iter().fold(Header::LEN, |sum, (key, value)| {
        sum.saturating_add(key.as_ref().len()).saturating_add(value.as_ref().len()).saturating_add(4)
    })
}
