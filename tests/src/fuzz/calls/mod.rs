//! Calls of the machines in any order.

mod exchange;
mod receive;
mod respond;

/// The first byte chooses a machine and its settings. The second byte counts the calls, two bytes each: which call, and
/// its argument. The other bytes are what a peer sends; the calls say how much of it has arrived before each call.
///
/// Oracle: a naive account of which calls belong to which phase. A call that belongs to another phase fails, and every
/// later call fails for the same reason. A call that belongs to the phase never fails for that reason. No byte of a body
/// is ever taken for a packet or a head, and no byte of a packet or a head for a body: a naive reading of the whole says
/// which bytes are which. A response sends its head once, never more bytes than promised, and no byte after its end.
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

/// What a peer sends, and how much of it has arrived and was not used.
struct Arrived<'s> {
    stream: &'s [u8],
    at: usize,
    until: usize,
}

impl<'s> Arrived<'s> {
    fn new(stream: &'s [u8]) -> Self {
        Self { stream, at: 0, until: 0 }
    }

    /// Lets `count` more bytes arrive; the largest count lets all bytes and the end of the stream arrive. Returns the
    /// bytes that are there, and whether the stream has ended.
    fn more(&mut self, count: u8) -> (&'s [u8], bool) {
        let eof = count == u8::MAX;
        self.until = if eof { self.stream.len() } else { self.stream.len().min(self.until + usize::from(count)) };
        (&self.stream[self.at..self.until], eof)
    }

    /// Returns the next bytes, whether they have arrived or not.
    fn next(&self, count: usize) -> &'s [u8] {
        let rest = &self.stream[self.at..];
        &rest[..count.min(rest.len())]
    }
}
