//! gunicorn's own test cases about bytes, and cases that its tests lack.

use uwsgi::{DecodeErrorKind as Kind, Modifier1, VarsEncoder};
use uwsgi_tests::naive::Rules;

use crate::rows::{self, Input, Pairs, Verdict, WireRow, run_wire};

const SYNC: &str = "gunicorn 27 tests/test_uwsgi.py";
const PARSER: &str = "gunicorn 27 uwsgi/message.py";

const GUNICORN: Rules = Rules { vars: 1000, empty_keys: true, ..Rules::WIRE };

const WIRE: &[WireRow] = &[
    WireRow {
        name: "no-vars",
        input: Input::Hex("00000000"),
        rules: Rules::WIRE,
        ours: Verdict::Vars(&[]),
        uwsgi: "closes: Empty python request",
        gunicorn: "accepts: GET / with no query; our servers respond with 400",
        source: SYNC,
    },
    WireRow {
        name: "half-a-header",
        input: Input::Hex("0000"),
        rules: Rules::WIRE,
        ours: Verdict::Needs { more: 2, at: 0 },
        uwsgi: "waits; closes at the end of the stream",
        gunicorn: "incomplete header",
        source: SYNC,
    },
    WireRow {
        name: "nothing-at-all",
        input: Input::Hex(""),
        rules: Rules::WIRE,
        ours: Verdict::Needs { more: 4, at: 0 },
        uwsgi: "closes without a response",
        gunicorn: "incomplete header, also where a kept connection is simply closed",
        source: PARSER,
    },
    WireRow {
        name: "ten-bytes-of-a-hundred",
        input: Input::Hex("00 6400 00  58585858585858585858"),
        rules: Rules::WIRE,
        ours: Verdict::Needs { more: 90, at: 4 },
        uwsgi: "waits; closes at the end of the stream",
        gunicorn: "incomplete vars block",
        source: SYNC,
    },
    WireRow {
        name: "modifier1-1",
        input: Input::Hex("01 0000 00"),
        rules: Rules::WIRE,
        ours: Verdict::Vars(&[]),
        uwsgi: "closes: unavailable modifier requested",
        gunicorn: "UnsupportedModifier, 501; our decoder accepts it, and our servers refuse it",
        source: SYNC,
    },
    WireRow {
        name: "one-byte-block",
        input: Input::Hex("00 0100 00  58"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::KeyLengthMissing, 4, 2, 1),
        uwsgi: "closes",
        gunicorn: "truncated key size",
        source: SYNC,
    },
    WireRow {
        name: "truncated-key",
        input: Input::Hex("00 0400 00  0900 4142"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::KeyOverrun, 6, 9, 2),
        uwsgi: "skips the length, reads on after it, and closes",
        gunicorn: "truncated key (not in its tests)",
        source: PARSER,
    },
    WireRow {
        name: "truncated-value-size",
        input: Input::Hex("00 0500 00  0200 4142 03"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::ValueLengthMissing, 8, 2, 1),
        uwsgi: "closes",
        gunicorn: "truncated value size (not in its tests)",
        source: PARSER,
    },
    WireRow {
        name: "truncated-value",
        input: Input::Hex("00 0700 00  0200 4142 0300 43"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::ValueOverrun, 10, 3, 1),
        uwsgi: "closes",
        gunicorn: "truncated value (not in its tests)",
        source: PARSER,
    },
    WireRow {
        name: "1000-vars",
        input: Input::Times(1000, "0100 41 0000"),
        rules: GUNICORN,
        ours: Verdict::Count(1000),
        uwsgi: "closes: over --buffer-size and --max-vars",
        gunicorn: "accepts (not in its tests)",
        source: PARSER,
    },
    WireRow {
        name: "1001-vars",
        input: Input::Times(1001, "0100 41 0000"),
        rules: GUNICORN,
        ours: Verdict::Error(Kind::VarsLimit, 5004, 1001, 1000),
        uwsgi: "closes: over --buffer-size and --max-vars",
        gunicorn: "too many variables (not in its tests)",
        source: PARSER,
    },
    WireRow {
        name: "empty-key",
        input: Input::Vars(&[("", "1"), ("A", "2")]),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::EmptyKey, 4, 1, 0),
        uwsgi: "closes: uwsgi key cannot be null",
        gunicorn: "accepts, under ''",
        source: PARSER,
    },
    WireRow {
        name: "duplicate-keys",
        input: Input::Vars(&[("HTTP_X_A", "1"), ("HTTP_X_B", "2"), ("HTTP_X_A", "3")]),
        rules: GUNICORN,
        ours: Verdict::Vars(&[("HTTP_X_A", "1"), ("HTTP_X_B", "2"), ("HTTP_X_A", "3")]),
        uwsgi: "keeps both",
        gunicorn: "the last wins, at the position of the first",
        source: PARSER,
    },
];

/// A row about encoding.
struct EncodeRow {
    name: &'static str,
    vars: Pairs,
    packet: &'static str,
    source: &'static str,
}

const ENCODE: &[EncodeRow] = &[
    EncodeRow { name: "no-vars", vars: &[], packet: "00000000", source: SYNC },
    EncodeRow { name: "one", vars: &[("KEY", "val")], packet: "00 0a00 00  0300 4b4559 0300 76616c", source: SYNC },
    EncodeRow {
        name: "two",
        vars: &[("A", "1"), ("B", "2")],
        packet: "00 0c00 00  0100 41 0100 31  0100 42 0100 32",
        source: SYNC,
    },
];

#[test]
fn bytes() {
    run_wire("gunicorn", WIRE);
}

#[test]
fn packets_that_its_tests_build() {
    let describe = |row: &EncodeRow| (row.name, [row.packet, row.packet, row.source]);
    rows::run("gunicorn encodes", ENCODE, describe, |row| {
        let mut buffer = Vec::new();
        let mut vars = VarsEncoder::new(&mut buffer);
        row.vars.iter().for_each(|(key, value)| vars.push_raw(key, value).expect("room in a Vec"));
        let got = vars.finish(Modifier1::WSGI, 0).expect("room in a Vec");
        if got == rows::hex(row.packet) { vec![] } else { vec![format!("{got:02x?}")] }
    });
}
