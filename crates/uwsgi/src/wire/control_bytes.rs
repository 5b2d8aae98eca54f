//! Bytes that end a line or a string. Almost no text has one, so a fast search looks for any of them.

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

/// Whether any byte is under a space, as all control bytes of ASCII but DEL are.
///
/// The search goes in wide steps. The last step may overlap the one before it.
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

/// Returns the lesser of each two bytes. The compiler makes one instruction of it.
#[inline(always)]
fn lesser(one: &[u8; 16], other: &[u8; 16]) -> [u8; 16] {
    let mut least = *one;
    for (least, byte) in least.iter_mut().zip(other) {
        *least = (*least).min(*byte);
    }
    least
}

const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);

/// Sets at least one highest bit if one of the eight bytes is under a space, and none if no byte is. Only such a byte has a
/// clear highest bit that is set once 0x20 is subtracted, and only such a byte makes a borrow. The other bits have no meaning.
#[inline(always)]
const fn under_space(bytes: [u8; 8]) -> u64 {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let bytes = u64::from_ne_bytes(bytes);
    bytes.wrapping_sub(SPACES) & !bytes
}
