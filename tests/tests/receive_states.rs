//! The receiving machine in each of its states: the result of a repeated call, and which packets are accepted.

use std::time::Duration;

use uwsgi::Time;
use uwsgi::server::{BodyStep, Drain, DrainStep, HeadStep, Receive, Refusal, Settings};
use uwsgi::{ContentErrorKind, DecodeErrorKind, Foreign, Limits, Modifier1};
use uwsgi_conformance::SMALL;

const START: Time = Time::ZERO;

fn receive(settings: Settings) -> Receive {
    Receive::new(settings, START)
}

#[test]
fn a_connection_that_was_refused_stays_refused() {
    let rows: [(&[u8], Refusal); 3] = [
        (b"GET / HTTP/1.1\r\n\r\n", Refusal::Foreign(Foreign::Http)),
        (b"\x05\x06\0\0\x01\0A\x01\0B", Refusal::Modifier1(Modifier1::PSGI)),
        (b"\0\0\0\0", Refusal::Empty),
    ];
    for (bytes, refusal) in rows {
        let mut receive = receive(Settings::default());
        assert_eq!(receive.head(bytes, false, START), HeadStep::Refuse(refusal));
        let packet = SMALL.build();
        assert_eq!(receive.head(&packet, false, START), HeadStep::Refuse(refusal), "after {bytes:?}");
        assert_eq!(receive.head(b"", true, START), HeadStep::Refuse(refusal), "after {bytes:?}");
        assert_eq!(receive.body(b"body", false, START), BodyStep::Fail(refusal), "after {bytes:?}");
        assert_eq!(receive.deadline(), None, "no deadline after {bytes:?}");
    }
}

#[test]
fn a_request_that_was_refused_has_no_body() {
    let packet = b"\0\x12\0\0\x0e\0REQUEST_METHOD\0\0";
    let mut receive = receive(Settings::default());
    assert_eq!(receive.head(packet, false, START), HeadStep::Head { end: packet.len() });
    let refusal = Refusal::Content { kind: ContentErrorKind::EmptyMethod, position: 0 };
    assert_eq!(receive.request(packet).map(|_| ()), Err(refusal));
    assert_eq!(receive.body(b"hello", false, START), BodyStep::Fail(refusal));
}

#[test]
fn a_header_is_refused_by_its_modifiers_and_its_look() {
    let get = Modifier1(b'G');
    let rows: [(&[u8], Settings, HeadStep); 9] = [
        // Where the kind of packet is accepted, a packet may look like HTTP by chance: 21573 bytes follow.
        (b"GET ", Settings::default(), HeadStep::Refuse(Refusal::Foreign(Foreign::Http))),
        (b"GET ", Settings::default().with_modifier1(get), HeadStep::Need(21573)),
        (b"\x05\x05\0\0", Settings::default(), HeadStep::Refuse(Refusal::Modifier1(Modifier1::PSGI))),
        (b"\x05\x05\0\0", Settings::default().with_modifier1(Modifier1::PSGI), HeadStep::Need(5)),
        (b"\x64\0\0\0", Settings::default(), HeadStep::Pong { end: 4 }),
        // A ping always gets a pong, and its payload is skipped.
        (b"\x64\0\0\0", Settings::default().with_modifier1(Modifier1::PING), HeadStep::Pong { end: 4 }),
        (b"\x64\x01\0\0A", Settings::default().with_modifier1(Modifier1::PING), HeadStep::Pong { end: 5 }),
        // A signal is only a header.
        (b"\x6e\0\0\x11", Settings::default().with_modifier1(Modifier1::SIGNAL), HeadStep::Message { end: 4 }),
        (b"\xad\x07\0\0\x05\0hello", Settings::default().with_modifier1(Modifier1::RPC), HeadStep::Message { end: 11 }),
    ];
    for (bytes, settings, step) in rows {
        assert_eq!(receive(settings).head(bytes, false, START), step, "{}", bytes.escape_ascii());
    }
}

