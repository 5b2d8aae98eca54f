//! What each error of the crate prints, and what a proxy answers.

use core::error::Error;
use core::time::Duration;
use std::io;

use uwsgi::chunked::ChunkError;
use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::message::{MessageError, Ping};
use uwsgi::response::ResponseHead;
use uwsgi::{Packet, VarsEncoder};

use super::{Asked, ClientError, ClientErrorKind as Kind};
use crate::server::head_error::HeadError;
use crate::transport::stream::Timeout;

const SECOND: Duration = Duration::from_secs(1);

/// An error, the status of a proxy, and whether it is a timeout and an error of the connect.
struct Row(Kind, u16, bool, bool);

fn rows() -> Vec<Row> {
    let broken = || io::Error::from_raw_os_error(rustix::io::Errno::CONNRESET.raw_os_error());
    let of_errno = |errno: rustix::io::Errno| io::Error::from_raw_os_error(errno.raw_os_error());
    let connect = |errno| Kind::Connect(of_errno(errno));
    let malformed = Packet::decode(b"\0\x02\0\0\0\0").and_then(|(packet, _)| packet.vars()).unwrap_err();
    let empty_key = VarsEncoder::new(&mut Vec::new()).push_raw("", "").unwrap_err();
    let bad_head = ResponseHead::decode(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n").unwrap_err();
    let not_a_ping = Ping::decode(&Packet::decode(b"\0\0\0\0").unwrap().0).unwrap_err();
    vec![
        Row(Kind::Answer(ExchangeError::BodyCutShort { missing: 3 }), 502, false, false),
        Row(Kind::Answer(ExchangeError::Chunk(ChunkError::Size)), 502, false, false),
        Row(Kind::Answer(ExchangeError::Response(bad_head)), 502, false, false),
        Row(Kind::Answer(ExchangeError::UnaskedUpgrade), 502, false, false),
        Row(Kind::Body(broken()), 400, false, false),
        Row(Kind::BodyTooShort { missing: 3 }, 400, false, false),
        Row(connect(rustix::io::Errno::CONNREFUSED), 502, false, true),
        Row(connect(rustix::io::Errno::NOENT), 502, false, true),
        Row(connect(rustix::io::Errno::ACCESS), 502, false, true),
        Row(connect(rustix::io::Errno::HOSTUNREACH), 502, false, true),
        Row(Kind::Connect(io::Error::new(io::ErrorKind::NotFound, "the name has no address")), 502, false, true),
        Row(connect(rustix::io::Errno::AGAIN), 503, false, true),
        Row(connect(rustix::io::Errno::MFILE), 503, false, true),
        Row(connect(rustix::io::Errno::ADDRNOTAVAIL), 503, false, true),
        Row(Kind::DatagramTooLong { length: 5000, most: 4096 }, 500, false, false),
        Row(Kind::Decode(malformed), 500, false, false),
        Row(Kind::Encode(empty_key), 500, false, false),
        Row(Kind::Framing(FramingError::InvalidLength), 400, false, false),
        Row(Kind::Http { status: 400 }, 502, false, false),
        Row(Kind::InvalidMessage(MessageError::Invalid { key: "key" }), 500, false, false),
        Row(Kind::Message(MessageError::Decode(malformed)), 502, false, false),
        Row(Kind::Message(not_a_ping), 502, false, false),
        Row(Kind::NoAnswer(Asked::Request), 502, false, false),
        Row(Kind::NoAnswer(Asked::Cache), 502, false, false),
        Row(Kind::Refused(Asked::Spool), 502, false, false),
        Row(Kind::Read(broken()), 502, false, false),
        Row(Kind::TimedOut(Timeout::Connect(SECOND)), 503, true, true),
        Row(Kind::TimedOut(Timeout::Read(SECOND)), 504, true, false),
        Row(Kind::TimedOut(Timeout::Write(SECOND)), 504, true, false),
        Row(Kind::TimedOut(Timeout::Total(SECOND)), 504, true, false),
        Row(Kind::TooLong { most: 5 }, 502, false, false),
        Row(Kind::TooManyArguments { most: 254 }, 500, false, false),
        Row(Kind::TrailingBytes { count: 5 }, 500, false, false),
        Row(Kind::Write(broken()), 502, false, false),
    ]
}

/// Returns the name of a variant. A new one does not compile until it is listed here.
const fn variant(kind: &Kind) -> &'static str {
    match kind {
        Kind::Answer(_) => "Answer",
        Kind::Body(_) => "Body",
        Kind::BodyTooShort { .. } => "BodyTooShort",
        Kind::Connect(_) => "Connect",
        Kind::DatagramTooLong { .. } => "DatagramTooLong",
        Kind::Decode(_) => "Decode",
        Kind::Encode(_) => "Encode",
        Kind::Framing(_) => "Framing",
        Kind::Http { .. } => "Http",
        Kind::InvalidMessage(_) => "InvalidMessage",
        Kind::Message(_) => "Message",
        Kind::NoAnswer(_) => "NoAnswer",
        Kind::Refused(_) => "Refused",
        Kind::Read(_) => "Read",
        Kind::TimedOut(_) => "TimedOut",
        Kind::TooLong { .. } => "TooLong",
        Kind::TooManyArguments { .. } => "TooManyArguments",
        Kind::TrailingBytes { .. } => "TrailingBytes",
        Kind::Write(_) => "Write",
    }
}

