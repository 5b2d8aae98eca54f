//! Playing one case against an endpoint.

use core::fmt;
use std::io;

use crate::case::{Case, Expected, Row, Step};
use crate::endpoint::{End, Endpoint, Peer};
use crate::outcome::{Answer, Outcome};

/// The pieces into which the sender cuts its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "two pieces find what more of them do, and one byte at a time finds the rest"
)]
pub enum Split {
    /// One byte at a time.
    ByteByByte,
    /// In two pieces; the second begins with the byte at this index of all that is sent.
    At(usize),
    /// As the case has them: one write for each step.
    Whole,
}

/// The error of a case whose outcome is not what its verdict says.
#[derive(Debug)]
#[non_exhaustive]
pub struct Mismatch<'c> {
    /// The case.
    pub case: &'c Case,
    /// The pieces into which the bytes of the case were cut.
    pub split: Split,
    /// What came back, or why there was no connection.
    pub outcome: io::Result<Outcome>,
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { name, about, verdict, row, why, .. } = self.case;
        writeln!(f, "{name}: {about}; sent {:?}", self.split)?;
        writeln!(f, "expected {verdict:?} (row {row:?}): {why}")?;
        match &self.outcome {
            Ok(outcome) => write!(f, "got {outcome}"),
            Err(error) => write!(f, "got no connection: {error}"),
        }
    }
}

impl core::error::Error for Mismatch<'_> {}

/// Plays a case, and compares its outcome with its verdict.
///
/// ```
/// use uwsgi_conformance::machine::Machine;
/// use uwsgi_conformance::{Row, Split, all, play};
///
/// for case in all().filter(|case| case.row == Row::Foreign) {
///     play(case, &Machine, Split::Whole)?;
/// }
/// # Ok::<(), uwsgi_conformance::Mismatch<'_>>(())
/// ```
///
/// # Errors
///
/// [`Mismatch`]: the outcome is not what the verdict says.
pub fn play<'c>(case: &'c Case, endpoint: &(impl Endpoint + ?Sized), split: Split) -> Result<(), Mismatch<'c>> {
    match observe(case, endpoint, split) {
        Ok(outcome) if outcome.meets(&case.verdict) => Ok(()),
        outcome => Err(Mismatch { case, split, outcome }),
    }
}

/// Plays a case, and returns its outcome.
///
/// ```
/// use uwsgi_conformance::machine::Machine;
/// use uwsgi_conformance::{Split, all, observe};
///
/// let case = all().find(|case| case.name == "datasize-0").unwrap();
/// assert_eq!(observe(case, &Machine, Split::Whole)?.answers[0].status, 400);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The errors of [`Endpoint::connect`].
pub fn observe(case: &Case, endpoint: &(impl Endpoint + ?Sized), split: Split) -> io::Result<Outcome> {
    let expected = case.verdict.expected();
    let mut peer = endpoint.connect(case)?;
    let (mut sent, mut read) = (0_usize, 0_usize);
    for step in case.steps {
        match step {
            Step::Close => peer.close(),
            Step::ReadAnswer => {
                read = read.saturating_add(1);
                peer.read_until(&mut |bytes| whole_answers(bytes, expected) >= read);
            }
            Step::Reset => peer.reset(),
            Step::Send(bytes) => {
                let bytes = bytes.build();
                send(peer.as_mut(), &bytes, sent, split);
                sent = sent.saturating_add(bytes.len());
            }
            Step::ShutdownWrite => peer.shutdown_write(),
            Step::Trickle(millis, bytes) => {
                for byte in bytes.build() {
                    peer.wait(*millis);
                    peer.send(&[byte]);
                }
            }
            Step::Wait(millis) => peer.wait(*millis),
        }
    }
    let enough = expected.len().max(1);
    let mut received = peer.finish(&mut |bytes| whole_answers(bytes, expected) >= enough);
    if case.row == Row::BytesAfterRequest
        && received.end == End::Reset
        && whole_answers(&received.bytes, expected) >= enough
    {
        // The server may have closed before the extra bytes came. The kernel then answers these bytes with a reset.
        received.end = End::Closed;
    }
    Ok(Outcome::of(received, expected))
}

/// Sends bytes in pieces. `before` is how many bytes were sent earlier.
fn send(peer: &mut (dyn Peer + '_), bytes: &[u8], before: usize, split: Split) {
    match split {
        Split::ByteByByte => bytes.chunks(1).for_each(|byte| peer.send(byte)),
        Split::At(index) => match index.checked_sub(before).and_then(|index| bytes.split_at_checked(index)) {
            Some((first, second)) if !first.is_empty() && !second.is_empty() => {
                peer.send(first);
                peer.send(second);
            }
            _ => peer.send(bytes),
        },
        Split::Whole => peer.send(bytes),
    }
}

/// Counts the whole answers. An answer that only the close of the connection ends counts as soon as its head is there.
fn whole_answers(bytes: &[u8], expected: &[Expected]) -> usize {
    let (mut count, mut rest) = (0_usize, bytes);
    while let Some((answer, after)) = Answer::first(rest, expected.get(count).is_some_and(|e| e.bare)) {
        if !answer.whole {
            break;
        }
        count = count.saturating_add(1);
        rest = after;
    }
    count
}
