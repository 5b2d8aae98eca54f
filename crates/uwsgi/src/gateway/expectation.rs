//! What a client expects before it sends a body.

use crate::gateway::list::elements;

/// What the `Expect` of a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expectation {
    /// `100-continue`: the client waits for a 100 before it sends the body.
    Continue,
    /// The client expects nothing.
    None,
    /// Something else. A server answers 417 (RFC 9110 section 10.1.1).
    Unknown,
}

/// Reads the values of `Expect`. A server ignores the header in HTTP/1.0 (RFC 9110 section 10.1.1), so do not call this function
/// for such a request.
///
/// ```
/// use uwsgi::gateway::{expectation, Expectation};
///
/// assert_eq!(expectation([&b"100-Continue"[..]]), Expectation::Continue);
/// assert_eq!(expectation([&b"100-continue, 200-ok"[..]]), Expectation::Unknown);
/// assert_eq!(expectation([]), Expectation::None);
/// ```
pub fn expectation<'v, V>(expect: V) -> Expectation
where
    V: IntoIterator<Item = &'v [u8], IntoIter: DoubleEndedIterator>,
{
    let mut expectation = Expectation::None;
    for element in elements(expect) {
        if !element.eq_ignore_ascii_case(b"100-continue") {
            return Expectation::Unknown;
        }
        expectation = Expectation::Continue;
    }
    expectation
}

#[cfg(test)]
mod tests {
    use super::Expectation::{Continue, None, Unknown};
    use super::{Expectation, expectation};

    /// The values of Expect, and what they ask for.
    const ROWS: &[(&[&str], Expectation)] = &[
        (&[], None),
        (&[""], None),
        (&[" , "], None),
        (&["100-continue"], Continue),
        (&["100-Continue"], Continue),
        (&["100-continue, 100-continue"], Continue),
        (&["100-continue", "100-continue"], Continue),
        (&["100-continue,"], Continue),
        (&["100"], Unknown),
        (&["200-ok"], Unknown),
        (&["100-continue, foo"], Unknown),
        (&["foo, 100-continue"], Unknown),
        (&["100-continue", "foo"], Unknown),
        (&["y 100-continue"], Unknown),
        (&["100-continue;a=b"], Unknown),
        (&["\"100-continue\""], Unknown),
    ];

    #[test]
    fn expectations() {
        for (values, expected) in ROWS {
            assert_eq!(expectation(values.iter().map(|value| value.as_bytes())), *expected, "{values:?}");
        }
    }
}
