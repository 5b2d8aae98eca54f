//! Requests with malformed or nearly malformed bytes, as they were sent to real servers.
//!
//! The verdicts of the servers are from uWSGI 2.0.31 at its default limits and gunicorn 27.0.1.

use uwsgi::DecodeErrorKind as Kind;
use uwsgi_tests::naive::Rules;

use crate::rows::{Input, Verdict, WireRow, changed, run_wire, small};

const SEEN: &str = "uWSGI 2.0 core/protocol.c uwsgi_parse_vars; gunicorn 27 uwsgi/message.py";
const READER: &str = "uWSGI 2.0 proto/uwsgi.c uwsgi_proto_uwsgi_parser; gunicorn 27 uwsgi/message.py";

/// The offset in the packet at which bytes after the small request begin.
const AFTER_SMALL: usize = 4 + 191;

/// Name, input, our verdict, uWSGI's, gunicorn's, source.
macro_rules! rows {
    ($($name:literal $input:expr, $rules:expr, $ours:expr, $uwsgi:literal, $gunicorn:literal, $source:expr;)*) => {
        const ROWS: &[WireRow] = &[$(WireRow {
            name: $name,
            input: $input,
            rules: $rules,
            ours: $ours,
            uwsgi: $uwsgi,
            gunicorn: $gunicorn,
            source: $source,
        }),*];
    };
}

const WIRE: Rules = Rules::WIRE;
const SERVER: Rules = Rules { vars: 1000, ..Rules::WIRE };

