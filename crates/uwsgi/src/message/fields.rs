//! Helps to decode and encode messages: modifiers, numbers, and pairs that may be missing.

use crate::cgi::vars_encoder::VarsEncoder;
use crate::message::error::MessageError;
use crate::wire::buffer::Buffer;
use crate::wire::decimal;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// Refuses a packet with another modifier1.
pub(super) fn expect_modifier1(packet: &Packet<'_>, expected: Modifier1) -> Result<(), MessageError> {
    if packet.modifier1() == expected { Ok(()) } else { Err(MessageError::Modifier1 { expected }) }
}

/// Refuses a packet with another modifier1 or modifier2.
pub(super) fn expect_modifiers(packet: &Packet<'_>, modifier1: Modifier1, modifier2: u8) -> Result<(), MessageError> {
    expect_modifier1(packet, modifier1)?;
    match packet.modifier2() {
        found if found == modifier2 => Ok(()),
        found => Err(MessageError::Modifier2 { found }),
    }
}

/// Returns the decimal number of a key. If the key is repeated, the last number counts; uWSGI's own cache client repeats one.
pub(super) fn number(vars: Vars<'_>, key: &'static str) -> Result<Option<u64>, MessageError> {
    match vars.get(key) {
        Some(text) => decimal::parse(text).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}

/// Returns the decimal number of a key, which must be below 256.
pub(super) fn small_number(vars: Vars<'_>, key: &'static str) -> Result<Option<u8>, MessageError> {
    match number(vars, key)? {
        Some(number) => u8::try_from(number).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}

/// Writes a pair if there is a value.
pub(super) fn push_some<B: Buffer + ?Sized>(
    vars: &mut VarsEncoder<'_, B>,
    key: &str,
    value: Option<&[u8]>,
) -> Result<(), EncodeError> {
    value.map_or(Ok(()), |value| vars.push(key, value))
}

/// Writes a pair if there is a number.
pub(super) fn push_some_number<B: Buffer + ?Sized>(
    vars: &mut VarsEncoder<'_, B>,
    key: &str,
    value: Option<u64>,
) -> Result<(), EncodeError> {
    value.map_or(Ok(()), |value| vars.push_number(key, value))
}
