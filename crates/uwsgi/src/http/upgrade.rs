//! The protocols that a connection may switch to.

/// The protocols that a request offers in its `Upgrade`, or those that an answer switches to.
///
/// A server must not switch to a protocol that the client did not offer (RFC 9110 section 7.8). Here it never switches to
/// `h2c`: see [`is_upgrade`](crate::is_upgrade). Names have any length and this crate does not allocate, so this type keeps a
/// hash of each name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Protocols {
    /// The hashes of the names; 0 means that the place is free.
    hashes: [u32; 4],
}

impl Protocols {
    /// No upgrade.
    pub(crate) const NONE: Self = Self { hashes: [0; 4] };

    /// Reads the values of `Upgrade`.
    pub(crate) fn of<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let mut protocols = Self::NONE;
        values.into_iter().for_each(|value| protocols.add(value));
        protocols
    }

    /// Adds one more value. If the list has more names than there is room for, the last place becomes `h2c`, so an answer with
    /// such a list is never allowed.
    pub(crate) fn add(&mut self, value: &[u8]) {
        let names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
        for hash in names.map(hash) {
            let [.., last] = &mut self.hashes;
            let (place, hash) = if *last == 0 { (free(&mut self.hashes), hash) } else { (Some(last), H2C) };
            if let Some(place) = place {
                *place = hash;
            }
        }
    }

    /// Whether the connection may switch to these protocols: there is at least one, and each was offered.
    pub(crate) fn allow(&self, answered: &Self) -> bool {
        let mut answered = answered.hashes.iter().filter(|hash| **hash != 0).peekable();
        answered.peek().is_some() && answered.all(|hash| *hash != H2C && self.hashes.contains(hash))
    }
}

const H2C: u32 = hash(b"h2c");

fn free(hashes: &mut [u32]) -> Option<&mut u32> {
    hashes.iter_mut().find(|hash| **hash == 0)
}

/// Returns the FNV-1a hash of 32 bits of a name in lower case, because case does not matter (RFC 9110 section 7.8). The result
/// is never 0.
const fn hash(name: &[u8]) -> u32 {
    let (mut hash, mut rest) = (0x811c_9dc5_u32, name);
    while let [byte, others @ ..] = rest {
        hash = (hash ^ u32::from_le_bytes([byte.to_ascii_lowercase(), 0, 0, 0])).wrapping_mul(0x0100_0193);
        rest = others;
    }
    if hash == 0 { 1 } else { hash }
}

#[cfg(test)]
mod tests {
    use super::Protocols;

    /// The offer of the request, the `Upgrade` of the answer, and whether it is allowed.
    const ROWS: &[(&[&str], &[&str], bool)] = &[
        (&[], &[], false),
        (&[], &["websocket"], false),
        (&["websocket"], &[], false),
        (&["websocket"], &[""], false),
        (&["websocket"], &[" , "], false),
        (&["websocket"], &["websocket"], true),
        (&["websocket"], &["WebSocket"], true),
        (&["WEBSOCKET"], &[" websocket ,"], true),
        (&["websocket"], &["websocket/13"], false),
        (&["websocket"], &["websocke"], false),
        (&["websocket"], &["h2c"], false),
        (&["websocket"], &["websocket, h2c"], false),
        (&["websocket"], &["websocket", "h2c"], false),
        (&["h2c"], &["h2c"], false),
        (&["a", "b"], &["b"], true),
        (&["a,b"], &["b, a"], true),
        (&["a,b"], &["b, c"], false),
        (&["a, b, c, d"], &["d", "c", "b", "a"], true),
        (&["a, b, c, d"], &["a, b, c, d, a"], false),
        (&["a, b, c, d, e"], &["c"], true),
        (&["a, b, c, d, e"], &["e"], false),
        (&["a, b, c, d, e"], &["a, b, c, d, e"], false),
    ];

    #[test]
    fn only_what_was_offered() {
        let of = |values: &[&'static str]| Protocols::of(values.iter().map(|value| value.as_bytes()));
        for (offered, answered, allowed) in ROWS {
            assert_eq!(of(offered).allow(&of(answered)), *allowed, "{offered:?} {answered:?}");
        }
    }
}
