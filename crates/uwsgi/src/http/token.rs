//! The bytes of tokens (RFC 9110 section 5.6.2), which methods and the names of headers are, and of other texts.

/// Returns the position of the first byte that a token may not have.
pub(crate) fn position_outside_token(name: &[u8]) -> Option<usize> {
    name.iter().position(|byte| !is_token_byte(*byte))
}

/// Whether a token may have this byte (RFC 9110 section 5.6.2: tchar).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
        | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// Whether a value, a reason phrase or a chunk extension must not have this byte: a control byte other than the tab (RFC 9110
/// section 5.5).
pub(crate) const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}
