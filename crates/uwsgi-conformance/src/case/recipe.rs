//! Packets to send, well formed or not, as constants.

use uwsgi::{Header, Modifier1};

/// Vars: keys and values, in order.
pub type Pairs = &'static [(&'static [u8], &'static [u8])];

/// The description of a packet, well formed or not. Each method changes one thing and leaves the rest as it is.
///
/// ```
/// use uwsgi_conformance::{Recipe, SMALL};
///
/// assert_eq!(Recipe::of(&[(b"A", b"B")]).build(), b"\x00\x06\x00\x00\x01\x00A\x01\x00B");
/// assert_eq!(SMALL.build().len(), 195);
/// assert_eq!(SMALL.datasize_off(50).build()[1], SMALL.build()[1] + 50); // of a block as long as before
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    modifier1: u8,
    modifier2: u8,
    datasize_off: i16,
    vars: Pairs,
    changed: Pairs,
    post: Option<&'static [u8]>,
    left_out: &'static [&'static [u8]],
    inserted: (usize, Pairs),
    more: Pairs,
    numbered: usize,
    filled: usize,
    tail: &'static [u8],
    patch: &'static [u8],
    after: &'static [u8],
}

/// A small good GET, as front ends send it. Most cases change it. Its block has 191 bytes and 10 vars.
pub const SMALL: Recipe = Recipe::of(&[
    (b"QUERY_STRING", b""),
    (b"REQUEST_METHOD", b"GET"),
    (b"CONTENT_TYPE", b""),
    (b"CONTENT_LENGTH", b""),
    (b"REQUEST_URI", b"/m"),
    (b"PATH_INFO", b"/m"),
    (b"SERVER_PROTOCOL", b"HTTP/1.1"),
    (b"SERVER_NAME", b"lab.test"),
    (b"SERVER_PORT", b"80"),
    (b"HTTP_HOST", b"lab.test"),
]);

impl Recipe {
    /// Returns the recipe of a request with these vars.
    #[must_use]
    pub const fn of(vars: Pairs) -> Self {
        Self {
            modifier1: 0,
            modifier2: 0,
            datasize_off: 0,
            vars,
            changed: &[],
            post: None,
            left_out: &[],
            inserted: (0, &[]),
            more: &[],
            numbered: 0,
            filled: 0,
            tail: b"",
            patch: b"",
            after: b"",
        }
    }

    /// Sets both modifiers; 0 by default.
    #[must_use]
    pub const fn modifiers(self, modifier1: u8, modifier2: u8) -> Self {
        Self { modifier1, modifier2, ..self }
    }

    /// Replaces the values of vars that the recipe has.
    #[must_use]
    pub const fn changed(self, changed: Pairs) -> Self {
        Self { changed, ..self }
    }

    /// Makes the request a POST with this `CONTENT_LENGTH`.
    #[must_use]
    pub const fn post(self, content_length: &'static [u8]) -> Self {
        Self { post: Some(content_length), ..self }
    }

    /// Leaves out the vars with these keys.
    #[must_use]
    pub const fn without(self, keys: &'static [&'static [u8]]) -> Self {
        Self { left_out: keys, ..self }
    }

    /// Inserts vars before the one at `index`.
    #[must_use]
    pub const fn inserted(self, index: usize, vars: Pairs) -> Self {
        Self { inserted: (index, vars), ..self }
    }

    /// Adds vars at the end.
    #[must_use]
    pub const fn more(self, vars: Pairs) -> Self {
        Self { more: vars, ..self }
    }

    /// Adds vars `V0`, `V1`, ... with empty values at the end, until there are `count` vars in all.
    #[must_use]
    pub const fn numbered(self, count: usize) -> Self {
        Self { numbered: count, ..self }
    }

    /// Adds an `HTTP_X` at the end that makes the block exactly `datasize` bytes long.
    #[must_use]
    pub const fn filled(self, datasize: usize) -> Self {
        Self { filled: datasize, ..self }
    }

    /// Adds these bytes at the end of the block. The datasize counts them.
    #[must_use]
    pub const fn tail(self, bytes: &'static [u8]) -> Self {
        Self { tail: bytes, ..self }
    }

    /// Overwrites the first bytes of the block with these bytes.
    #[must_use]
    pub const fn patched(self, bytes: &'static [u8]) -> Self {
        Self { patch: bytes, ..self }
    }

    /// Adds this number to the datasize, so that the datasize is wrong.
    #[must_use]
    pub const fn datasize_off(self, by: i16) -> Self {
        Self { datasize_off: by, ..self }
    }

    /// Sends these bytes after the packet: a body, or bytes that nothing announced.
    #[must_use]
    pub const fn then(self, after: &'static [u8]) -> Self {
        Self { after, ..self }
    }

    /// Returns the bytes of the packet, and the bytes after the packet.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut block = self.block();
        for (old, byte) in block.iter_mut().zip(self.patch) {
            *old = *byte;
        }
        let datasize = u16::try_from(block.len()).unwrap_or(u16::MAX).saturating_add_signed(self.datasize_off);
        let header = Header { modifier1: Modifier1(self.modifier1), datasize, modifier2: self.modifier2 };
        let mut bytes = header.to_bytes().to_vec();
        bytes.append(&mut block);
        bytes.extend_from_slice(self.after);
        bytes
    }

    /// Returns the value that a var has after the changes.
    fn value(&self, key: &[u8], value: &'static [u8]) -> &'static [u8] {
        match (key, self.post) {
            (b"REQUEST_METHOD", Some(_)) => b"POST",
            (b"CONTENT_LENGTH", Some(length)) => length,
            _ => self.changed.iter().find(|(other, _)| *other == key).map_or(value, |(_, value)| value),
        }
    }

    fn block(&self) -> Vec<u8> {
        let mut block = Vec::new();
        let mut count = 0_usize;
        let mut push = |block: &mut Vec<u8>, key: &[u8], value: &[u8]| {
            for part in [key, value] {
                block.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes());
                block.extend_from_slice(part);
            }
            count = count.saturating_add(1);
        };
        let (index, inserted) = self.inserted;
        let kept = self.vars.iter().filter(|(key, _)| !self.left_out.contains(key));
        for (at, (key, value)) in kept.enumerate() {
            if at == index {
                inserted.iter().for_each(|(key, value)| push(&mut block, key, value));
            }
            push(&mut block, key, self.value(key, value));
        }
        self.more.iter().for_each(|(key, value)| push(&mut block, key, value));
        for number in 0..self.numbered.saturating_sub(count) {
            let key = format!("V{number}");
            block.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
            block.extend_from_slice(key.as_bytes());
            block.extend_from_slice(&[0, 0]);
        }
        if let Some(left) = self.filled.checked_sub(block.len().saturating_add(10)) {
            block.extend_from_slice(b"\x06\0HTTP_X");
            block.extend_from_slice(&u16::try_from(left).unwrap_or(u16::MAX).to_le_bytes());
            block.resize(self.filled, b'f');
        }
        block.extend_from_slice(self.tail);
        block
    }
}
