//! The crate's own generators of packets.

use arbitrary::{Arbitrary, Unstructured};
use uwsgi::arbitrary::{NearlyWellFormed, WebRequest, WellFormed};
use uwsgi::server::{HeadStep, Receive, Settings};
use uwsgi::{Packet, Time};

use super::{packet, show};
use crate::naive::{self, Rules};

/// The input steers the generators of `uwsgi::arbitrary`.
///
/// Oracle: a packet of the generator of well-formed packets decodes in the form that its modifiers name, and so it does
/// with the naive decoder. Its body follows the packet. All generated packets, the nearly well-formed ones too, go
/// through the oracles of the targets `packet`, `request` and `message`. A server accepts each web request, and its length is
/// that of its body.
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
    if let Ok(made) = WebRequest::arbitrary(&mut Unstructured::new(input)) {
        show(&made);
        let mut receive = Receive::new(Settings::default(), Time::ZERO);
        let step = receive.head(made.as_bytes(), false, Time::ZERO);
        assert_eq!(step, HeadStep::Head { end: made.packet().len() });
        let request = receive.request(made.packet()).expect("a request that a server accepts");
        assert_eq!(request.content_length().expect("a length").unwrap_or(0), made.body().len() as u64);
        assert_eq!([made.packet(), made.body()].concat(), made.as_bytes());
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
