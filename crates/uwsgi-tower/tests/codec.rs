//! The codec for `tokio_util::codec`.
#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncWriteExt, duplex};
use tokio_util::codec::{Decoder, Framed};
use uwsgi::{DecodeErrorKind, Limits, Modifier1, Packet};
use uwsgi_tower::{CodecError, PacketCodec};

/// Three packets: with vars, empty, and with raw bytes.
fn packets() -> [Packet<'static>; 3] {
    [
        Packet::new(Modifier1::WSGI, 0, b"\x01\0A\x01\0B").unwrap(),
        Packet::new(Modifier1::PING, 7, b"").unwrap(),
        Packet::new(Modifier1::ECHO, 255, &[b'x'; 65535]).unwrap(),
    ]
}

fn wire() -> Vec<u8> {
    packets().iter().flat_map(|packet| [&packet.header().to_bytes(), packet.payload()].concat()).collect()
}

#[tokio::test]
async fn packets_cross_a_connection() {
    let (ours, theirs) = duplex(1000);
    let (mut ours, theirs) = (Framed::new(ours, PacketCodec::new()), Framed::new(theirs, PacketCodec::new()));
    tokio::spawn(async move {
        for packet in packets() {
            ours.send(packet).await.unwrap();
        }
    });
    let got: Vec<_> = theirs.map(Result::unwrap).collect().await;
    assert_eq!(got.len(), 3);
    for (got, sent) in got.iter().zip(packets()) {
        assert_eq!((got.header(), &got.payload()[..]), (sent.header(), sent.payload()));
    }
    let [first, ..] = &got[..] else { panic!("there are three packets") };
    assert_eq!(first.vars().unwrap().get("A"), Some(&b"B"[..]));
    assert_eq!(first.request().unwrap().var("A"), Some(&b"B"[..]));
    assert_eq!(first.as_bytes(), &wire()[..10]);
}

/// Wherever the stream is cut, the packets are the same. The end of the stream inside a packet is an error.
#[test]
fn every_cut_gives_the_same_packets() {
    let wire = wire();
    let ends = [10, 14, wire.len()];
    for cut in (0..100).chain([wire.len() - 1, wire.len()]) {
        let (mut codec, mut bytes) = (PacketCodec::new(), BytesMut::from(&wire[..cut]));
        let mut count = 0;
        while codec.decode(&mut bytes).unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, ends.iter().filter(|end| **end <= cut).count(), "{cut}");
        match codec.decode_eof(&mut bytes) {
            Ok(None) => assert!(cut == 0 || ends.contains(&cut), "{cut}"),
            Ok(Some(_)) => panic!("a packet after the last"),
            Err(error) => assert!(error.is_truncated() && !ends.contains(&cut), "{cut}: {error}"),
        }
        bytes.extend_from_slice(&wire[cut..]);
        while codec.decode(&mut bytes).unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 3, "{cut}");
    }
}

#[test]
fn a_packet_over_the_limit_is_refused_by_its_header() {
    let mut codec = PacketCodec::new().with_limits(Limits::wire().with_datasize(100));
    let mut bytes = BytesMut::from(&b"\0\x65\0\0"[..]);
    let Err(CodecError::Decode(error)) = codec.decode(&mut bytes) else { panic!("the packet was accepted") };
    assert_eq!(error.kind(), DecodeErrorKind::DatasizeLimit);
}

/// The body of a request is read from the buffer and the connection of the codec.
#[tokio::test]
async fn a_body_follows_its_packet() {
    let (mut ours, theirs) = duplex(1000);
    ours.write_all(b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x005hello").await.unwrap();
    let mut framed = Framed::new(theirs, PacketCodec::new());
    let packet = framed.next().await.unwrap().unwrap();
    assert_eq!(packet.request().unwrap().content_length().unwrap(), Some(5));
    assert_eq!(framed.into_parts().read_buf.freeze(), Bytes::from("hello"));
}
