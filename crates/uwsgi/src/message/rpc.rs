//! Remote procedure calls (plugins/rpc and core/rpc.c, uWSGI 2.0).

use crate::cgi::vars_encoder::VarsEncoder;
use crate::message::error::MessageError;
use crate::message::fields::{expect_modifier1, expect_modifiers, number};
use crate::wire::array::{Array, Items};
use crate::wire::array_encoder::ArrayEncoder;
use crate::wire::buffer::Buffer;
use crate::wire::error::{DecodeError, EncodeError, EncodeErrorKind};
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// How the server sends the result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcMode {
    /// modifier2 0: in a packet, an [`RpcAnswer`].
    Packet,
    /// modifier2 1: as bytes without a header, and then a close.
    Raw,
}

/// A call: the name of a function, and its arguments.
///
/// With modifier2 2 or 3 the packet is a web request, which has the call in its `PATH_INFO` or its body: use
/// [`Request::decode`](crate::Request::decode).
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::RpcCall;
///
/// let (packet, _) = Packet::decode(b"\xad\x0e\x00\x00\x05\x00hello\x01\x00a\x02\x00bb")?;
/// let call = RpcCall::decode(&packet)?;
/// assert_eq!(call.name(), b"hello");
/// assert!(call.args().eq([&b"a"[..], b"bb"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RpcCall<'a> {
    mode: RpcMode,
    name: &'a [u8],
    args: Array<'a>,
}

impl<'a> RpcCall<'a> {
    /// The largest number of arguments that uWSGI reads. It reads at most 255 items of an array, and the first one is the name
    /// (plugins/rpc, uWSGI 2.0). It ignores the rest.
    pub const MAX_ARGS: usize = 254;

    /// Decodes a packet. Every argument counts, even an empty one.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), [`Decode`](MessageError::Decode), or
    /// [`Missing`](MessageError::Missing) if there is no name.
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        let mode = Self::mode_of(packet)?;
        Self::of_items(mode, packet.array()?.iter())
    }

    /// Decodes a packet as uWSGI does. uWSGI refuses an empty last argument. It skips other empty arguments, so the function
    /// gets fewer: see [`args_as_uwsgi`](Self::args_as_uwsgi).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`Decode`](MessageError::Decode) with
    /// [`EmptyItem`](crate::DecodeErrorKind::EmptyItem).
    ///
    /// ```
    /// # use uwsgi::Packet;
    /// # use uwsgi::message::RpcCall;
    /// let (packet, _) = Packet::decode(b"\xad\x0d\x00\x00\x05\x00hello\x00\x00\x02\x00bb")?;
    /// let call = RpcCall::decode_as_uwsgi(&packet)?;
    /// assert!(call.args_as_uwsgi().eq([&b"bb"[..]]));
    /// assert!(call.args().eq([&b""[..], b"bb"]));
    ///
    /// let (packet, _) = Packet::decode(b"\xad\x0c\x00\x00\x05\x00hello\x01\x00a\x00\x00")?;
    /// assert!(RpcCall::decode_as_uwsgi(&packet).is_err());
    /// assert!(RpcCall::decode(&packet).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode_as_uwsgi(packet: &Packet<'a>) -> Result<Self, MessageError> {
        let mode = Self::mode_of(packet)?;
        let array = Array::decode_as_uwsgi(packet.payload()).map_err(DecodeError::after_header)?;
        let mut items = array.iter();
        // uWSGI skips an empty name too, and uses the next item as the name.
        while items.rest().iter().next().is_some_and(<[u8]>::is_empty) {
            items.next();
        }
        Self::of_items(mode, items)
    }

    fn mode_of(packet: &Packet<'_>) -> Result<RpcMode, MessageError> {
        expect_modifier1(packet, Modifier1::RPC)?;
        match packet.modifier2() {
            0 => Ok(RpcMode::Packet),
            1 => Ok(RpcMode::Raw),
            found => Err(MessageError::Modifier2 { found }),
        }
    }

    fn of_items(mode: RpcMode, mut items: Items<'a>) -> Result<Self, MessageError> {
        let name = items.next().ok_or(MessageError::Missing { key: "name" })?;
        Ok(Self { mode, name, args: items.rest() })
    }

    /// Returns how the server sends the result.
    #[must_use]
    pub const fn mode(&self) -> RpcMode {
        self.mode
    }

    /// Returns the name of the function. In uWSGI it has at most 254 bytes.
    #[must_use]
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Returns the arguments. uWSGI reads at most 254 and ignores the rest.
    #[must_use]
    pub const fn args(&self) -> Items<'a> {
        self.args.iter()
    }

    /// Returns the arguments that a function in uWSGI gets: those that are not empty.
    pub fn args_as_uwsgi(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.args.as_uwsgi()
    }
}

