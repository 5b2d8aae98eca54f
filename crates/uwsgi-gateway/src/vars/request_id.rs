//! The id of a request.

use core::cell::Cell;
use core::hash::BuildHasher;
use std::hash::RandomState;

use alloc::format;
use alloc::string::String;

/// What a thread makes ids from: two hashes whose keys come from the operating system, and a number.
struct Ids {
    hashes: [RandomState; 2],
    next: Cell<u64>,
}

thread_local! {
    static IDS: Ids = Ids { hashes: [RandomState::new(), RandomState::new()], next: Cell::new(0) };
}

/// Makes an id: 32 hex digits, which differ from those of every other request. Nobody can compute one id from another without the
/// random keys of the hashes (SipHash).
pub(crate) fn new() -> String {
    IDS.with(|ids| {
        let number = ids.next.get();
        ids.next.set(number.wrapping_add(1));
        let [high, low] = &ids.hashes;
        format!("{:016x}{:016x}", high.hash_one(number), low.hash_one(number))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::new;

    #[test]
    fn ids_differ_and_have_32_hex_digits() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..1000).map(|_| new()).collect::<Vec<_>>())).collect();
        let ids: Vec<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let is_id = |id: &String| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(ids.iter().all(is_id));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4000);
    }
}
