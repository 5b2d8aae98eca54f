//! Searches for bytes that end a line or a string. Almost no text has such a byte, so a fast check for any byte less than a
//! space comes first.

/// Returns the position of the first CR, LF or NUL.
#[inline(always)]
pub(crate) fn line_end_or_nul(bytes: &[u8]) -> Option<usize> {
    if !has_byte_under_space(bytes) {
        return None;
    }
    bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// Returns the position of the first NUL.
#[inline(always)]
pub(crate) fn nul(bytes: &[u8]) -> Option<usize> {
    if !has_byte_under_space(bytes) {
        return None;
    }
    bytes.iter().position(|byte| *byte == 0)
}

/// Whether any byte is less than a space (0x20). All control bytes of ASCII are, except DEL.
///
/// It reads 16 or 8 bytes at once. The last of these reads may overlap the one before it.
#[inline(always)]
pub(crate) fn has_byte_under_space(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        let mut least = lesser(first, last);
        if bytes.len() > 32 {
            let mut rest = bytes;
            while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
                least = lesser(&least, chunk);
                rest = after;
            }
        }
        return least.iter().fold(false, |found, byte| found | (*byte < b' '));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (under_space(*first) | under_space(*last)) & HIGHEST != 0;
    }
    if let (Some([a, b, c, d]), Some([e, f, g, h])) = (bytes.first_chunk(), bytes.last_chunk()) {
        return under_space([*a, *b, *c, *d, *e, *f, *g, *h]) & HIGHEST != 0;
    }
    bytes.iter().fold(false, |found, byte| found | (*byte < b' '))
}

/// Returns the lesser byte at each position. The compiler makes one instruction of it.
#[inline(always)]
fn lesser(one: &[u8; 16], other: &[u8; 16]) -> [u8; 16] {
    let mut least = *one;
    for (least, byte) in least.iter_mut().zip(other) {
        *least = (*least).min(*byte);
    }
    least
}

const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

/// Sets the highest bit of at least one byte if one of the eight bytes is less than a space, and of no byte otherwise. The
/// subtraction of 0x20 sets a clear highest bit only in such a byte, and only such a byte borrows from the next one. The other
/// bits have no meaning.
#[inline(always)]
const fn under_space(bytes: [u8; 8]) -> u64 {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let bytes = u64::from_ne_bytes(bytes);
    bytes.wrapping_sub(SPACES) & !bytes
}
