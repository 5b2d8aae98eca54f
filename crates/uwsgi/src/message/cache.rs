//! The cache, over TCP and over UDP (plugins/cache and core/cache.c, uWSGI 2.0).
//!
//! Only requests with modifier2 17 work. To the others (0 to 6) uWSGI does not answer, or it sends four bytes of a pointer
//! instead of a header.

use core::time::Duration;

use crate::cgi::vars_encoder::VarsEncoder;
use crate::message::error::MessageError;
use crate::message::fields::{expect_modifiers, number, push_some, push_some_number};
use crate::wire::array_encoder::ArrayEncoder;
use crate::wire::buffer::Buffer;
use crate::wire::decimal;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;

/// What a request tells a cache to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheCommand {
    /// Forget all keys. For every cache, uWSGI 2.0 uses the length of its default cache.
    Clear,
    /// Forget one key.
    Del,
    /// Return whether a key exists.
    Exists,
    /// Return the value of a key.
    Get,
    /// Store a value unless the key has one.
    Set,
    /// Store a value, and replace the one that the key has.
    Update,
}

impl CacheCommand {
    /// Returns the command as the value of `cmd`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Del => "del",
            Self::Exists => "exists",
            Self::Get => "get",
            Self::Set => "set",
            Self::Update => "update",
        }
    }

    /// Whether a close without an answer is a usual result: the key does not exist, or it has a value already. uWSGI also
    /// closes without an answer if the cache does not exist. After `clear` and `update` such a close is a failure.
    ///
    /// ```
    /// use uwsgi::message::CacheCommand;
    ///
    /// assert!(CacheCommand::Get.silence_is_no());
    /// assert!(!CacheCommand::Update.silence_is_no());
    /// ```
    #[must_use]
    pub const fn silence_is_no(self) -> bool {
        match self {
            Self::Del | Self::Exists | Self::Get | Self::Set => true,
            Self::Clear | Self::Update => false,
        }
    }

    const fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"clear" => Some(Self::Clear),
            b"del" => Some(Self::Del),
            b"exists" => Some(Self::Exists),
            b"get" => Some(Self::Get),
            b"set" => Some(Self::Set),
            b"update" => Some(Self::Update),
            _ => None,
        }
    }
}

/// A request to a cache (modifier2 17). With set and update, a value of `size` bytes follows the packet.
///
/// ```
/// use uwsgi::message::{CacheCommand, CacheRequest};
///
/// let mut buffer = [0; 64];
/// let request = CacheRequest::new(CacheCommand::Get).with_key(b"k1");
/// assert_eq!(request.encode(&mut buffer[..])?, b"\x6f\x13\x00\x11\x03\x00cmd\x03\x00get\x03\x00key\x02\x00k1");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CacheRequest<'a> {
    /// `cmd`: what to do.
    pub command: CacheCommand,
    /// `key`: the key of the value. Every command but clear needs it.
    pub key: Option<&'a [u8]>,
    /// `size`: the length of the value that follows the packet.
    pub size: Option<u64>,
    /// `expires`: for how many seconds the value is valid.
    pub expires: Option<u64>,
    /// `cache`: the name of the cache; `None` for the default one.
    pub cache: Option<&'a [u8]>,
}

impl<'a> CacheRequest<'a> {
    /// Makes a request with a command only.
    #[must_use]
    pub const fn new(command: CacheCommand) -> Self {
        Self { command, key: None, size: None, expires: None, cache: None }
    }

    /// Sets the key.
    #[must_use]
    pub const fn with_key(self, key: &'a [u8]) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Sets for how long the value is valid. uWSGI counts whole seconds, so a part of a second counts as one.
    ///
    /// To uWSGI, 0 seconds mean forever, so a time of 0 becomes 1 second. uWSGI adds the seconds to the time of day. A sum that
    /// does not fit into 64 bits would be in the past, so this method sets at most 2^63 - 1 seconds (`uwsgi_cache_set2`,
    /// core/cache.c, uWSGI 2.0.31).
    ///
    /// ```
    /// use core::time::Duration;
    /// use uwsgi::message::{CacheCommand, CacheRequest};
    ///
    /// let set = CacheRequest::new(CacheCommand::Set).with_key(b"k1");
    /// assert_eq!(set.with_expires(Duration::from_millis(1500)).expires, Some(2));
    /// assert_eq!(set.with_expires(Duration::ZERO).expires, Some(1));
    /// ```
    #[must_use]
    pub fn with_expires(self, time: Duration) -> Self {
        let part_of_one = u64::from(time.subsec_nanos() > 0);
        let seconds = time.as_secs().saturating_add(part_of_one).clamp(1, u64::MAX >> 1);
        Self { expires: Some(seconds), ..self }
    }

    /// Decodes a packet.
    ///
    /// uWSGI's own client sends `size` twice; the last one counts.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), [`Decode`](MessageError::Decode),
    /// [`Missing`](MessageError::Missing) or [`Invalid`](MessageError::Invalid).
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifiers(packet, Modifier1::CACHE, 17)?;
        let vars = packet.vars()?;
        let command = vars.get("cmd").ok_or(MessageError::Missing { key: "cmd" })?;
        let command = CacheCommand::named(command).ok_or(MessageError::Invalid { key: "cmd" })?;
        let key = vars.get("key");
        if key.is_none() && command != CacheCommand::Clear {
            return Err(MessageError::Missing { key: "key" });
        }
        let (size, expires) = (number(vars, "size")?, number(vars, "expires")?);
        if size.is_none() && matches!(command, CacheCommand::Set | CacheCommand::Update) {
            return Err(MessageError::Missing { key: "size" });
        }
        Ok(Self { command, key, size, expires, cache: vars.get("cache") })
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// As [`VarsEncoder::push`].
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let mut vars = VarsEncoder::new(buffer);
        vars.push("cmd", self.command.as_str())?;
        push_some(&mut vars, "key", self.key)?;
        push_some_number(&mut vars, "size", self.size)?;
        push_some_number(&mut vars, "expires", self.expires)?;
        push_some(&mut vars, "cache", self.cache)?;
        vars.finish(Modifier1::CACHE, 17)
    }
}