#[test]
fn all_bytes_after_a_message_belong_to_it() {
    let bytes = b"\x11\x06\0\0\x01\0A\x01\0Bthe body";
    let mut receive = receive(Settings::default().with_modifier1(Modifier1::SPOOLER));
    assert_eq!(receive.head(bytes, false, START), HeadStep::Message { end: 10 });
    let packet = receive.message(&bytes[..10]).unwrap();
    assert_eq!((packet.modifier1(), packet.payload()), (Modifier1::SPOOLER, &b"\x01\0A\x01\0B"[..]));
    assert_eq!(receive.body(&bytes[10..], false, START), BodyStep::Body { skip: 0, take: 8 });
    assert_eq!(receive.body(b"", false, START), BodyStep::Need(1));
    assert_eq!(receive.body(b"", true, START), BodyStep::End { skip: 0 });
    assert_eq!(receive.deadline(), None);
    // Bytes of the reply have left: the connection is still not a pipe.
    receive.upgrade();
    assert_eq!(receive.body(b"", false, START), BodyStep::Need(1));
    assert_eq!(receive.deadline(), Some(Time::from_millis(30_000)));
    assert_eq!(receive.body(b"", true, START), BodyStep::End { skip: 0 });
    assert!(!receive.allows_another());
}

#[test]
fn a_message_over_the_limit_is_refused() {
    let settings =
        Settings::default().with_modifier1(Modifier1::SPOOLER).with_limits(Limits::server().with_datasize(5));
    let mut receive = receive(settings);
    let HeadStep::Refuse(Refusal::Decode(error)) = receive.head(b"\x11\x06\0\0\x01\0A\x01\0B", false, START) else {
        panic!()
    };
    assert_eq!(error.kind(), DecodeErrorKind::DatasizeLimit);
    assert_eq!(receive.body(b"", true, START), BodyStep::Fail(Refusal::Decode(error)));
}

#[test]
fn the_first_request_has_the_header_timeout() {
    let receive = receive(Settings::default().with_keepalive(Duration::from_secs(1)));
    assert_eq!(receive.deadline(), Some(Time::from_millis(10_000)));
}

#[test]
fn a_drain_ends_at_each_of_its_limits() {
    let mut settings = Settings::default();
    (settings.drain_bytes, settings.drain_time) = (65_536, Duration::from_secs(2));
    let drain = || Drain::new(&settings, START);
    let late = Time::from_millis(2_000);
    let rows = [
        (1, false, START, DrainStep::Need(65_535)),
        (1, true, START, DrainStep::Close),
        (65_536, false, START, DrainStep::Close),
        (1_000_000, false, START, DrainStep::Close),
        (1, false, late, DrainStep::Close),
    ];
    for (dropped, eof, now, step) in rows {
        assert_eq!(drain().step(dropped, eof, now), step, "{dropped} bytes, end {eof}, at {now:?}");
    }
}

#[test]
fn the_smallest_buffer_holds_a_packet_and_one_byte_more() {
    for (datasize, buffer) in [(0, 5), (100, 105), (u16::MAX, 65_540)] {
        let settings = Settings::default().with_limits(Limits::server().with_datasize(datasize));
        assert_eq!(settings.smallest_buffer(), buffer);
    }
}

/// Returns a connection that may be kept. Its request has been read, and its body of 5 bytes has not.
fn with_body() -> Receive {
    let packet = SMALL.post(b"5").build();
    let mut receive = receive(Settings::default().with_keepalive(Duration::from_secs(5)));
    assert_eq!(receive.head(&packet, false, START), HeadStep::Head { end: packet.len() });
    receive.request(&packet).unwrap();
    receive
}

#[test]
fn unread_bytes_of_a_body_come_again() {
    for unread in [0, 1, 5, 6] {
        let mut receive = with_body();
        assert_eq!(receive.body(b"hello", false, START), BodyStep::Body { skip: 0, take: 5 });
        receive.unread(unread);
        assert!(receive.allows_another(), "{unread} bytes unread");
        let left = match unread.min(5) {
            0 => BodyStep::End { skip: 0 },
            left => BodyStep::Need(left),
        };
        assert_eq!(receive.body(b"", false, START), left, "{unread} bytes unread");
    }
    // While more bytes are to come, the body goes on.
    let mut receive = with_body();
    assert_eq!(receive.body(b"hel", false, START), BodyStep::Body { skip: 0, take: 3 });
    receive.unread(3);
    assert_eq!(receive.body(b"", false, START), BodyStep::Need(5));
}

