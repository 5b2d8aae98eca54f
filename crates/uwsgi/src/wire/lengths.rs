//! Lengths as the wire has them.

use crate::wire::error::{EncodeError, EncodeErrorKind};

/// Returns the length of a payload as a datasize.
#[inline]
pub(crate) fn datasize(len: usize) -> Result<u16, EncodeError> {
    let most = usize::from(u16::MAX);
    u16::try_from(len).map_err(|_| EncodeError::new(EncodeErrorKind::DatasizeTooLarge, len, most))
}

/// Returns the lengths of a pair as the wire has them.
#[inline(always)]
pub(crate) fn pair_lengths(key: &[u8], value: &[u8]) -> Result<([u8; 2], [u8; 2]), EncodeError> {
    if key.is_empty() {
        return Err(EncodeError::new(EncodeErrorKind::EmptyKey, 0, 0));
    }
    Ok((length(EncodeErrorKind::KeyTooLong, key)?, length(EncodeErrorKind::ValueTooLong, value)?))
}

/// Returns a length as the wire has it.
#[inline(always)]
pub(crate) fn length(too_long: EncodeErrorKind, bytes: &[u8]) -> Result<[u8; 2], EncodeError> {
    length_of(too_long, bytes.len())
}

#[inline(always)]
pub(crate) fn length_of(too_long: EncodeErrorKind, len: usize) -> Result<[u8; 2], EncodeError> {
    match u16::try_from(len) {
        Ok(len) => Ok(len.to_le_bytes()),
        Err(_) => Err(EncodeError::new(too_long, len, usize::from(u16::MAX))),
    }
}
