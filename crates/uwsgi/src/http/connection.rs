//! Headers that belong to one connection.

/// Whether the values of a message's `Connection` headers list this header: it then belongs to the connection that the
/// message came through, and goes no further (RFC 9110 section 7.6.1).
///
/// Host, Content-Length and Content-Type are never listed: without them another message would go on. A `Connection` inside
/// vars is another hop's, and must not be asked: with it a client could remove what the front end has set.
///
/// ```
/// use uwsgi::response::connection_lists;
///
/// assert!(connection_lists([&b"close, X-Secret"[..]], b"x-secret"));
/// assert!(!connection_lists([&b"Host"[..]], b"host"));
/// ```
pub fn connection_lists<'v>(connection: impl IntoIterator<Item = &'v [u8]>, name: &[u8]) -> bool {
    const NEVER: [&str; 3] = ["content-length", "content-type", "host"];
    let is_named = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(name);
    let mut options = connection.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
    options.any(is_named) && !NEVER.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes()))
}
