//! Converts between vars and requests of `http`.

mod headers;
pub(crate) mod more_vars;
pub(crate) mod mount;
mod received;
pub(crate) mod request;
pub(crate) mod vars;
pub(crate) mod vars_error;

pub use headers::remove_connection_headers;
