//! The end of a head, and its lines.

use core::iter::FusedIterator;

use memchr::memchr;

/// Finds the end of a head that comes in pieces. It stores how far it has searched, and the next call goes on from there.
///
/// The end is the first empty line. Lines end in CR LF, or in LF alone, which every known front end accepts.
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
    /// Where the next search begins: at a newline that may begin the end of the head, or else after the bytes that were
    /// searched.
    from: usize,
}

impl HeadEnd {
    /// Returns the length of the head with its empty line; `None` where its end has not come. `got` has all bytes so far,
    /// beginning with the first byte of the head. It grows from call to call.
    #[inline]
    pub fn find(&mut self, got: &[u8]) -> Option<usize> {
        if self.from == 0 {
            // The head begins with an empty line, so it has no lines.
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

    /// Returns how many bytes were searched and will not be searched again.
    #[must_use]
    pub const fn searched(&self) -> usize {
        self.from
    }
}

/// The header lines of a decoded head: names and values in order, with duplicates.
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

/// Splits off the first line, without its end; `None` where there is no line end, and for an empty line.
#[inline]
pub(crate) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = bytes.split_at_checked(memchr(b'\n', bytes)?)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() { None } else { Some((line, rest.get(1..)?)) }
}
