//! Packets that are not web requests. Each kind has a type that decodes and encodes it.
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
mod fields;
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
