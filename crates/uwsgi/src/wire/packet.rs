//! Packets: a header and its payload.

use crate::wire::array::Array;
use crate::wire::buffer::Buffer;
use crate::wire::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::wire::header::Header;
use crate::wire::lengths::datasize;
use crate::wire::limits::Limits;
use crate::wire::modifier::{Modifier1, PayloadForm};
use crate::wire::vars::{Pairs, Vars};

/// One packet, borrowed: a header, and as many bytes of payload as its datasize says.
///
/// A request's body is not part of the packet. It follows the packet, and its length is in the vars.
///
/// ```
/// use uwsgi::{Modifier1, Packet};
///
/// let bytes = b"\x00\x06\x00\x00\x01\x00A\x01\x00Bthe body";
/// let (packet, rest) = Packet::decode(bytes)?;
/// assert_eq!(packet.modifier1(), Modifier1::WSGI);
/// assert_eq!(packet.vars()?.get("A"), Some(&b"B"[..]));
/// assert_eq!(rest, b"the body");
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Packet<'a> {
    modifier1: Modifier1,
    modifier2: u8,
    payload: &'a [u8],
}

/// A packet's payload, decoded in the form that its modifiers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content<'a> {
    /// Items, each with its length.
    Array(Array<'a>),
    /// No payload.
    None,
    /// Bytes with a meaning of their own.
    Raw(&'a [u8]),
    /// Pairs of key and value, each with its length.
    Vars(Vars<'a>),
}

impl<'a> Packet<'a> {
    /// Makes a packet of these parts.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::DatasizeTooLarge`] for a payload over 65535 bytes.
    pub fn new(modifier1: Modifier1, modifier2: u8, payload: &'a [u8]) -> Result<Self, EncodeError> {
        datasize(payload.len())?;
        Ok(Self { modifier1, modifier2, payload })
    }

    /// Decodes the packet at the start of `bytes`, and returns it with the bytes that follow it. The payload is not decoded.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`]: [`DecodeError::needed`] says how many more bytes complete the header, or the
    /// packet.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        Self::decode_with(bytes, &Limits::wire())
    }

    /// Does what [`decode`](Self::decode) does, and refuses a datasize over the limit as soon as the header is there.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`DecodeErrorKind::DatasizeLimit`].
    #[inline]
    pub fn decode_with(bytes: &'a [u8], limits: &Limits) -> Result<(Self, &'a [u8]), DecodeError> {
        let (header, rest) = Header::decode(bytes)?;
        let datasize = usize::from(header.datasize);
        if header.datasize > limits.datasize {
            return Err(DecodeError::new(DecodeErrorKind::DatasizeLimit, 1, datasize, usize::from(limits.datasize)));
        }
        match rest.split_at_checked(datasize) {
            Some((payload, rest)) => {
                Ok((Self { modifier1: header.modifier1, modifier2: header.modifier2, payload }, rest))
            }
            None => Err(DecodeError::new(DecodeErrorKind::Truncated, Header::LEN, datasize, rest.len())),
        }
    }

    /// Returns the header.
    #[must_use]
    pub fn header(&self) -> Header {
        Header { modifier1: self.modifier1, datasize: self.datasize(), modifier2: self.modifier2 }
    }

    /// Returns modifier1: the kind of the packet.
    #[must_use]
    pub const fn modifier1(&self) -> Modifier1 {
        self.modifier1
    }

    /// Returns modifier2: a sub-command, or the result of an answer.
    #[must_use]
    pub const fn modifier2(&self) -> u8 {
        self.modifier2
    }

    /// Returns the length of the payload in bytes.
    #[must_use]
    pub fn datasize(&self) -> u16 {
        // Every constructor has checked the length.
        u16::try_from(self.payload.len()).unwrap_or(u16::MAX)
    }

    /// Returns the payload as it was on the wire.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Returns the form of the payload of a request with these modifiers: see [`Modifier1::payload_form`].
    #[must_use]
    pub fn payload_form(&self) -> PayloadForm {
        self.modifier1.payload_form(self.modifier2, self.datasize())
    }

    /// Returns the form of the payload of an answer with these modifiers: see [`Modifier1::answer_form`].
    ///
    /// ```
    /// use uwsgi::{Packet, PayloadForm};
    ///
    /// let (answer, _) = Packet::decode(b"\xad\x02\0\x0042")?;
    /// assert_eq!(answer.answer_form(), PayloadForm::Raw);
    /// assert_eq!(answer.payload_form(), PayloadForm::Array); // the form of a call with these modifiers
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn answer_form(&self) -> PayloadForm {
        self.modifier1.answer_form(self.modifier2, self.datasize())
    }

    /// Decodes the payload in the form that the modifiers of a request ask for.
    ///
    /// # Errors
    ///
    /// What is malformed, and where; offsets count from the packet's first byte.
    pub fn content(&self) -> Result<Content<'a>, DecodeError> {
        match self.payload_form() {
            PayloadForm::Array => self.array().map(Content::Array),
            PayloadForm::None => Ok(Content::None),
            PayloadForm::Raw => Ok(Content::Raw(self.payload)),
            PayloadForm::Vars => self.vars().map(Content::Vars),
        }
    }

    /// Decodes the payload as vars, whatever the modifiers say.
    ///
    /// # Errors
    ///
    /// As [`Vars::decode`]; offsets count from the packet's first byte.
    #[inline]
    pub fn vars(&self) -> Result<Vars<'a>, DecodeError> {
        Vars::decode(self.payload).map_err(DecodeError::after_header)
    }

    /// Decodes the payload as vars within `limits`.
    ///
    /// # Errors
    ///
    /// As [`Vars::decode_with`]; offsets count from the packet's first byte.
    #[inline]
    pub fn vars_with(&self, limits: &Limits) -> Result<Vars<'a>, DecodeError> {
        Vars::decode_with(self.payload, limits).map_err(DecodeError::after_header)
    }

    /// Reads the pairs of a payload that may be malformed: first the pairs before the fault, then the error.
    ///
    /// It does what [`Vars::pairs`] does; offsets count from the packet's first byte.
    ///
    /// ```
    /// use uwsgi::{Limits, Packet};
    ///
    /// let (packet, _) = Packet::decode(b"\0\x09\0\0\x01\0A\x01\x001\x05\0B")?;
    /// let mut pairs = packet.pairs(&Limits::default());
    /// assert_eq!(pairs.next().unwrap()?, (&b"A"[..], &b"1"[..]));
    /// assert_eq!(pairs.next().unwrap().unwrap_err().offset(), 12);
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn pairs(&self, limits: &Limits) -> Pairs<'a> {
        Vars::pairs(self.payload, limits).in_packet()
    }

    /// Decodes the payload as an array, whatever the modifiers say.
    ///
    /// # Errors
    ///
    /// As [`Array::decode`]; offsets count from the packet's first byte.
    pub fn array(&self) -> Result<Array<'a>, DecodeError> {
        Array::decode(self.payload).map_err(DecodeError::after_header)
    }

    /// Returns the length of the packet on the wire in bytes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Header::LEN.saturating_add(self.payload.len())
    }

    /// Writes the packet and returns its bytes, which live as long as the buffer.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`].
    ///
    /// ```
    /// use uwsgi::{Modifier1, Packet};
    ///
    /// let mut buffer = [0; 16];
    /// let packet = Packet::new(Modifier1::ECHO, 0, b"hello")?;
    /// assert_eq!(packet.encode(&mut buffer[..])?, b"e\x05\x00\x00hello");
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let start = buffer.begin();
        let header = self.header().to_bytes();
        if !buffer.append(start, [&header, self.payload]) {
            return Err(EncodeError::new(EncodeErrorKind::BufferFull, self.encoded_len(), buffer.room(start)));
        }
        Ok(buffer.written(start, start.saturating_add(self.encoded_len())))
    }
}