#[test]
fn a_chunked_body_that_was_read_is_over() {
    let packet = SMALL.more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).build();
    let mut settings = Settings::default().with_keepalive(Duration::from_secs(5));
    settings.chunked = true;
    let mut receive = receive(settings);
    assert_eq!(receive.head(&packet, false, START), HeadStep::Head { end: packet.len() });
    receive.request(&packet).unwrap();
    assert_eq!(receive.body(b"0\r\n\r\n", false, START), BodyStep::End { skip: 5 });
    assert_eq!(receive.body(b"next", false, START), BodyStep::End { skip: 0 });
    assert!(!receive.allows_another(), "no front end keeps a connection after a chunked body");
}

/// Calls that bring a connection into a phase, and one that does not belong to it.
#[test]
fn a_call_out_of_order_fails_and_so_does_every_later_call() {
    type Call = fn(&mut Receive);
    let head: Call = |receive| {
        let _step = receive.head(&SMALL.post(b"5").build(), false, START);
    };
    let part: Call = |receive| {
        let _step = receive.head(b"\0\x10", false, START);
    };
    let request: Call = |receive| {
        let _step = receive.request(&SMALL.post(b"5").build());
    };
    let body: Call = |receive| {
        let _step = receive.body(b"hel", false, START);
    };
    let rest: Call = |receive| {
        let _step = receive.body(b"lo", false, START);
    };
    let ping: Call = |receive| {
        let _step = receive.head(b"\x64\0\0\0", false, START);
    };
    let signal: Call = |receive| {
        let _step = receive.head(b"\x6e\0\0\x11", false, START);
    };
    let close: Call = |receive| assert_eq!(receive.head(b"", true, START), HeadStep::Close);
    let rows: [(&str, &[Call], Call); 14] = [
        ("a body of no request", &[], body),
        ("a request that nobody announced", &[], request),
        ("a pipe of no request", &[], Receive::upgrade),
        ("a body inside a packet", &[part], body),
        ("a pipe inside a packet", &[part], Receive::upgrade),
        ("a second head before the request", &[head], head),
        ("a body before the request", &[head], body),
        ("fewer bytes than were announced", &[head], |receive| {
            let _step = receive.request(&SMALL.build());
        }),
        ("a second request", &[head, request], request),
        ("a body as a head", &[head, request], |receive| {
            let _step = receive.head(b"hello", false, START);
        }),
        ("no bytes as a head, inside a body", &[head, request, body], |receive| {
            let _step = receive.head(b"", false, START);
        }),
        ("a head after a body", &[head, request, body, rest], head),
        ("a head after a ping", &[ping], head),
        ("a signal as a request", &[signal], |receive| {
            let _step = receive.request(b"\x6e\0\0\x11");
        }),
    ];
    for (name, before, call) in rows {
        let mut receive = receive(Settings::default().with_modifier1(Modifier1::SIGNAL));
        before.iter().for_each(|call| call(&mut receive));
        call(&mut receive);
        let refusal = Refusal::OutOfOrder;
        let packet = SMALL.build();
        assert_eq!(receive.head(&packet, false, START), HeadStep::Refuse(refusal), "{name}");
        assert_eq!(receive.request(&packet).map(drop), Err(refusal), "{name}");
        assert_eq!(receive.message(&packet).map(drop), Err(refusal), "{name}");
        assert_eq!(receive.body(b"hello", false, START), BodyStep::Fail(refusal), "{name}");
        receive.upgrade();
        assert_eq!(receive.body(b"hello", true, START), BodyStep::Fail(refusal), "{name}");
        assert!(!receive.allows_another() && receive.deadline().is_none(), "{name}");
        assert_eq!(refusal.status(), 500);
    }
    let mut closed = receive(Settings::default());
    close(&mut closed);
    assert_eq!(closed.head(&SMALL.build(), false, START), HeadStep::Close, "a close stays a close");
    let mut drain = Drain::new(&Settings::default(), START);
    assert_eq!(drain.step(0, true, START), DrainStep::Close);
    assert_eq!(drain.step(0, false, START), DrainStep::Close, "and so does the close of a drain");
}
