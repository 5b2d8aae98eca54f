//! The names of headers that a gateway passes on.

/// Whether a name consists of letters, digits and `-`, and of `_` where `underscores` allows it. A gateway passes no other name of
/// a client on.
///
/// A token may have more bytes (RFC 9110 section 5.6.2), but a backend may take such a name for another one: PHP turns the `.` of
/// `X.Real.IP` into `_`. nginx 1.22 leaves these headers out too, with `ignore_invalid_headers on`, which is its default.
///
/// ```
/// use uwsgi::gateway::is_plain_header_name;
///
/// assert!(is_plain_header_name("X-Real-IP", false));
/// assert!(!is_plain_header_name("X.Real.IP", false));
/// assert!(!is_plain_header_name("X_Real_IP", false) && is_plain_header_name("X_Real_IP", true));
/// ```
#[must_use]
pub fn is_plain_header_name(name: &str, underscores: bool) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || (underscores && byte == b'_');
    !name.is_empty() && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::is_plain_header_name;

    /// A name, whether it passes, and whether it passes where underscores are allowed.
    const ROWS: &[(&str, bool, bool)] = &[
        ("Host", true, true),
        ("X-Real-IP", true, true),
        ("x9", true, true),
        ("1", true, true),
        ("-", true, true),
        ("-a-", true, true),
        ("X_Real_IP", false, true),
        ("_", false, true),
        ("X-Real_IP", false, true),
        ("", false, false),
        ("X.Real.IP", false, false),
        ("X_Real.IP", false, false),
        ("X Real IP", false, false),
        ("X[Real", false, false),
        ("X:", false, false),
        ("X\0", false, false),
        ("caf\u{e9}", false, false),
    ];

    #[test]
    fn names() {
        for (name, plain, with_underscores) in ROWS {
            let got = (is_plain_header_name(name, false), is_plain_header_name(name, true));
            assert_eq!(got, (*plain, *with_underscores), "{name:?}");
        }
    }

    #[test]
    fn other_bytes_of_a_token_do_not_pass() {
        for byte in "!#$%&'*+.^`|~".chars() {
            let name = ["x", byte.encode_utf8(&mut [0; 4]), "a"].concat();
            assert!(!is_plain_header_name(&name, true), "{name}");
        }
    }
}
