//! The crate's own generators of packets.

use arbitrary::{Arbitrary, Unstructured};
use uwsgi::Packet;
use uwsgi::arbitrary::{NearlyWellFormed, WellFormed};

use super::{packet, show};
use crate::naive::{self, Rules};

/// The input steers the generators of `uwsgi::arbitrary`.
///
/// Oracle: a packet of the generator of well-formed packets decodes in the form that its modifiers name, and so it does
/// with the naive decoder. Its body follows the packet. All generated packets, the nearly well-formed ones too, go
/// through the oracles of the targets `packet`, `request` and `message`.
pub fn arbitrary(input: &[u8]) {
    if let Ok(made) = WellFormed::arbitrary(&mut Unstructured::new(input)) {
        show(&made);
        let (packet, rest) = Packet::decode(made.as_bytes()).expect("not a packet");
        assert_eq!(rest, made.body());
        assert_eq!(packet.encode(&mut Vec::new()), Ok(made.packet()));
        assert!(packet.content().is_ok(), "{:?}", packet.content());
        let naive = naive::packet(made.as_bytes(), &Rules::WIRE).expect("not a packet to the naive decoder");
        assert_eq!((&naive.payload[..], &naive.rest[..]), (packet.payload(), made.body()));
        check(made.as_bytes());
    }
    if let Ok(made) = NearlyWellFormed::arbitrary(&mut Unstructured::new(input)) {
        show(&made);
        check(made.as_bytes());
    }
}

fn check(bytes: &[u8]) {
    packet(bytes);
    super::request(bytes);
    super::message(bytes);
}