/// Checks that the texts of an error and of its sources say nothing twice, and that `{:#}` prints them all.
fn check_chain(error: &(dyn Error + 'static)) {
    let errors = core::iter::successors(Some(error), |error| (*error).source());
    let texts: Vec<String> = errors.map(ToString::to_string).collect();
    for (index, text) in texts.iter().enumerate() {
        assert!(!text.is_empty(), "{texts:?}");
        let others = texts.iter().enumerate().filter(|(other, _)| *other != index);
        others.for_each(|(_, other)| assert!(!other.contains(&**text), "said twice: {texts:?}"));
    }
    assert_eq!(format!("{error:#}"), texts.join(": "));
}

#[test]
fn no_error_says_the_same_twice() {
    let mut seen: Vec<&str> = rows().iter().map(|Row(kind, ..)| variant(kind)).collect();
    seen.dedup();
    assert_eq!(seen.len(), 19, "each variant has a row: {seen:?}");
    for Row(kind, ..) in rows() {
        check_chain(&kind);
        check_chain(&io::Error::other(kind));
    }
    for Row(kind, ..) in rows() {
        check_chain(&ClientError::new("127.0.0.1:3031", kind));
    }
    for Row(kind, ..) in rows() {
        check_chain(&io::Error::from(ClientError::new("127.0.0.1:3031", kind)));
    }
    check_chain(&HeadError::Left);
    let refused = uwsgi::response::ResponseEncoder::new(&mut Vec::new(), 0, "OK").unwrap_err();
    check_chain(&HeadError::Line(refused));
    check_chain(&io::Error::from(Timeout::Read(SECOND)));
}

#[test]
fn statuses_of_a_proxy() {
    for Row(kind, status, is_timeout, is_connect) in rows() {
        let error = ClientError::new("127.0.0.1:3031", kind);
        assert_eq!(
            (error.status(), error.is_timeout(), error.is_connect()),
            (status, is_timeout, is_connect),
            "{error}"
        );
    }
}

/// The cause is there, where the text alone does not say it.
#[test]
fn texts_with_their_causes() {
    let broken = || io::Error::from_raw_os_error(rustix::io::Errno::CONNRESET.raw_os_error());
    let rows = [
        (Kind::Read(broken()), "the connection broke inside the answer: Connection reset by peer (os error 104)"),
        (
            Kind::Answer(ExchangeError::Chunk(ChunkError::Size)),
            "the answer's chunked body is malformed: a chunk's size is not 1 to 16 hex digits",
        ),
        (Kind::Connect(io::ErrorKind::ConnectionRefused.into()), "nobody listens there: is the server running?"),
    ];
    for (kind, text) in rows {
        assert_eq!(format!("{:#}", ClientError::new("a:1", kind)), format!("a:1: {text}"));
    }
}
