//! The answer to a packet that is not a web request: every prefix of it, with and without the end of the stream.

use uwsgi::client::MessageStep::{self, Http, Need, NoAnswer, Packet};
use uwsgi::client::message_answer;

/// Bytes, what they are while more may come, what they are at the end of the stream (`None`: the same), why.
type Row = (&'static [u8], MessageStep, Option<MessageStep>, &'static str);

const ROWS: &[Row] = &[
    (b"", Need(4), Some(NoAnswer), "uWSGI closes where it refuses, core/protocol.c"),
    (b"\x64\0\0\x01", Packet { end: 4 }, None, "a pong, plugins/ping"),
    (b"\xff\0\0\x01", Packet { end: 4 }, None, "a reply, plugins/spooler"),
    (b"\xad\x02\0\x0042", Packet { end: 6 }, None, "a result, plugins/rpc"),
    (b"\xad\x02\0\x0042 and more", Packet { end: 6 }, None, "what follows is not the packet's"),
    (b"HTTP/1.1 501 Not Implemented\r\n\r\n", Http { status: 501 }, None, "ours"),
    (b"HTTP/1.1 400", Http { status: 400 }, None, "a server that takes web requests only"),
    (b"HTTP/1.0 500 ", Http { status: 500 }, None, "whatever the version"),
    (b"HTTP/1.1 4", Need(2), Some(Http { status: 0 }), "cut short"),
    (b"HTTP", Need(8), Some(Http { status: 0 }), "cut short"),
    (b"HTTP/1.1 x00", Http { status: 0 }, None, "no status"),
    (b"HTTPHTTPHTTPHTTP", Http { status: 0 }, None, "no status"),
];

#[test]
fn every_row_is_read_as_it_says() {
    for (bytes, open, ended, why) in ROWS {
        assert_eq!(message_answer(bytes, false), *open, "{} ({why})", bytes.escape_ascii());
        assert_eq!(message_answer(bytes, true), ended.unwrap_or(*open), "{} ({why})", bytes.escape_ascii());
    }
}

/// Every prefix asks for more bytes, for no more than are missing, and never gives another result.
#[test]
fn every_prefix_asks_for_more_bytes() {
    for (bytes, open, ..) in ROWS {
        for len in 0..bytes.len() {
            match message_answer(&bytes[..len], false) {
                Need(more) => assert!(more > 0 && (matches!(open, Need(_)) || len + more <= bytes.len())),
                step => assert_eq!(step, *open, "{} bytes of {}", len, bytes.escape_ascii()),
            }
        }
    }
}

#[test]
fn an_answer_cut_short_is_malformed() {
    for bytes in [&b"\x64"[..], b"\x64\0\0", b"\xad\x02\0\x004", b"HTT"] {
        let MessageStep::Malformed(error) = message_answer(bytes, true) else { panic!("{}", bytes.escape_ascii()) };
        assert_eq!(message_answer(bytes, false), Need(error.needed().unwrap()));
    }
}
