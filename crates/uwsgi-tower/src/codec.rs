//! Packets for [`tokio_util::codec`].

use core::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};
use uwsgi::{
    DecodeError, DecodeErrorKind, EncodeError, Header, Limits, Modifier1, Packet, Request, Vars, write_source,
};

/// Decodes packets from a stream, and encodes them into one, for [`tokio_util::codec::Framed`].
///
/// The codec knows packets only. The body of a request follows its packet in the same stream, and the codec would take it for
/// packets: call [`Framed::into_parts`](tokio_util::codec::Framed::into_parts), and read the body from the read buffer and the
/// connection. For a server use [`serve`](crate::serve()), which knows where a body ends, and for a client
/// [`Client`](crate::Client).
///
/// ```
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder, Encoder};
/// use uwsgi::{Modifier1, Packet};
/// use uwsgi_tower::PacketCodec;
///
/// let (mut codec, mut bytes) = (PacketCodec::new(), BytesMut::new());
/// codec.encode(Packet::new(Modifier1::WSGI, 0, b"\x01\x00A\x01\x00B")?, &mut bytes)?;
/// let rest = bytes.split_off(7);
/// assert!(codec.decode(&mut bytes)?.is_none()); // part of the packet is missing
/// bytes.unsplit(rest);
/// let packet = codec.decode(&mut bytes)?.expect("the packet is whole");
/// assert_eq!(packet.vars()?.get("A"), Some(&b"B"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PacketCodec {
    limits: Limits,
}

/// A whole packet that owns its bytes. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PacketBuf {
    header: Header,
    bytes: Bytes,
}

/// Why a packet cannot be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// The next packet of the stream is over a limit, or the stream ended inside a packet.
    Decode(DecodeError),
    /// The connection broke.
    Io(io::Error),
}

impl PacketCodec {
    /// Makes a codec without limits: it accepts every packet that the protocol allows.
    #[must_use]
    pub const fn new() -> Self {
        Self { limits: Limits::wire() }
    }

    /// Sets the limits. A packet over the limit for its size is refused as soon as its header is read. The codec does not
    /// decode payloads, so the limits for vars have no effect here.
    #[must_use]
    pub const fn with_limits(self, limits: Limits) -> Self {
        Self { limits }
    }
}

impl Default for PacketCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl PacketBuf {
    /// Makes a packet of these parts.
    ///
    /// ```
    /// use uwsgi::{Modifier1, VarsEncoder};
    /// use uwsgi_tower::PacketBuf;
    ///
    /// let mut buffer = [0; 64];
    /// let mut vars = VarsEncoder::new(&mut buffer[..]);
    /// vars.push("PATH_INFO", "/")?;
    /// let packet = PacketBuf::new(Modifier1::WSGI, 0, vars.payload())?;
    /// assert_eq!(packet.request()?.path_info(), Some(&b"/"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Packet::new`].
    pub fn new(modifier1: Modifier1, modifier2: u8, payload: &[u8]) -> Result<Self, EncodeError> {
        let packet = Packet::new(modifier1, modifier2, payload)?;
        let header = packet.header();
        Ok(Self { header, bytes: [&header.to_bytes()[..], payload].concat().into() })
    }

    /// Decodes the packet at the start of the bytes, and returns it with the bytes after it. No byte is copied.
    ///
    /// ```
    /// use uwsgi_tower::PacketBuf;
    ///
    /// let (packet, rest) = PacketBuf::decode(&b"\0\x06\0\0\x01\0A\x01\0Bhello"[..])?;
    /// assert_eq!(packet.vars()?.get("A"), Some(&b"B"[..]));
    /// assert_eq!(rest, "hello");
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Packet::decode`].
    pub fn decode(bytes: impl Into<Bytes>) -> Result<(Self, Bytes), DecodeError> {
        let mut bytes: Bytes = bytes.into();
        let (packet, _) = Packet::decode(&bytes)?;
        let (header, len) = (packet.header(), packet.encoded_len());
        let rest = bytes.split_off(len);
        Ok((Self { header, bytes }, rest))
    }

    /// Returns the header.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Returns the whole packet with its header, for [`Packet::decode`].
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(Header::LEN.min(self.bytes.len())..)
    }

    /// Decodes the payload as vars.
    ///
    /// # Errors
    ///
    /// As [`Packet::vars`].
    pub fn vars(&self) -> Result<Vars<'_>, DecodeError> {
        Packet::decode(&self.bytes)?.0.vars()
    }

    /// Decodes the packet as a request.
    ///
    /// # Errors
    ///
    /// As [`Request::decode`].
    pub fn request(&self) -> Result<Request<'_>, DecodeError> {
        Request::decode(&Packet::decode(&self.bytes)?.0)
    }
}

impl Decoder for PacketCodec {
    type Item = PacketBuf;
    type Error = CodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<PacketBuf>, CodecError> {
        match Packet::decode_with(bytes, &self.limits) {
            Ok((packet, _)) => {
                let (header, len) = (packet.header(), packet.encoded_len());
                Ok(Some(PacketBuf { header, bytes: bytes.split_to(len).freeze() }))
            }
            Err(error) => match error.needed() {
                Some(more) => {
                    bytes.reserve(more);
                    Ok(None)
                }
                None => Err(CodecError::Decode(error)),
            },
        }
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<PacketBuf>, CodecError> {
        match self.decode(bytes)? {
            None if !bytes.is_empty() => match Packet::decode_with(bytes, &self.limits) {
                Err(error) => Err(CodecError::Decode(error)),
                Ok(_) => Ok(None),
            },
            packet => Ok(packet),
        }
    }
}

impl Encoder<Packet<'_>> for PacketCodec {
    type Error = CodecError;

    fn encode(&mut self, packet: Packet<'_>, bytes: &mut BytesMut) -> Result<(), CodecError> {
        bytes.reserve(packet.encoded_len());
        bytes.extend_from_slice(&packet.header().to_bytes());
        bytes.extend_from_slice(packet.payload());
        Ok(())
    }
}

impl Encoder<PacketBuf> for PacketCodec {
    type Error = CodecError;

    fn encode(&mut self, packet: PacketBuf, bytes: &mut BytesMut) -> Result<(), CodecError> {
        bytes.extend_from_slice(&packet.bytes);
        Ok(())
    }
}

impl CodecError {
    /// Returns whether the stream ended inside a packet.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        matches!(self, Self::Decode(error) if error.kind() == DecodeErrorKind::Truncated)
    }
}

/// `{}` does not print the [source](core::error::Error::source); `{:#}` prints it too.
impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Io(_) => f.write_str("the connection broke").and_then(|()| write_source(self, f)),
        }
    }
}

impl core::error::Error for CodecError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            // The text is that of the error inside, so its source is this one's.
            Self::Decode(error) => error.source(),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for CodecError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
