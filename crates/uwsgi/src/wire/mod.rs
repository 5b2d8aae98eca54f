//! Packets as bytes: headers, pairs, items, their limits and their errors. What a key means is up to `cgi`.

pub(crate) mod array;
pub(crate) mod array_encoder;
pub(crate) mod buffer;
pub(crate) mod control_bytes;
pub(crate) mod decimal;
pub(crate) mod draft;
pub(crate) mod error;
pub(crate) mod grammar;
pub(crate) mod header;
pub(crate) mod lengths;
pub(crate) mod limits;
pub(crate) mod modifier;
pub(crate) mod packet;
pub(crate) mod source;
pub(crate) mod unfinished;
pub(crate) mod vars;
