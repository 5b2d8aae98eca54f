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

/// Reads the values of `Expect`, one for each line. A server ignores the header in HTTP/1.0 (RFC 9110 section 10.1.1), so do not
/// call this function for such a request.
///
/// hyper 1.12 sends a 100 only if the last line is `100-continue` and nothing else (`proto/h1/role.rs`). The header may be a list,
/// but no known client sends more than one element. So everything else is [`Unknown`](Expectation::Unknown): no client then waits
/// for a 100 that does not come. Empty lines before the first `100-continue` do not count.
///
/// ```
/// use uwsgi::gateway::{expectation, Expectation};
///
/// assert_eq!(expectation([&b"100-Continue"[..]]), Expectation::Continue);
/// assert_eq!(expectation([&b"100-continue, 100-continue"[..]]), Expectation::Unknown);
/// assert_eq!(expectation([]), Expectation::None);
/// ```
pub fn expectation<'v>(expect: impl IntoIterator<Item = &'v [u8]>) -> Expectation {
    let mut expectation = Expectation::None;
    for value in expect {
        let is_empty = elements([value]).next().is_none();
        expectation = match expectation {
            _ if value.eq_ignore_ascii_case(b"100-continue") => Expectation::Continue,
            Expectation::None if is_empty => Expectation::None,
            _ => return Expectation::Unknown,
        };
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
        (&["", " , "], None),
        (&["100-continue", "100-continue"], Continue),
        (&["100-continue", "100-CONTINUE"], Continue),
        (&["", "100-continue"], Continue),
        (&[",", "100-continue"], Continue),
        (&["100-continue, 100-continue"], Unknown),
        (&["100-continue,"], Unknown),
        (&[",100-continue"], Unknown),
        (&[" 100-continue"], Unknown),
        (&["100-continue "], Unknown),
        (&["100-continue", ""], Unknown),
        (&["100-continue", ","], Unknown),
        (&["100-continue", "", "100-continue"], Unknown),
        (&["100-continue, 100-continue", "100-continue"], Unknown),
        (&["100"], Unknown),
        (&["200-ok"], Unknown),
        (&["100-continue, foo"], Unknown),
        (&["foo, 100-continue"], Unknown),
        (&["100-continue", "foo"], Unknown),
        (&["foo", "100-continue"], Unknown),
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
