//! Joins several values of a header into one.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::cgi::name::HeaderName;

impl HeaderName<'_> {
    /// Joins several values of this header into one; `None` where there is no value. Of a header that may have [one
    /// value](Self::separator) only, the last value counts. The values of any other header are joined by its separator. An
    /// empty value is left out, and so is a value that equals the one before it.
    ///
    /// An empty value is an empty element of a list (RFC 9110 section 5.6.1.2), so it adds nothing. In vars an empty last value
    /// removes the header, because a front end may set a var again. This method does not remove it, because among the header
    /// lines of HTTP a line never removes another one. [`Request::header`](crate::Request::header) applies both rules.
    ///
    /// ```
    /// # use uwsgi::HeaderName;
    /// let joined = |key: &'static str| HeaderName::from_key(key.as_bytes()).unwrap().joined([&b"1"[..], b"", b"1", b"2"]);
    /// assert_eq!(joined("HTTP_COOKIE").as_deref(), Some(&b"1; 2"[..]));
    /// assert_eq!(joined("HTTP_X").as_deref(), Some(&b"1, 2"[..]));
    /// assert_eq!(joined("HTTP_HOST").as_deref(), Some(&b"2"[..]));
    /// ```
    #[must_use]
    pub fn joined<'v>(&self, values: impl IntoIterator<Item = &'v [u8]>) -> Option<Cow<'v, [u8]>> {
        let mut values = values.into_iter();
        let Some(separator) = self.separator() else { return values.last().map(Cow::Borrowed) };
        let mut last = values.next()?;
        let mut joined = Cow::Borrowed(last);
        for value in values.filter(|value| !value.is_empty()) {
            if joined.is_empty() {
                joined = Cow::Borrowed(value);
            } else if value != last {
                let bytes: &mut Vec<u8> = joined.to_mut();
                bytes.extend_from_slice(separator.as_bytes());
                bytes.extend_from_slice(value);
            }
            last = value;
        }
        Some(joined)
    }
}

#[cfg(test)]
mod tests {
    use crate::cgi::name::HeaderName;

    /// Values, and their join in a header that is a list, in Cookie, and in a header that may have one value only.
    type Row = (&'static [&'static [u8]], [Option<&'static [u8]>; 3]);

    const ROWS: &[Row] = &[
        (&[], [None, None, None]),
        (&[b""], [Some(b""), Some(b""), Some(b"")]),
        (&[b"", b""], [Some(b""), Some(b""), Some(b"")]),
        (&[b"1"], [Some(b"1"), Some(b"1"), Some(b"1")]),
        (&[b"1", b"2"], [Some(b"1, 2"), Some(b"1; 2"), Some(b"2")]),
        (&[b"1", b"1"], [Some(b"1"), Some(b"1"), Some(b"1")]),
        (&[b"1", b"", b"1"], [Some(b"1"), Some(b"1"), Some(b"1")]),
        (&[b"1", b"2", b"1"], [Some(b"1, 2, 1"), Some(b"1; 2; 1"), Some(b"1")]),
        (&[b"", b"1", b"2"], [Some(b"1, 2"), Some(b"1; 2"), Some(b"2")]),
        (&[b"1", b""], [Some(b"1"), Some(b"1"), Some(b"")]),
    ];

    #[test]
    fn joined() {
        for (values, expected) in ROWS {
            for (name, expected) in ["x-list", "cookie", "x-real-ip"].iter().zip(expected) {
                let got = HeaderName::from_name(name).joined(values.iter().copied());
                assert_eq!(got.as_deref(), *expected, "{name} {values:?}");
            }
        }
    }
}
