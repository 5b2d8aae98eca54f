//! Calls of the machines in any order.

mod exchange;
mod receive;
mod respond;

/// The first byte chooses a machine and its settings, the second counts calls, two bytes each: which one, and with what. The
/// others are what a peer sends, and what arrives of it before each call is up to the calls.
///
/// Oracle: a naive account of which calls belong to which phase. A call that belongs to another phase fails, and so does
/// every later one, for the same reason. No call that belongs fails for that reason. No byte of a body is ever taken for a
/// packet or a head, or the other way round: a naive reading of the whole says which is which. Of an answer a head leaves
/// once, no more bytes leave than were promised, and none behind its end.
pub fn calls(input: &[u8]) {
    let Some(([chosen, count], rest)) = input.split_first_chunk::<2>() else { return };
    let (calls, stream) = rest.split_at((2 * usize::from(*count)).min(rest.len() & !1));
    let calls: Vec<[u8; 2]> = calls.chunks_exact(2).map(|call| [call[0], call[1]]).collect();
    match chosen & 3 {
        0 | 1 => receive::check(chosen >> 2, &calls, stream),
        2 => exchange::check(chosen >> 2, &calls, stream),
        _ => respond::check(chosen >> 2, &calls),
    }
}

/// What a peer sends, as far as it has arrived and was not used.
struct Arrived<'s> {
    stream: &'s [u8],
    at: usize,
    until: usize,
}

impl<'s> Arrived<'s> {
    fn new(stream: &'s [u8]) -> Self {
        Self { stream, at: 0, until: 0 }
    }

    /// So many more bytes arrive: all that are there, and whether that is the end of the stream. It is where the largest number
    /// is asked for.
    fn more(&mut self, count: u8) -> (&'s [u8], bool) {
        let eof = count == u8::MAX;
        self.until = if eof { self.stream.len() } else { self.stream.len().min(self.until + usize::from(count)) };
        (&self.stream[self.at..self.until], eof)
    }

    /// The next bytes, whether they have arrived or not.
    fn next(&self, count: usize) -> &'s [u8] {
        let rest = &self.stream[self.at..];
        &rest[..count.min(rest.len())]
    }
}
