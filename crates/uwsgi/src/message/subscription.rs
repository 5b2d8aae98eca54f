//! Subscriptions of backends to uWSGI's routers (core/subscription.c, uWSGI 2.0).

use crate::cgi::vars_encoder::VarsEncoder;
use crate::message::error::MessageError;
use crate::message::fields::{expect_modifier1, number, push_some, push_some_number, small_number};
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// Whether a backend joins or leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "modifier2 is 0, or another number")]
pub enum SubscriptionCommand {
    /// modifier2 0: the backend serves the key. uWSGI sends this every 10 seconds. A router forgets the backend after 17
    /// seconds without it.
    Join,
    /// Any other modifier2: the backend no longer serves the key.
    Leave,
}

/// A subscription of a backend (UDP): which requests it serves, where it listens, and its share of the load.
///
/// One datagram is one packet of at most 4096 bytes. There is no answer.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::{Subscription, SubscriptionCommand};
///
/// let mut buffer = [0; 256];
/// let mut join = Subscription::new(SubscriptionCommand::Join, b"example.com", b"127.0.0.1:4050");
/// join.weight = Some(3);
/// let bytes = join.encode(&mut buffer[..])?;
/// assert_eq!(Subscription::decode(&Packet::decode(bytes)?.0)?, join);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Subscription<'a> {
    /// modifier2: whether the backend joins or leaves. The signature does not cover it.
    pub command: SubscriptionCommand,
    /// `key`: what the backend serves, such as `host`, `host:port` or `host/path`. Routers compare its bytes. At most 255
    /// bytes.
    pub key: &'a [u8],
    /// `address`: where the backend listens. At most 255 bytes.
    pub address: &'a [u8],
    /// `modifier1`: the modifier1 of the packets that the router sends to the backend.
    pub modifier1: Option<Modifier1>,
    /// `modifier2`: the modifier2 of these packets.
    pub modifier2: Option<u8>,
    /// `cores`: how many requests the backend serves at once.
    pub cores: Option<u64>,
    /// `load`: how many requests the backend serves now.
    pub load: Option<u64>,
    /// `weight`: the backend's share of the requests. Routers read 0 as 1.
    pub weight: Option<u64>,
    /// `backup`: the backend's level as a backup; a router uses it when no backend of a lower level is left.
    pub backup: Option<u64>,
    /// `vassal`: the vassal that the emperor starts on demand.
    pub vassal: Option<&'a [u8]>,
    /// `sni_key`: the path, on the router, of a private key.
    pub sni_key: Option<&'a [u8]>,
    /// `sni_crt`: the path, on the router, of a certificate.
    pub sni_crt: Option<&'a [u8]>,
    /// `sni_ca`: the path, on the router, of a client CA.
    pub sni_ca: Option<&'a [u8]>,
    /// `proto`: the protocol of the backend. A value that begins with `h` is HTTP.
    pub proto: Option<&'a [u8]>,
    /// `algo`: how the router chooses a backend: `wrr`, `lrc`, `wlrc` or `iphash`.
    pub algo: Option<&'a [u8]>,
    /// `inactive`: uWSGI sends it, and no known program reads it.
    pub inactive: Option<u64>,
    /// `notify`: the Unix datagram socket that the router notifies.
    pub notify: Option<&'a [u8]>,
    /// `clear` 1: the router forgets every backend of the key.
    pub clear: bool,
    /// `unix`: the Unix time in seconds, so that a signature cannot be used again.
    pub unix: Option<u64>,
    /// `sign`, the last pair, and the bytes that it covers. [`encode`](Self::encode) does not write it.
    pub signature: Option<Signature<'a>>,
}

/// The signature of a subscription. The caller makes it and checks it: this crate has no cryptography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a signature and what it covers")]
pub struct Signature<'a> {
    /// The bytes that the signature covers: all pairs before it, without the packet's header.
    pub signed: &'a [u8],
    /// The signature itself. uWSGI uses RSA with SHA-1 by default.
    pub sign: &'a [u8],
}

impl<'a> Subscription<'a> {
    /// The length of the longest key or address in bytes. If a key is longer, uWSGI 2.0 writes past the end of a buffer.
    pub const MAX_NAME: usize = 255;

