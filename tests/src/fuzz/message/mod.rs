//! Packets that are not HTTP requests.

mod cache;
mod rpc;
mod subscription;

use uwsgi::message::{Echo, MessageError, Ping, Pong, Reply, Signal, SpoolTask};
use uwsgi::{Modifier1, Packet};

use cache::{cache_answer, cache_arrays, cache_request};
use rpc::{rpc_answer, rpc_call};
use subscription::subscription;

use super::{in_packet, last, packet_of, print, show};
use crate::naive::{self, Fault, Pair, Rules};

/// The input is a packet of any kind. If its datasize does not match, the payload is all that follows the header. The
/// packet is decoded as every kind of message.
///
/// Oracle: a message decodes exactly if the naive decoder's pairs or items say so, and its fields are the last values
/// of their keys. If a message is refused, the pairs or items show the reason. A decoded message encodes, and decodes to
/// the same message again. The payload of a signed subscription is the pairs that the signature covers, and the
/// signature.
pub fn message(input: &[u8]) {
    if let Some(packet) = packet_of(input) {
        simple(&packet);
        spool_task(&packet);
        rpc_call(&packet);
        rpc_answer(&packet);
        cache_request(&packet);
        cache_answer(&packet);
        cache_arrays(&packet);
        subscription(&packet);
    }
}

/// Returns the naive decoder's pairs of the payload.
fn pairs(packet: &Packet<'_>) -> Result<Vec<Pair>, MessageError> {
    naive::vars(packet.payload(), &Rules::WIRE).whole().map_err(|fault| malformed(packet.vars().err(), fault))
}

fn items(packet: &Packet<'_>) -> Result<Vec<Vec<u8>>, MessageError> {
    naive::array(packet.payload()).whole().map_err(|fault| malformed(packet.array().err(), fault))
}

/// Returns the crate's error, after a check that the naive decoder found the same.
fn malformed(error: Option<uwsgi::DecodeError>, fault: Fault) -> MessageError {
    let error = error.expect("decodes, but not naively");
    assert_eq!(Fault::from(error), in_packet(fault));
    MessageError::Decode(error)
}

fn expect(packet: &Packet<'_>, modifier1: Modifier1) -> Result<(), MessageError> {
    if packet.modifier1() == modifier1 { Ok(()) } else { Err(MessageError::Modifier1 { expected: modifier1 }) }
}

fn expect_both(packet: &Packet<'_>, modifier1: Modifier1, modifier2: u8) -> Result<(), MessageError> {
    expect(packet, modifier1)?;
    if packet.modifier2() == modifier2 { Ok(()) } else { Err(MessageError::Modifier2 { found: packet.modifier2() }) }
}

/// Returns a decimal number of at most 64 bits, if the key is there.
fn number(pairs: &[Pair], key: &'static str) -> Result<Option<u64>, MessageError> {
    last(pairs, key.as_bytes()).map(|text| decimal(text, key)).transpose()
}

fn decimal(text: &[u8], key: &'static str) -> Result<u64, MessageError> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.ok_or(MessageError::Invalid { key })
}

/// Decodes the packet that was just written.
fn decode_back(bytes: &[u8]) -> Packet<'_> {
    let (packet, rest) = Packet::decode(bytes).expect("not a packet, but encoded as one");
    assert_eq!(rest, b"");
    packet
}

/// Checks the messages that hold nothing but modifiers and bytes.
fn simple(packet: &Packet<'_>) {
    let mut buffer = Vec::new();
    assert_eq!(Ping::decode(packet), expect(packet, Modifier1::PING).map(|()| Ping));
    if Ping::decode(packet).is_ok() {
        let bytes = Ping.encode(&mut buffer).expect("a Vec has room");
        assert_eq!(Ping::decode(&decode_back(bytes)), Ok(Ping));
    }

    let mut buffer = Vec::new();
    let pong = Pong::decode(packet);
    assert_eq!(pong.map(|pong| pong.warning), expect_both(packet, Modifier1::PING, 1).map(|()| packet.payload()));
    if let Ok(pong) = pong {
        assert_eq!(decode_back(pong.encode(&mut buffer).expect("a Vec has room")), *packet);
    }

    let mut buffer = Vec::new();
    let echo = Echo::decode(packet);
    assert_eq!(echo.map(|echo| echo.bytes), expect(packet, Modifier1::ECHO).map(|()| packet.payload()));
    if let Ok(echo) = echo {
        assert_eq!(Echo::decode(&decode_back(echo.encode(&mut buffer).expect("a Vec has room"))), Ok(echo));
    }

    let mut buffer = Vec::new();
    let signal = Signal::decode(packet);
    assert_eq!(signal.map(|signal| signal.number), expect(packet, Modifier1::SIGNAL).map(|()| packet.modifier2()));
    if let Ok(signal) = signal {
        assert_eq!(Signal::decode(&decode_back(signal.encode(&mut buffer).expect("a Vec has room"))), Ok(signal));
    }

    let mut buffer = Vec::new();
    let reply = Reply::decode(packet);
    let want = expect(packet, Modifier1::RESPONSE).and_then(|()| match packet.modifier2() {
        1 => Ok(Reply::Accepted),
        0 => Ok(Reply::Refused),
        found => Err(MessageError::Modifier2 { found }),
    });
    assert_eq!(reply, want);
    if let Ok(reply) = reply {
        assert_eq!(Reply::decode(&decode_back(reply.encode(&mut buffer).expect("a Vec has room"))), Ok(reply));
    }
    if let Err(error) = reply {
        print(&error);
    }
}

fn spool_task(packet: &Packet<'_>) {
    let want = expect(packet, Modifier1::SPOOLER).and_then(|()| pairs(packet));
    let (task, pairs) = match (SpoolTask::decode(packet), want) {
        (Ok(task), Ok(pairs)) => (task, pairs),
        (got, want) => return refused(got, want),
    };
    assert!(task.vars().iter().eq(pairs.iter().map(|(key, value)| (&key[..], &value[..]))));
    assert_eq!(task.spooler(), last(&pairs, b"spooler"));
    assert_eq!(task.priority(), last(&pairs, b"priority"));
    assert_eq!(task.at(), number(&pairs, "at"));
    let inside = match task.priority() {
        None => true,
        Some(name) => !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0),
    };
    assert_eq!(task.priority_stays_inside(), inside);
    assert_eq!(SpoolTask::new(task.vars()), task);
    let mut buffer = Vec::new();
    let bytes = task.encode(&mut buffer).expect("a Vec has room");
    assert_eq!(SpoolTask::decode(&decode_back(bytes)), Ok(task));
    assert_eq!(bytes[4..], *packet.payload());
}

/// Checks that the crate and the oracle both refuse, and for the same reason.
fn refused<G: std::fmt::Debug, W: std::fmt::Debug>(got: Result<G, MessageError>, want: Result<W, MessageError>) {
    match (got, want) {
        (Err(got), Err(want)) => {
            assert_eq!(got, want);
            print(&got);
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    }
}
