//! The names of headers as an encoder writes them.

use crate::http::token::position_outside_token;
use crate::wire::error::{EncodeError, EncodeErrorKind};

/// The first bytes of the key of every client header.
pub(crate) const PREFIX: &[u8] = b"HTTP_";

/// Refuses a name that is not a token, and a name with an underscore unless `underscores` allows it.
pub(crate) fn check(name: &[u8], underscores: bool) -> Result<(), EncodeError> {
    if name.is_empty() {
        return Err(EncodeError::new(EncodeErrorKind::HeaderName, 0, 0));
    }
    if let Some(at) = position_outside_token(name) {
        return Err(EncodeError::new(EncodeErrorKind::HeaderName, at, name.len()));
    }
    match name.iter().position(|byte| *byte == b'_') {
        Some(at) if !underscores => Err(EncodeError::new(EncodeErrorKind::UnderscoreHeader, at, name.len())),
        _ => Ok(()),
    }
}

/// Turns a name into the part of a key after `HTTP_`: letters become upper case, `-` becomes `_`, and other bytes stay. nginx
/// does the same (`ngx_http_uwsgi_create_request`, 1.22).
pub(crate) fn fold(name: &mut [u8]) {
    for byte in name {
        *byte = folded(*byte);
    }
}

/// Returns what [`fold`] makes of one byte of a name.
pub(crate) const fn folded(byte: u8) -> u8 {
    match byte {
        b'-' => b'_',
        other => other.to_ascii_uppercase(),
    }
}