    /// The length of the longest subscription in bytes. uWSGI's routers read no more of a datagram, and use the bytes that they
    /// have read as if they were all (plugins/corerouter, uWSGI 2.0).
    pub const MAX_DATAGRAM: usize = 4096;

    /// Makes a subscription with a key and an address only.
    #[must_use]
    pub const fn new(command: SubscriptionCommand, key: &'a [u8], address: &'a [u8]) -> Self {
        Self {
            command,
            key,
            address,
            modifier1: None,
            modifier2: None,
            cores: None,
            load: None,
            weight: None,
            backup: None,
            vassal: None,
            sni_key: None,
            sni_crt: None,
            sni_ca: None,
            proto: None,
            algo: None,
            inactive: None,
            notify: None,
            clear: false,
            unix: None,
            signature: None,
        }
    }

    /// Decodes a packet. Unknown keys do not count.
    ///
    /// uWSGI 2.0 accepts any modifier1, and malformed pairs after `key` and `address`. This function refuses both.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`], [`Decode`](MessageError::Decode), [`Missing`](MessageError::Missing) for `key`
    /// and `address`, [`Invalid`](MessageError::Invalid), or [`SignNotLast`](MessageError::SignNotLast).
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::SUBSCRIPTION)?;
        let vars = packet.vars()?;
        let command = match packet.modifier2() {
            0 => SubscriptionCommand::Join,
            _ => SubscriptionCommand::Leave,
        };
        Ok(Self {
            modifier1: small_number(vars, "modifier1")?.map(Modifier1),
            modifier2: small_number(vars, "modifier2")?,
            cores: number(vars, "cores")?,
            load: number(vars, "load")?,
            weight: number(vars, "weight")?,
            backup: number(vars, "backup")?,
            vassal: vars.get("vassal"),
            sni_key: vars.get("sni_key"),
            sni_crt: vars.get("sni_crt"),
            sni_ca: vars.get("sni_ca"),
            proto: vars.get("proto"),
            algo: vars.get("algo"),
            inactive: number(vars, "inactive")?,
            notify: vars.get("notify"),
            clear: number(vars, "clear")? == Some(1),
            unix: number(vars, "unix")?,
            signature: signature(vars)?,
            ..Self::new(command, name(vars, "key")?, name(vars, "address")?)
        })
    }

    /// Checks the key and the address as [`decode`](Self::decode) does: neither may be empty or longer than
    /// [`MAX_NAME`](Self::MAX_NAME) bytes. [`encode`](Self::encode) does not check them.
    ///
    /// ```
    /// use uwsgi::message::{MessageError, Subscription, SubscriptionCommand};
    ///
    /// let join = Subscription::new(SubscriptionCommand::Join, b"", b"127.0.0.1:4050");
    /// assert_eq!(join.check_names(), Err(MessageError::Invalid { key: "key" }));
    /// ```
    ///
    /// # Errors
    ///
    /// [`MessageError::Invalid`] for `key` or `address`.
    pub fn check_names(&self) -> Result<(), MessageError> {
        check_name("key", self.key)?;
        check_name("address", self.address)
    }

    /// Writes the packet without a signature.
    ///
    /// # Errors
    ///
    /// As [`VarsEncoder::push`].
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        self.begin(buffer)?.finish()
    }

    /// Writes all pairs but the signature, so that the caller can sign them.
    ///
    /// ```
    /// # use uwsgi::Packet;
    /// # use uwsgi::message::{Signature, Subscription, SubscriptionCommand};
    /// # fn sign(bytes: &[u8]) -> [u8; 2] { [bytes.len() as u8, 0] }
    /// let mut buffer = [0; 256];
    /// let mut join = Subscription::new(SubscriptionCommand::Join, b"example.com", b"127.0.0.1:4050");
    /// join.unix = Some(1_795_176_556);
    /// let unsigned = join.begin(&mut buffer[..])?;
    /// let signature = sign(unsigned.signed());
    /// let (packet, _) = Packet::decode(unsigned.finish_signed(&signature)?)?;
    /// let arrived = Subscription::decode(&packet)?.signature.unwrap();
    /// assert_eq!(sign(arrived.signed), arrived.sign);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`VarsEncoder::push`].
    pub fn begin<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<SubscriptionEncoder<'b, B>, EncodeError> {
        let mut vars = VarsEncoder::new(buffer);
        // uWSGI 2.0 sends them in this order.
        vars.push("key", self.key)?;
        vars.push("address", self.address)?;
        push_some_number(&mut vars, "modifier1", self.modifier1.map(|number| number.0.into()))?;
        push_some_number(&mut vars, "modifier2", self.modifier2.map(u64::from))?;
        push_some_number(&mut vars, "cores", self.cores)?;
        push_some_number(&mut vars, "load", self.load)?;
        push_some_number(&mut vars, "weight", self.weight)?;
        push_some_number(&mut vars, "backup", self.backup)?;
        push_some(&mut vars, "vassal", self.vassal)?;
        push_some(&mut vars, "sni_key", self.sni_key)?;
        push_some(&mut vars, "sni_crt", self.sni_crt)?;
        push_some(&mut vars, "sni_ca", self.sni_ca)?;
        push_some(&mut vars, "proto", self.proto)?;
        push_some(&mut vars, "algo", self.algo)?;
        push_some_number(&mut vars, "inactive", self.inactive)?;
        push_some(&mut vars, "notify", self.notify)?;
        push_some_number(&mut vars, "clear", self.clear.then_some(1))?;
        push_some_number(&mut vars, "unix", self.unix)?;
        Ok(SubscriptionEncoder { vars, command: self.command })
    }
}

