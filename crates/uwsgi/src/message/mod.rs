//! Packets that are not HTTP requests, each decoded to and encoded from a type of its own.
//!
//! | message | modifier1 | modifier2 | payload |
//! |---|---|---|---|
//! | [`Ping`], [`Pong`] | 100 | any, 1 | none, or a warning text |
//! | [`Echo`] | 101 | any | raw |
//! | [`Signal`] | 110 | the signal's number | none |
//! | [`SpoolTask`] | 17 | any | vars |
//! | [`Reply`] to a signal or a task | 255 | 1 accepted, 0 refused | none |
//! | [`RpcCall`], [`RpcAnswer`] | 173 | 0 or 1, 0 or 5 | array, raw or vars |
//! | [`CacheRequest`], [`CacheAnswer`] | 111 | 17 | vars, then a value |
//! | [`CacheUpdate`], [`CacheDelete`] | 111 | 10, 11 | array |
//! | [`Subscription`] | 224 | 0 joins, any other leaves | vars |

mod cache;
mod echo;
mod error;
mod ping;
mod reply;
mod rpc;
mod signal;
mod spooler;
mod subscription;

pub use cache::{CacheAnswer, CacheCommand, CacheDelete, CacheRequest, CacheUpdate};
pub use echo::Echo;
pub use error::MessageError;
pub use ping::{Ping, Pong};
pub use reply::Reply;
pub use rpc::{RpcAnswer, RpcCall, RpcCallEncoder, RpcMode};
pub use signal::Signal;
pub use spooler::SpoolTask;
pub use subscription::{Signature, Subscription, SubscriptionCommand, SubscriptionEncoder};

use crate::wire::buffer::Buffer;
use crate::wire::decimal;
use crate::wire::encode::VarsEncoder;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// Refuses a packet of another kind.
fn expect(packet: &Packet<'_>, expected: Modifier1) -> Result<(), MessageError> {
    if packet.modifier1() == expected { Ok(()) } else { Err(MessageError::Modifier1 { expected }) }
}

/// [`expect`], with the one modifier2 that the message has.
fn expect_both(packet: &Packet<'_>, modifier1: Modifier1, modifier2: u8) -> Result<(), MessageError> {
    expect(packet, modifier1)?;
    match packet.modifier2() {
        found if found == modifier2 => Ok(()),
        found => Err(MessageError::Modifier2 { found }),
    }
}

/// The decimal number of a key; the last one where the key is repeated, as uWSGI's own cache client does.
fn number(vars: Vars<'_>, key: &'static str) -> Result<Option<u64>, MessageError> {
    match vars.get(key) {
        Some(text) => decimal::parse(text).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}

/// [`number`], below 256.
fn small_number(vars: Vars<'_>, key: &'static str) -> Result<Option<u8>, MessageError> {
    match number(vars, key)? {
        Some(number) => u8::try_from(number).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}

/// Writes a pair unless there is no value.
fn push_some<B: Buffer + ?Sized>(
    vars: &mut VarsEncoder<'_, B>,
    key: &str,
    value: Option<&[u8]>,
) -> Result<(), EncodeError> {
    value.map_or(Ok(()), |value| vars.push(key, value))
}

/// Writes a pair unless there is no number.
fn push_some_number<B: Buffer + ?Sized>(
    vars: &mut VarsEncoder<'_, B>,
    key: &str,
    value: Option<u64>,
) -> Result<(), EncodeError> {
    value.map_or(Ok(()), |value| vars.push_number(key, value))
}
