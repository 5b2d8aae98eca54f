//! Writes heads of answers that every front end reads in the same way.

use core::fmt;

use crate::http::connection::passes;
use crate::http::content_length::{content_length, has_no_length};
use crate::http::token::{is_control, position_outside_token};
use crate::http::upgrade::Protocols;
use crate::wire::buffer::Buffer;
use crate::wire::decimal::Decimal;
use crate::wire::draft::Draft;

/// Writes the head of an answer: `HTTP/1.1 ddd reason`, header lines and an empty line. All lines end in CR LF.
///
/// The head has a status line, because Apache reads no other style; nginx and lighttpd read it too. There is always a space
/// after the three digits.
///
/// The encoder refuses what front ends read in different ways: a second Content-Length, Transfer-Encoding, other headers about
/// a connection (PEP 3333 forbids them to WSGI applications), control bytes, and 1xx except 101. A refused line changes
/// nothing. With 101 and 204 it accepts a Content-Length and does not write it. An encoder that is dropped without
/// [`finish`](Self::finish) removes what it wrote from an `ArrayVec` or a `Vec`.
///
/// ```
/// use uwsgi::response::{ResponseEncoder, RefusedLine};
///
/// let mut buffer = [0; 128];
/// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
/// head.push("Content-Type", "text/plain")?;
/// head.push_length(5)?;
/// assert_eq!(head.push("Connection", "close"), Err(RefusedLine::HopByHop));
/// let head = head.finish()?;
/// assert_eq!(head.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
/// # Ok::<(), uwsgi::response::RefusedLine>(())
/// ```
#[derive(Debug)]
pub struct ResponseEncoder<'b, B: Buffer + ?Sized> {
    draft: Draft<'b, B>,
    status: u16,
    length: Option<u64>,
    upgrade: Protocols,
}

/// A head that [`ResponseEncoder::finish`] has written: its bytes, and what they say about the body.
///
/// Only a [`ResponseEncoder`] makes one, so every front end reads it in the same way, and its status and its length are those
/// of its bytes. [`Respond::head`](crate::server::Respond::head) takes only such a head.
///
/// ```
/// use uwsgi::response::ResponseEncoder;
///
/// let mut buffer = [0; 64];
/// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
/// head.push_length(5)?;
/// let head = head.finish()?;
/// assert_eq!((head.status(), head.content_length()), (200, Some(5)));
/// assert_eq!(head.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
/// # Ok::<(), uwsgi::response::RefusedLine>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodedHead<'b> {
    bytes: &'b [u8],
    status: u16,
    length: Option<u64>,
    upgrade: Protocols,
}

impl<'b> EncodedHead<'b> {
    /// Returns the bytes, to the end of the empty line.
    #[must_use]
    pub const fn as_bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Returns the status: 101, or 200 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the length that was given, even if it was not written.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the protocols in the `Upgrade` of the head.
    pub(crate) const fn upgrade(&self) -> &Protocols {
        &self.upgrade
    }
}

/// Why a line is refused in the head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedLine {
    /// The buffer has no room for the line.
    BufferFull,
    /// A header about the connection, which only the server may write; `Upgrade` outside of a 101.
    HopByHop,
    /// A Content-Length that is not a number.
    InvalidLength,
    /// A name that is not a token (RFC 9110 section 5.6.2).
    Name,
    /// A reason with a control byte other than a tab.
    Reason,
    /// A second Content-Length.
    SecondLength,
    /// The header `Status`, which lighttpd prefers to the status line.
    StatusHeader,
    /// A status under 200 other than 101, because front ends would read an interim answer as the final one; or one over 999.
    Status,
    /// A value with a control byte other than a tab.
    Value,
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferFull => "the head does not fit into the buffer",
            Self::HopByHop => "the header is about the connection, which is the server's",
            Self::InvalidLength => "Content-Length is not a decimal number of at most 64 bits",
            Self::Name => "the header's name is no token",
            Self::Reason => "the reason has a control byte in it",
            Self::SecondLength => "a second Content-Length",
            Self::Status => "the status is not 101 or 200 to 999",
            Self::StatusHeader => "the header Status would be another status to some front ends",
            Self::Value => "the header's value has a control byte in it",
        })
    }
}