/// A subscription that is written except for its signature; from [`Subscription::begin`].
#[derive(Debug)]
pub struct SubscriptionEncoder<'b, B: Buffer + ?Sized> {
    vars: VarsEncoder<'b, B>,
    command: SubscriptionCommand,
}

impl<'b, B: Buffer + ?Sized> SubscriptionEncoder<'b, B> {
    /// Returns the bytes to sign.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        self.vars.payload()
    }

    /// Completes the packet without a signature.
    ///
    /// # Errors
    ///
    /// As [`VarsEncoder::finish`].
    pub fn finish(self) -> Result<&'b [u8], EncodeError> {
        let modifier2 = match self.command {
            SubscriptionCommand::Join => 0,
            SubscriptionCommand::Leave => 1,
        };
        self.vars.finish(Modifier1::SUBSCRIPTION, modifier2)
    }

    /// Completes the packet with `sign` as its last pair. Receivers accept a signature only there.
    ///
    /// # Errors
    ///
    /// As [`VarsEncoder::push`].
    pub fn finish_signed(mut self, sign: &[u8]) -> Result<&'b [u8], EncodeError> {
        self.vars.push("sign", sign)?;
        self.finish()
    }
}

/// Returns the key or the address of a packet, which must be there and pass [`check_name`].
fn name<'a>(vars: Vars<'a>, key: &'static str) -> Result<&'a [u8], MessageError> {
    let name = vars.get(key).ok_or(MessageError::Missing { key })?;
    check_name(key, name).map(|()| name)
}

/// Refuses a key or an address that is empty, or too long for the receivers.
const fn check_name(key: &'static str, name: &[u8]) -> Result<(), MessageError> {
    if name.is_empty() || name.len() > Subscription::MAX_NAME { Err(MessageError::Invalid { key }) } else { Ok(()) }
}

/// Returns the signature and the bytes that it covers. It refuses a `sign` that is not the last pair, because a receiver would
/// check the wrong bytes.
fn signature(vars: Vars<'_>) -> Result<Option<Signature<'_>>, MessageError> {
    let mut pairs = vars.iter();
    while let Some((key, sign)) = pairs.next() {
        if key == b"sign" {
            if pairs.len() != 0 {
                return Err(MessageError::SignNotLast);
            }
            let pair = key.len().saturating_add(sign.len()).saturating_add(4);
            let covered = vars.as_bytes().len().saturating_sub(pair);
            let signed = vars.as_bytes().get(..covered).unwrap_or_default();
            return Ok(Some(Signature { signed, sign }));
        }
    }
    Ok(None)
}
