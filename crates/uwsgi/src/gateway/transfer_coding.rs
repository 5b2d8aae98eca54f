//! The codings of a request's body on its connection.

/// The coding that the `Transfer-Encoding` of a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransferCoding {
    /// `chunked`, once.
    Chunked,
    /// There is no `Transfer-Encoding`.
    None,
    /// Another coding, or `chunked` and another coding, or `chunked` twice. The body cannot be read, and a server answers 501
    /// (RFC 9112 section 6.1).
    Unsupported,
}

/// Reads the values of `Transfer-Encoding`.
///
/// A gateway supports one `chunked` only. Programs disagree about where a body with any other value ends, so that one of them
/// could read the end of a body as another request. That is why an empty element of the list is refused too.
///
/// ```
/// use uwsgi::gateway::{transfer_coding, TransferCoding};
///
/// assert_eq!(transfer_coding([&b"Chunked"[..]]), TransferCoding::Chunked);
/// assert_eq!(transfer_coding([&b"gzip, chunked"[..]]), TransferCoding::Unsupported);
/// assert_eq!(transfer_coding([]), TransferCoding::None);
/// ```
pub fn transfer_coding<'v>(transfer_encoding: impl IntoIterator<Item = &'v [u8]>) -> TransferCoding {
    let mut values = transfer_encoding.into_iter();
    match (values.next(), values.next()) {
        (None, _) => TransferCoding::None,
        (Some(value), None) if value.eq_ignore_ascii_case(b"chunked") => TransferCoding::Chunked,
        _ => TransferCoding::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::TransferCoding::{Chunked, None, Unsupported};
    use super::{TransferCoding, transfer_coding};

    /// The values of Transfer-Encoding, and the coding.
    const ROWS: &[(&[&str], TransferCoding)] = &[
        (&[], None),
        (&["chunked"], Chunked),
        (&["CHUNKED"], Chunked),
        (&[""], Unsupported),
        (&["identity"], Unsupported),
        (&["gzip"], Unsupported),
        (&["cow, chunked"], Unsupported),
        (&["gzip, chunked"], Unsupported),
        (&["identity, chunked"], Unsupported),
        (&["chunked, chunked"], Unsupported),
        (&["chunked, gzip"], Unsupported),
        (&["chunked", "chunked"], Unsupported),
        (&["gzip", "chunked"], Unsupported),
        (&["chunked", ""], Unsupported),
        (&[", chunked"], Unsupported),
        (&["chunked,"], Unsupported),
        (&["chunked;q=1"], Unsupported),
        (&["xchunked"], Unsupported),
        (&["\"chunked\""], Unsupported),
        (&["\u{b}chunked"], Unsupported),
    ];

    #[test]
    fn codings() {
        for (values, expected) in ROWS {
            assert_eq!(transfer_coding(values.iter().map(|value| value.as_bytes())), *expected, "{values:?}");
        }
    }
}
