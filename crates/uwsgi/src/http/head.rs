//! Where a head ends, and the lines it is made of.

use core::iter::FusedIterator;

use memchr::memchr;

/// Finds the end of a head that arrives in pieces: remembers how far it has looked, so that all calls together read each
/// byte once.
///
/// The end is the first empty line; lines end in CR LF or, as every front end accepts, in LF alone.
///
/// ```
/// use uwsgi::response::HeadEnd;
///
/// let mut end = HeadEnd::default();
/// assert_eq!(end.find(b"HTTP/1.1 200 OK\r\nA: b\r\n\r"), None);
/// assert_eq!(end.find(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"), Some(25));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadEnd {
    /// Where the next look begins: at the newline that may yet end the head, or behind all that cannot.
    from: usize,
}

impl HeadEnd {
    /// The length of the head, its empty line counted, once it is there. `got` is everything so far, from the head's
    /// first byte on, and only grows from call to call.
    #[inline]
    pub fn find(&mut self, got: &[u8]) -> Option<usize> {
        if self.from == 0 {
            // An empty line at once: a head of no lines.
            match got {
                [b'\n', ..] => return Some(1),
                [b'\r', b'\n', ..] => return Some(2),
                [] | [b'\r'] => return None,
                _ => {}
            }
        }
        loop {
            let rest = got.get(self.from..)?;
            let Some(newline) = memchr(b'\n', rest) else {
                self.from = got.len();
                return None;
            };
            let newline = self.from.saturating_add(newline);
            match got.get(newline.saturating_add(1)..)? {
                [b'\n', ..] => return Some(newline.saturating_add(2)),
                [b'\r', b'\n', ..] => return Some(newline.saturating_add(3)),
                [] | [b'\r'] => {
                    self.from = newline;
                    return None;
                }
                _ => self.from = newline.saturating_add(1),
            }
        }
    }

    /// How many bytes were looked at and will not be again.
    #[must_use]
    pub const fn searched(&self) -> usize {
        self.from
    }
}

/// The header lines of a head, split again from its proven bytes: name and value, in order, duplicates kept.
#[derive(Debug, Clone)]
pub struct HeaderLines<'a> {
    rest: &'a [u8],
}

impl<'a> HeaderLines<'a> {
    pub(crate) const fn new(lines: &'a [u8]) -> Self {
        Self { rest: lines }
    }
}

impl<'a> Iterator for HeaderLines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = split_line(self.rest)?;
        let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
        self.rest = rest;
        Some((name, value.get(1..)?.trim_ascii()))
    }
}

impl FusedIterator for HeaderLines<'_> {}

/// The first line, without what ends it, and what follows; `None` without a line end, and for the empty line.
#[inline]
pub(crate) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = bytes.split_at_checked(memchr(b'\n', bytes)?)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() { None } else { Some((line, rest.get(1..)?)) }
}