/// The answer to a [`CacheRequest`] that succeeded. After every failure uWSGI closes without an answer.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::CacheAnswer;
///
/// let bytes = b"\x6f\x15\x00\x11\x06\x00status\x02\x00ok\x04\x00size\x01\x002v1";
/// let (packet, value) = Packet::decode(bytes)?;
/// assert_eq!(CacheAnswer::decode(&packet)?.size, Some(2));
/// assert_eq!(value, b"v1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs, reason = "uWSGI sends these two with its status")]
pub struct CacheAnswer {
    /// `size`: the length of the value that follows the packet.
    pub size: Option<u64>,
    /// `expires`: the Unix time in seconds until which the value is valid.
    pub expires: Option<u64>,
}

impl CacheAnswer {
    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), [`Decode`](MessageError::Decode),
    /// [`Missing`](MessageError::Missing) or [`Invalid`](MessageError::Invalid). A `status` other than `ok` is invalid: uWSGI's
    /// documentation has others, but no known server sends them.
    pub fn decode(packet: &Packet<'_>) -> Result<Self, MessageError> {
        expect_modifiers(packet, Modifier1::CACHE, 17)?;
        let vars = packet.vars()?;
        match vars.get("status") {
            Some(b"ok") => Ok(Self { size: number(vars, "size")?, expires: number(vars, "expires")? }),
            Some(_) => Err(MessageError::Invalid { key: "status" }),
            None => Err(MessageError::Missing { key: "status" }),
        }
    }

    /// Writes the packet. The caller writes the value, which follows it.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let mut vars = VarsEncoder::new(buffer);
        vars.push("status", "ok")?;
        push_some_number(&mut vars, "size", self.size)?;
        push_some_number(&mut vars, "expires", self.expires)?;
        vars.finish(Modifier1::CACHE, 17)
    }
}

/// A value that another node stored (UDP, modifier2 10). One datagram is one packet.
///
/// ```
/// use uwsgi::message::CacheUpdate;
///
/// let mut buffer = [0; 32];
/// let update = CacheUpdate { key: b"k1", value: b"v1", expires: 0 };
/// assert_eq!(update.encode(&mut buffer[..])?, b"\x6f\x0b\x00\x0a\x02\x00k1\x02\x00v1\x01\x000");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "an array of these three")]
pub struct CacheUpdate<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// The Unix time in seconds until which the value is valid; 0 means forever.
    pub expires: u64,
}

impl<'a> CacheUpdate<'a> {
    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), [`Decode`](MessageError::Decode),
    /// [`Missing`](MessageError::Missing), [`Invalid`](MessageError::Invalid) or
    /// [`TooManyItems`](MessageError::TooManyItems).
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifiers(packet, Modifier1::CACHE, 10)?;
        let mut items = packet.array()?.iter();
        let mut next = |key| items.next().ok_or(MessageError::Missing { key });
        let (key, value, expires) = (next("key")?, next("value")?, next("expires")?);
        if items.next().is_some() {
            return Err(MessageError::TooManyItems { most: 3 });
        }
        let expires = decimal::parse(expires).map_err(|_| MessageError::Invalid { key: "expires" })?;
        Ok(Self { key, value, expires })
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push`].
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let mut items = ArrayEncoder::new(buffer);
        items.push(self.key)?;
        items.push(self.value)?;
        items.push_number(self.expires)?;
        items.finish(Modifier1::CACHE, 10)
    }
}

/// A key that another node forgot (UDP, modifier2 11). One datagram is one packet.
///
/// uWSGI 2.0 drops such packets from another uWSGI, because it expects two bytes more than it sends.
/// [`encode_for_uwsgi`](Self::encode_for_uwsgi) writes these two bytes, so that uWSGI forgets the key.
///
/// ```
/// use uwsgi::message::CacheDelete;
///
/// let mut buffer = [0; 32];
/// assert_eq!(CacheDelete { key: b"k1" }.encode(&mut buffer[..])?, b"\x6f\x04\x00\x0b\x02\x00k1");
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "an array of this one")]
pub struct CacheDelete<'a> {
    /// The key.
    pub key: &'a [u8],
}

impl<'a> CacheDelete<'a> {
    /// Decodes a packet, with or without the two bytes that uWSGI needs.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Modifier2`](MessageError::Modifier2), [`Decode`](MessageError::Decode),
    /// [`Missing`](MessageError::Missing) or [`TooManyItems`](MessageError::TooManyItems).
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifiers(packet, Modifier1::CACHE, 11)?;
        let mut items = packet.array()?.iter();
        let key = items.next().ok_or(MessageError::Missing { key: "key" })?;
        match (items.next(), items.next()) {
            (None | Some([]), None) => Ok(Self { key }),
            _ => Err(MessageError::TooManyItems { most: 1 }),
        }
    }

    /// Writes the packet as uWSGI sends it.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push`].
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let mut items = ArrayEncoder::new(buffer);
        items.push(self.key)?;
        items.finish(Modifier1::CACHE, 11)
    }

    /// Writes the packet with an empty item after the key, so that uWSGI 2.0 obeys it.
    ///
    /// # Errors
    ///
    /// As [`ArrayEncoder::push`].
    pub fn encode_for_uwsgi<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        let mut items = ArrayEncoder::new(buffer);
        items.push(self.key)?;
        items.push("")?;
        items.finish(Modifier1::CACHE, 11)
    }
}