impl core::error::Error for RefusedLine {}

impl<'b, B: Buffer + ?Sized> ResponseEncoder<'b, B> {
    /// Begins a head with this status, at the start of a slice, or at the end of an `ArrayVec` or a `Vec`. The reason may have
    /// bytes above ASCII (RFC 9112 section 4).
    ///
    /// # Errors
    ///
    /// [`RefusedLine::Status`], [`RefusedLine::Reason`] or [`RefusedLine::BufferFull`].
    pub fn new<R>(buffer: &'b mut B, status: u16, reason: &R) -> Result<Self, RefusedLine>
    where
        R: AsRef<[u8]> + ?Sized,
    {
        let reason = reason.as_ref();
        if status != 101 && !(200..=999).contains(&status) {
            return Err(RefusedLine::Status);
        }
        if reason.iter().copied().any(is_control) {
            return Err(RefusedLine::Reason);
        }
        let mut head = Self { draft: Draft::new(buffer), status, length: None, upgrade: Protocols::NONE };
        let code = Decimal::new(status.into());
        head.append([b"HTTP/1.1 ", code.as_ref(), b" ", reason, b"\r\n"])?;
        Ok(head)
    }

    /// Writes one header.
    ///
    /// # Errors
    ///
    /// [`RefusedLine`].
    pub fn push<N, V>(&mut self, name: &N, value: &V) -> Result<(), RefusedLine>
    where
        N: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.is_empty() || position_outside_token(name).is_some() {
            return Err(RefusedLine::Name);
        }
        if value.iter().copied().any(is_control) {
            return Err(RefusedLine::Value);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            return match content_length(value) {
                Ok(Some(length)) => self.push_length(length),
                Ok(None) | Err(_) => Err(RefusedLine::InvalidLength),
            };
        }
        if name.eq_ignore_ascii_case(b"status") {
            return Err(RefusedLine::StatusHeader);
        }
        if !passes(name, self.status) {
            return Err(RefusedLine::HopByHop);
        }
        self.append([name, b": ", value, b"\r\n"])?;
        if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade.add(value);
        }
        Ok(())
    }

    /// Writes `Content-Length`, once. With the status 101 or 204 the length is accepted and not written: an answer with such a
    /// status must not have one (RFC 9110 section 8.6), but some applications give one.
    ///
    /// ```
    /// # use uwsgi::response::ResponseEncoder;
    /// let mut buffer = [0; 64];
    /// let mut head = ResponseEncoder::new(&mut buffer[..], 204, "No Content")?;
    /// head.push_length(0)?;
    /// assert_eq!(head.finish()?.as_bytes(), b"HTTP/1.1 204 No Content\r\n\r\n");
    /// # Ok::<(), uwsgi::response::RefusedLine>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RefusedLine::SecondLength`] or [`RefusedLine::BufferFull`].
    pub fn push_length(&mut self, length: u64) -> Result<(), RefusedLine> {
        if self.length.is_some() {
            return Err(RefusedLine::SecondLength);
        }
        if !has_no_length(self.status) {
            self.append([b"Content-Length: ", Decimal::new(length).as_ref(), b"\r\n"])?;
        }
        self.length = Some(length);
        Ok(())
    }

    /// Returns the length that was given, even if it was not written.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.length
    }

    /// Writes the empty line and returns the head, whose bytes live as long as the buffer.
    ///
    /// # Errors
    ///
    /// [`RefusedLine::BufferFull`].
    pub fn finish(mut self) -> Result<EncodedHead<'b>, RefusedLine> {
        self.append([b"\r\n"])?;
        let (status, length, upgrade) = (self.status, self.length, self.upgrade);
        Ok(EncodedHead { bytes: self.draft.keep(), status, length, upgrade })
    }

    fn append<const N: usize>(&mut self, pieces: [&[u8]; N]) -> Result<(), RefusedLine> {
        if self.draft.append(pieces) { Ok(()) } else { Err(RefusedLine::BufferFull) }
    }
}
