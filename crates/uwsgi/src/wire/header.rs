//! The four bytes that begin every packet.

use core::fmt;

use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::modifier::Modifier1;

/// The header of a packet: modifier1, datasize (16 bits, little endian), modifier2 (`struct uwsgi_header`, uWSGI 2.0).
///
/// ```
/// use uwsgi::{Header, Modifier1};
///
/// let (header, rest) = Header::decode(&[0x00, 0x10, 0x00, 0x01, 0xff])?;
/// assert_eq!((header.modifier1, header.datasize, header.modifier2), (Modifier1::WSGI, 16, 1));
/// assert_eq!(rest, [0xff]);
/// assert_eq!(header.to_bytes(), [0x00, 0x10, 0x00, 0x01]);
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "four bytes on the wire have no room for a fourth field")]
pub struct Header {
    /// The kind of the packet, or the handler of a request.
    pub modifier1: Modifier1,
    /// The length of the payload in bytes. A request's body does not count.
    pub datasize: u16,
    /// A sub-command, or the result of an answer. Its meaning depends on modifier1.
    pub modifier2: u8,
}

impl Header {
    /// The length of a header in bytes.
    pub const LEN: usize = 4;

    /// Decodes four bytes. Any four bytes are a header.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        let [modifier1, low, high, modifier2] = bytes;
        Self { modifier1: Modifier1(modifier1), datasize: u16::from_le_bytes([low, high]), modifier2 }
    }

    /// Decodes the header at the start of `bytes`, and returns it with the bytes that follow it.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] when there are fewer than four bytes.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        match bytes.split_first_chunk() {
            Some((header, rest)) => Ok((Self::from_bytes(*header), rest)),
            None => Err(DecodeError::new(DecodeErrorKind::Truncated, 0, Self::LEN, bytes.len())),
        }
    }

    /// Returns the four bytes on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        let [low, high] = self.datasize.to_le_bytes();
        [self.modifier1.0, low, high, self.modifier2]
    }

    /// Returns the other protocol that these four bytes look like.
    ///
    /// This is advice for a log line: a well-formed packet may begin with the same bytes.
    ///
    /// ```
    /// use uwsgi::{Foreign, Header};
    ///
    /// assert_eq!(Header::from_bytes(*b"GET ").foreign(), Some(Foreign::Http));
    /// assert_eq!(Header::from_bytes([0x16, 0x03, 0x01, 0x02]).foreign(), Some(Foreign::Tls));
    /// assert_eq!(Header::from_bytes([0, 0x10, 0, 0]).foreign(), None);
    /// ```
    #[must_use]
    pub fn foreign(&self) -> Option<Foreign> {
        match &self.to_bytes() {
            // Methods of RFC 9110 section 9.3, RFC 5789 and RFC 4918, by their first four letters; and a response.
            b"GET " | b"HEAD" | b"POST" | b"PUT " | b"DELE" | b"OPTI" | b"CONN" | b"TRAC" | b"PATC" | b"PROP"
            | b"MKCO" | b"COPY" | b"MOVE" | b"LOCK" | b"UNLO" | b"HTTP" => Some(Foreign::Http),
            // RFC 9113 section 3.4: the connection preface.
            b"PRI " => Some(Foreign::Http2),
            // The PROXY protocol, section 2: version 1 is text, version 2 begins with CR LF CR LF.
            b"PROX" | b"\r\n\r\n" => Some(Foreign::Proxy),
            // RFC 8446 section 5.1: a handshake record of version 3.x.
            [0x16, 0x03, 0x00..=0x04, _] => Some(Foreign::Tls),
            // FastCGI section 3.3: version 1, FCGI_BEGIN_REQUEST or FCGI_GET_VALUES.
            [0x01, 0x01 | 0x09, _, _] => Some(Foreign::FastCgi),
            _ => None,
        }
    }
}

/// Another protocol that a peer speaks instead of uwsgi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Foreign {
    /// FastCGI.
    FastCgi,
    /// HTTP/1: a request, or a response.
    Http,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// The PROXY protocol, version 1 or 2.
    Proxy,
    /// TLS.
    Tls,
}

impl Foreign {
    /// Returns what to change so that the peer speaks uwsgi.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::FastCgi => "use uwsgi_pass, not fastcgi_pass, for this address",
            Self::Http => "use uwsgi_pass, not proxy_pass, for this address; a browser or curl needs an HTTP front end",
            Self::Http2 => "use uwsgi_pass, not grpc_pass, for this address",
            Self::Proxy => "switch the PROXY protocol off for this address",
            Self::Tls => "use uwsgi_pass with uwsgi://, not suwsgi:// or https://, for this address",
        }
    }
}

impl DecodeError {
    /// Changes the offset of an error in a block to the offset in the packet.
    #[cold]
    #[must_use]
    pub(crate) fn after_header(self) -> Self {
        match self.kind() {
            // The datasize begins at the second byte of the header.
            DecodeErrorKind::DatasizeLimit => self.shifted(1),
            _ => self.shifted(Header::LEN),
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FastCgi => "FastCGI",
            Self::Http => "HTTP",
            Self::Http2 => "HTTP/2",
            Self::Proxy => "the PROXY protocol",
            Self::Tls => "TLS",
        })
    }
}