/// Writes a call.
///
/// ```
/// use uwsgi::message::{RpcCallEncoder, RpcMode};
///
/// let mut buffer = [0; 32];
/// let mut call = RpcCallEncoder::new(&mut buffer[..], "hello")?;
/// call.push("a")?;
/// call.push("bb")?;
/// assert_eq!(call.finish(RpcMode::Packet)?, b"\xad\x0e\x00\x00\x05\x00hello\x01\x00a\x02\x00bb");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct RpcCallEncoder<'b, B: Buffer + ?Sized> {
    items: ArrayEncoder<'b, B>,
    /// How many arguments are written.
    args: usize,
}

impl<'b, B: Buffer + ?Sized> RpcCallEncoder<'b, B> {
    /// Begins a call of the function with this name.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push_as_uwsgi`]: an empty name is refused.
    pub fn new<N: AsRef<[u8]> + ?Sized>(buffer: &'b mut B, name: &N) -> Result<Self, EncodeError> {
        let mut items = ArrayEncoder::new(buffer);
        items.push_as_uwsgi(name)?;
        Ok(Self { items, args: 0 })
    }

    /// Writes one argument; it may be empty.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push`].
    pub fn push<A: AsRef<[u8]> + ?Sized>(&mut self, arg: &A) -> Result<(), EncodeError> {
        self.items.push(arg)?;
        self.args = self.args.saturating_add(1);
        Ok(())
    }

    /// Writes one argument that uWSGI reads. It refuses an empty argument, which uWSGI skips or refuses, and every argument
    /// after the first [`MAX_ARGS`](RpcCall::MAX_ARGS), which uWSGI ignores.
    ///
    /// ```
    /// use uwsgi::EncodeErrorKind;
    /// use uwsgi::message::{RpcCall, RpcCallEncoder};
    ///
    /// let mut buffer = Vec::new();
    /// let mut call = RpcCallEncoder::new(&mut buffer, "hello")?;
    /// for _ in 0..RpcCall::MAX_ARGS {
    ///     call.push_as_uwsgi("a")?;
    /// }
    /// assert_eq!(call.push_as_uwsgi("a").unwrap_err().kind(), EncodeErrorKind::TooManyArguments);
    /// # Ok::<(), uwsgi::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push_as_uwsgi`], and [`EncodeErrorKind::TooManyArguments`].
    pub fn push_as_uwsgi<A: AsRef<[u8]> + ?Sized>(&mut self, arg: &A) -> Result<(), EncodeError> {
        let with_this = self.args.saturating_add(1);
        if with_this > RpcCall::MAX_ARGS && !arg.as_ref().is_empty() {
            return Err(EncodeError::new(EncodeErrorKind::TooManyArguments, with_this, RpcCall::MAX_ARGS));
        }
        self.items.push_as_uwsgi(arg)?;
        self.args = with_this;
        Ok(())
    }

    /// Completes the header and returns the packet, whose bytes live as long as the buffer.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::finish`].
    pub fn finish(self, mode: RpcMode) -> Result<&'b [u8], EncodeError> {
        let modifier2 = match mode {
            RpcMode::Packet => 0,
            RpcMode::Raw => 1,
        };
        self.items.finish(Modifier1::RPC, modifier2)
    }
}

/// The answer to a call of [`RpcMode::Packet`].
///
/// If a function does not exist or has failed, uWSGI closes without an answer.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::RpcAnswer;
///
/// let bytes = b"\xad\x17\x00\x05\x0e\x00CONTENT_LENGTH\x05\x0070000";
/// assert_eq!(RpcAnswer::decode(&Packet::decode(bytes)?.0)?, RpcAnswer::Sized { length: 70000 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcAnswer<'a> {
    /// modifier2 0: the result is the payload.
    Inline {
        /// The result.
        result: &'a [u8],
    },
    /// modifier2 5: the result has over 65535 bytes and follows the packet.
    Sized {
        /// Its length in bytes. A peer may claim any length: allocate memory only for bytes that have come.
        length: u64,
    },
}

impl<'a> RpcAnswer<'a> {
    /// The key of the length of a sized answer.
    const LENGTH: &'static str = "CONTENT_LENGTH";

    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), and for the sized form
    /// [`Decode`](MessageError::Decode), [`Missing`](MessageError::Missing) or [`Invalid`](MessageError::Invalid).
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::RPC)?;
        if packet.modifier2() == 5 {
            let length = number(packet.vars()?, Self::LENGTH)?;
            return Ok(Self::Sized { length: length.ok_or(MessageError::Missing { key: Self::LENGTH })? });
        }
        expect_modifiers(packet, Modifier1::RPC, 0)?;
        Ok(Self::Inline { result: packet.payload() })
    }

    /// Writes the packet. The caller writes the bytes of a sized result, which follow it.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`], or
    /// [`DatasizeTooLarge`](crate::EncodeErrorKind::DatasizeTooLarge) for an inline result that must be a sized one.
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        match self {
            Self::Inline { result } => Packet::new(Modifier1::RPC, 0, result)?.encode(buffer),
            Self::Sized { length } => {
                let mut vars = VarsEncoder::new(buffer);
                vars.push_number(Self::LENGTH, *length)?;
                vars.finish(Modifier1::RPC, 5)
            }
        }
    }
}
