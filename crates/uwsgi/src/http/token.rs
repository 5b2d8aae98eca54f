//! Tokens (RFC 9110 section 5.6.2). Methods and the names of headers are tokens.

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
