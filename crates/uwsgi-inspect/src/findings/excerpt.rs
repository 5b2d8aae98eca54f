//! Bytes and names from outside, as parts of a sentence.

use core::fmt;

use crate::escape::Escaped;

/// Bytes from outside as a part of a sentence: escaped, and cut if they are long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excerpt<'a>(pub(crate) &'a [u8]);

impl Excerpt<'_> {
    /// The largest number of bytes that are shown.
    const MAX_LENGTH: usize = 60;
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(Self::MAX_LENGTH) {
            Some((start, rest)) if !rest.is_empty() => write!(f, "{}…", Escaped(start)),
            _ => write!(f, "{}", Escaped(self.0)),
        }
    }
}

/// Lists names in a sentence: `A, B and C`. It lists the first five, and counts the others.
pub(crate) fn list_names(names: &[&[u8]]) -> String {
    join_parts(names.iter().map(|name| Excerpt(name).to_string()).collect())
}

/// Joins parts of a sentence: `a, b and c`. It lists the first five, and counts the others.
pub(crate) fn join_parts(mut parts: Vec<String>) -> String {
    const MAX_LISTED: usize = 5;
    let more = parts.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        parts.truncate(MAX_LISTED);
        parts.push(format!("{more} more"));
    }
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_list_follows_and() {
        for (names, text) in [
            (&[][..], ""),
            (&[&b"A"[..]], "A"),
            (&[b"A", b"B"], "A and B"),
            (&[b"A", b"B", b"C"], "A, B and C"),
            (&[b"A", b"B", b"C", b"D", b"E"], "A, B, C, D and E"),
            (&[b"A", b"B", b"C", b"D", b"E", b"F", b"G"], "A, B, C, D, E and 2 more"),
        ] {
            assert_eq!(list_names(names), text);
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(Excerpt(&[b'a'; 60]).to_string(), "a".repeat(60));
        assert_eq!(Excerpt(&[b'a'; 61]).to_string(), format!("{}…", "a".repeat(60)));
        assert_eq!(Excerpt(b"a\n").to_string(), "a\\x0a");
    }
}
