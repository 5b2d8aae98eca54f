//! Options that several commands share, and the parsers of their values.

mod body;
mod headers;
mod pair;
mod server;
pub(crate) mod values;

pub(crate) use self::body::BodyArgs;
pub(crate) use self::headers::HeaderArgs;
pub(crate) use self::pair::{Pair, argument_start};
pub(crate) use self::server::{SERVER_VARIABLE, ServerArgs};