rows! {
    "good-get" small(&[]), WIRE, Verdict::Count(10), "200", "200", SEEN;
    "good-post" changed(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "5")]), WIRE, Verdict::Count(10),
        "200", "200", SEEN;
    "one-variable" Input::Vars(&[("REQUEST_METHOD", "GET")]), WIRE, Verdict::Vars(&[("REQUEST_METHOD", "GET")]),
        "200", "200", SEEN;

    // The header.
    "nothing" Input::Hex(""), WIRE, Verdict::Needs { more: 4, at: 0 }, "closes after 4 s", "worker killed after 5 s", READER;
    "header-1" Input::Hex("00"), WIRE, Verdict::Needs { more: 3, at: 0 }, "closes", "incomplete header", READER;
    "header-2" Input::Hex("0064"), WIRE, Verdict::Needs { more: 2, at: 0 }, "closes", "incomplete header", READER;
    "header-3" Input::Hex("006400"), WIRE, Verdict::Needs { more: 1, at: 0 }, "closes", "incomplete header", READER;
    "header-only" Input::Hex("00640000"), WIRE, Verdict::Needs { more: 100, at: 4 }, "closes", "incomplete vars block", READER;
    "datasize-0" Input::Hex("00000000"), WIRE, Verdict::Vars(&[]), "closes: Empty python request", "200: GET /", READER;
    "datasize-0-then-5-bytes" Input::Hex("00000000 68656c6c6f"), WIRE, Verdict::Vars(&[]), "closes: Empty python request",
        "200, and the 5 bytes as the next request", READER;
    "datasize-50-more" Input::Hex("00 3800 00  0100 41 0100 42"), WIRE, Verdict::Needs { more: 50, at: 4 },
        "closes", "incomplete vars block", READER;
    "datasize-inside-the-last-value" Input::Hex("00 0800 00  0100 41 0500 42424242 42"), WIRE,
        Verdict::Error(Kind::ValueOverrun, 9, 5, 3), "closes", "truncated value", SEEN;
    "datasize-without-the-last-pair" Input::Hex("00 0600 00  0100 41 0100 42  0100 43 0100 44"), WIRE,
        Verdict::Vars(&[("A", "B")]), "200", "200, and the pair as the next request", SEEN;

    // Keys.
    "key-overrun-1" Input::SmallThen("0400 616263"), WIRE, Verdict::Error(Kind::KeyOverrun, AFTER_SMALL + 2, 4, 3),
        "closes", "truncated key", SEEN;
    "key-overrun-max" Input::SmallThen("ffff 616263"), WIRE, Verdict::Error(Kind::KeyOverrun, AFTER_SMALL + 2, 65535, 3),
        "closes", "truncated key", SEEN;
    "key-overrun-first" Input::Hex("00 0e00 00  ffff 5155455259 0000  0100 41 0000"), WIRE,
        Verdict::Error(Kind::KeyOverrun, 6, 65535, 12), "closes: reads on after the length", "truncated key", SEEN;
    "key-overrun-that-hides-a-variable" Input::SmallThen("ffff 0600 485454505f58 0600 68696464656e"), WIRE,
        Verdict::Error(Kind::KeyOverrun, AFTER_SMALL + 2, 65535, 16), "200, and sees the hidden variable", "truncated key", SEEN;
    "key-to-the-end" Input::SmallThen("0300 616263"), WIRE, Verdict::Error(Kind::ValueLengthMissing, AFTER_SMALL + 5, 2, 0),
        "closes", "truncated value size", SEEN;
    "one-byte-after-the-key" Input::SmallThen("0300 616263 01"), WIRE,
        Verdict::Error(Kind::ValueLengthMissing, AFTER_SMALL + 5, 2, 1), "closes", "truncated value size", SEEN;
    "empty-key-and-value-last" Input::SmallThen("0000 0000"), WIRE, Verdict::Error(Kind::EmptyKey, AFTER_SMALL, 1, 0),
        "closes: uwsgi key cannot be null", "200", SEEN;
    "empty-key-first" Input::Vars(&[("", "value"), ("REQUEST_METHOD", "GET")]), WIRE,
        Verdict::Error(Kind::EmptyKey, 4, 1, 0), "closes: uwsgi key cannot be null", "200", SEEN;
    "empty-key-in-the-middle" small(&[("", "value"), ("A", "1")]), WIRE, Verdict::Error(Kind::EmptyKey, AFTER_SMALL, 1, 0),
        "closes: uwsgi key cannot be null", "200", SEEN;
    "key-in-lower-case" Input::Vars(&[("request_method", "POST")]), WIRE, Verdict::Vars(&[("request_method", "POST")]),
        "200, another key", "200, another key", SEEN;
    "key-with-equals" small(&[("HTTP_X=Y", "z")]), WIRE, Verdict::Count(11), "200", "200", SEEN;
    "key-with-nul" small(&[("HTTP_X\0Y", "z")]), WIRE, Verdict::Count(11), "200", "200", SEEN;
    "key-not-utf8" small(&[("HTTP_\u{ff}\u{fe}", "z")]), WIRE, Verdict::Count(11), "200", "200", SEEN;

    // Values.
    "value-overrun-1" Input::SmallThen("0100 6b 0400 616263"), WIRE, Verdict::Error(Kind::ValueOverrun, AFTER_SMALL + 5, 4, 3),
        "closes", "truncated value", SEEN;
    "value-overrun-max" Input::SmallThen("0100 6b ffff 616263"), WIRE,
        Verdict::Error(Kind::ValueOverrun, AFTER_SMALL + 5, 65535, 3), "closes", "truncated value", SEEN;
    "empty-value-last" Input::SmallThen("0600 485454505f58 0000"), WIRE, Verdict::Count(11), "200", "200", SEEN;

    // Bytes after the variables.
    "trailing-01" Input::SmallThen("01"), WIRE, Verdict::Error(Kind::KeyLengthMissing, AFTER_SMALL, 2, 1),
        "closes", "truncated key size", SEEN;
    "trailing-00" Input::SmallThen("00"), WIRE, Verdict::Error(Kind::KeyLengthMissing, AFTER_SMALL, 2, 1),
        "closes", "truncated key size", SEEN;
    "trailing-0000" Input::SmallThen("0000"), WIRE, Verdict::Error(Kind::EmptyKey, AFTER_SMALL, 1, 0),
        "closes", "truncated value size", SEEN;
    "trailing-0100" Input::SmallThen("0100"), WIRE, Verdict::Error(Kind::KeyOverrun, AFTER_SMALL + 2, 1, 0),
        "closes", "truncated key", SEEN;
    "trailing-000000" Input::SmallThen("000000"), Rules { empty_keys: true, ..Rules::WIRE },
        Verdict::Error(Kind::ValueLengthMissing, AFTER_SMALL + 2, 2, 1), "closes", "truncated value size", SEEN;

    // Sizes and counts.
    "vars-1000" Input::Times(1000, "0300 566172 0000"), SERVER, Verdict::Count(1000),
        "closes: invalid request block size", "200", SEEN;
    "vars-1001" Input::Times(1001, "0300 566172 0000"), SERVER, Verdict::Error(Kind::VarsLimit, 4 + 7000, 1001, 1000),
        "closes: invalid request block size", "too many variables", SEEN;
    "vars-13107" Input::Times(13107, "0100 6b 0000"), SERVER, Verdict::Error(Kind::VarsLimit, 4 + 5000, 1001, 1000),
        "closes: invalid request block size", "too many variables", SEEN;
    "vars-13107-on-the-wire" Input::Times(13107, "0100 6b 0000"), WIRE, Verdict::Count(13107),
        "closes: invalid request block size", "too many variables", SEEN;
    "vars-16383-with-no-keys" Input::Times(16383, "0000 0000"), Rules { empty_keys: true, ..Rules::WIRE },
        Verdict::Count(16383), "closes: invalid request block size", "too many variables", SEEN;
    "datasize-4096" Input::Times(1024, "0000 0000"), Rules { datasize: 4096, empty_keys: true, ..Rules::WIRE },
        Verdict::Count(1024), "200 for 4096 bytes of good variables", "200 for 4096 bytes of good variables", READER;
    "datasize-4097" Input::Hex("00011000"), Rules { datasize: 4096, ..Rules::WIRE },
        Verdict::Error(Kind::DatasizeLimit, 1, 4097, 4096), "resets: invalid request block size", "200", READER;

    // Modifiers: the bytes decode, and a server decides.
    "modifier1-5" Input::Hex("05 0600 00  0100 41 0100 42"), WIRE, Verdict::Vars(&[("A", "B")]),
        "closes: unavailable modifier requested", "501", READER;
    "modifier1-30" Input::Hex("1e 0600 00  0100 41 0100 42"), WIRE, Verdict::Vars(&[("A", "B")]),
        "200: WSGI, old style", "501", READER;
    "modifier1-255" Input::Hex("ff 0600 00  0100 41 0100 42"), WIRE, Verdict::Vars(&[("A", "B")]),
        "closes: unavailable modifier requested", "501", READER;
    "modifier2-255" Input::Hex("00 0600 ff  0100 41 0100 42"), WIRE, Verdict::Vars(&[("A", "B")]), "200", "200", READER;
    "ping" Input::Hex("64000000"), WIRE, Verdict::Vars(&[]), "answers 64000001", "501", READER;

    // Other protocols.
    "http-text" Input::Hex("474554202f20485454502f312e310d0a486f73743a206c61622e746573740d0a0d0a"), WIRE,
        Verdict::Needs { more: 21543, at: 4 }, "closes: invalid request block size 21573", "501: modifier1 71", READER;
    "tls-hello" Input::Hex("1603010200010001fc0303"), WIRE, Verdict::Needs { more: 252, at: 4 },
        "closes", "501: modifier1 22", READER;
    "zeros" Input::Hex("00000000 00000000 00000000"), WIRE, Verdict::Vars(&[]), "closes: Empty python request",
        "200 three times: each four bytes are a request", READER;
    "ones" Input::Hex("ffffffff ffffffff"), WIRE, Verdict::Needs { more: 65531, at: 4 },
        "closes: invalid request block size 65535", "501: modifier1 255", READER;
}

#[test]
fn malformed_bytes() {
    run_wire("malformed", ROWS);
}
