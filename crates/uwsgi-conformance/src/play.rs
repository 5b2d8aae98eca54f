//! Playing a case against something that accepts connections.

use alloc::boxed::Box;
use core::fmt;
use std::io;

use crate::answers::{Answer, Outcome};
use crate::case::{Case, Expected};
use crate::row::Row;
use crate::step::Step;

/// What accepts connections.
pub trait Endpoint {
    /// Connects, to a server that is as the case needs it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] if the server is not as the case needs it: the case is not played.
    /// [`io::ErrorKind::TimedOut`] if it takes no connection in time, which is to hang. Anything else is that there is no
    /// connection to be had.
    fn connect(&self, case: &Case) -> io::Result<Box<dyn Peer + '_>>;
}

/// The sender's end of a connection. Nothing here fails: that a server takes no more bytes is a thing to be seen, and shows
/// in what was received.
pub trait Peer {
    /// Sends bytes, all of them if it can.
    fn send(&mut self, bytes: &[u8]);

    /// Lets so many milliseconds pass.
    fn wait(&mut self, millis: u64);

    /// Lets time pass until what was received is enough, or nothing more can come.
    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool);

    /// Closes the sending direction.
    fn shutdown_write(&mut self);

    /// Closes both directions.
    fn close(&mut self);

    /// Resets the connection.
    fn reset(&mut self);

    /// Reads until the connection has ended, or for as long as the peer is willing to wait. Behind what is enough it waits
    /// only to see whether the server closes.
    fn finish(self: Box<Self>, enough: &mut dyn FnMut(&[u8]) -> bool) -> Received;
}

/// What a peer has received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "peers are written elsewhere too")]
pub struct Received {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// For how many milliseconds nothing had come when it ended.
    pub silence: u64,
    /// How many milliseconds after it began it ended.
    pub took: u64,
}

/// How a connection ended, as its sender saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "peers are written elsewhere too")]
pub enum End {
    /// The server closed it, or its sending direction.
    Closed,
    /// The sender left first.
    Gone,
    /// It was still open when the sender had waited long enough.
    Open,
    /// The server reset it.
    Reset,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Gone => "the sender left",
            Self::Open => "still open",
            Self::Reset => "reset",
        })
    }
}

/// In which pieces bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "two pieces find what more of them do, and one byte at a time finds the rest"
)]
pub enum Split {
    /// One byte at a time.
    ByteByByte,
    /// In two pieces where the so-many-th byte of all that is sent begins.
    At(usize),
    /// As the case has them.
    Whole,
}

/// That a case did not come out as its verdict says.
#[derive(Debug)]
#[non_exhaustive]
pub struct Mismatch<'c> {
    /// The case.
    pub case: &'c Case,
    /// In which pieces it was sent.
    pub split: Split,
    /// What came of it, if there was a connection at all.
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

/// Plays a case, and holds what comes of it against its verdict.
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
/// [`Mismatch`]: what came of it is not what the verdict says.
pub fn play<'c>(case: &'c Case, endpoint: &(impl Endpoint + ?Sized), split: Split) -> Result<(), Mismatch<'c>> {
    match observe(case, endpoint, split) {
        Ok(outcome) if outcome.meets(&case.verdict) => Ok(()),
        outcome => Err(Mismatch { case, split, outcome }),
    }
}

/// Plays a case, and says what came of it.
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
/// Those of [`Endpoint::connect`].
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
    if case.row == Row::BytesBehind && received.end == End::Reset && whole_answers(&received.bytes, expected) >= enough
    {
        // A server may have closed before the bytes came that nobody asked for: the reset is the system's answer to them.
        received.end = End::Closed;
    }
    Ok(Outcome::of(received, expected))
}

/// Sends bytes, of which `before` were sent already, in pieces.
fn send(peer: &mut (dyn Peer + '_), bytes: &[u8], before: usize, split: Split) {
    match split {
        Split::ByteByByte => bytes.chunks(1).for_each(|byte| peer.send(byte)),
        Split::At(place) => match place.checked_sub(before).and_then(|place| bytes.split_at_checked(place)) {
            Some((first, second)) if !first.is_empty() && !second.is_empty() => {
                peer.send(first);
                peer.send(second);
            }
            _ => peer.send(bytes),
        },
        Split::Whole => peer.send(bytes),
    }
}

/// How many whole answers there are; one that ends with the connection counts as soon as its head is there.
fn whole_answers(bytes: &[u8], expected: &[Expected]) -> usize {
    let (mut count, mut rest) = (0_usize, bytes);
    while let Some((answer, behind)) = Answer::first(rest, expected.get(count).is_some_and(|e| e.bare)) {
        if !answer.whole {
            break;
        }
        count = count.saturating_add(1);
        rest = behind;
    }
    count
}
