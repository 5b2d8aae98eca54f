//! The id of a request, which proxies send on.

use crate::http::token::is_token_byte;

/// Whether a gateway keeps the value of an `X-Request-Id` that a trusted proxy sent: it has 1 to 128 bytes, each of them a byte
/// of a token (RFC 9110 section 5.6.2) or one of `/`, `:` and `=`, which are in other forms of ids such as base64. Such a value
/// cannot end a field of a log.
///
/// ```
/// use uwsgi::gateway::is_request_id;
///
/// assert!(is_request_id(b"7f0c9a52-9d0e-4a6e-8f5f-1c1f3a0d4e11"));
/// assert!(!is_request_id(b"a b") && !is_request_id(b""));
/// ```
#[must_use]
pub fn is_request_id(value: &[u8]) -> bool {
    /// The longest id that is kept. Ids that programs make have 16 to 64 bytes.
    const MOST: usize = 128;
    let is_in_id = |byte: u8| is_token_byte(byte) || matches!(byte, b'/' | b':' | b'=');
    (1..=MOST).contains(&value.len()) && value.iter().all(|byte| is_in_id(*byte))
}

#[cfg(test)]
mod tests {
    use super::is_request_id;

    /// A value, and whether it is kept.
    const ROWS: &[(&[u8], bool)] = &[
        (b"a", true),
        (b"7f0c9a529d0e4a6e8f5f1c1f3a0d4e11", true),
        (b"7f0c9a52-9d0e-4a6e-8f5f-1c1f3a0d4e11", true),
        (b"Root=1-67891233-abcdef012345678912345678", true),
        (b"MTIzNDU2Nzg5MA+/==", true),
        (&[b'x'; 128], true),
        (&[b'x'; 129], false),
        (b"", false),
        (b"a b", false),
        (b"a,b", false),
        (b"a\tb", false),
        (b"a\"b", false),
        (b"a\\b", false),
        (b"caf\xc3\xa9", false),
        (b"a\x7f", false),
        (b"${x}", false),
    ];

    #[test]
    fn ids() {
        for (value, expected) in ROWS {
            assert_eq!(is_request_id(value), *expected, "{}", value.escape_ascii());
        }
    }
}
