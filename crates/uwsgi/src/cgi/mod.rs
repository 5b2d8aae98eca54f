//! Packets of vars as web requests: the keys that CGI knows, headers, targets, and what an encoder may write.

pub(crate) mod check;
pub(crate) mod control;
pub(crate) mod field_name;
pub(crate) mod forward;
pub(crate) mod headers;
pub(crate) mod host;
#[cfg(feature = "alloc")]
pub(crate) mod joined_values;
pub(crate) mod mount;
pub(crate) mod name;
pub(crate) mod percent;
pub(crate) mod policy;
pub(crate) mod repeated_headers;
pub(crate) mod request;
pub(crate) mod scheme;
pub(crate) mod target;
pub(crate) mod vars_encoder;
