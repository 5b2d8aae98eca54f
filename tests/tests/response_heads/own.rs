//! Responses beyond the matrix: cases of front ends' security fixes, spellings, orders, limits.

use uwsgi::client::Exchange;
use uwsgi::response::{HeadLimits, ResponseErrorKind as Kind, ResponseHead};
use uwsgi_tests::drive::{answer, answer_at_once, pieces};
use uwsgi_tests::naive_http::{End, Fault};

use crate::rows::{Ours, Row, run};

macro_rules! rows {
    ($($name:literal $bytes:expr, $ours:expr, $source:expr;)*) => {
        &[$(Row { name: $name, bytes: $bytes, ours: $ours, nginx: "", apache: "", lighttpd: "", source: $source }),*]
    };
}

const STATUS: &str = "RFC 9112 section 4";
const VERSION: &str =
    "RFC 9112 section 2.3; uWSGI 2.0 core/protocol.c: it answers with the SERVER_PROTOCOL it was sent";
const NEXT: &str = "CVE-2026-42946: nginx before 1.31, a first line in pieces that turns out not to be a status line";
const SPLIT: &str = "CVE-2023-27522: Apache before 2.4.56, uWSGI's module before 2.0.22";
const DESYNC: &str = "CVE-2024-24795, CVE-2023-38709: Apache before 2.4.59, uWSGI's module before 2.0.26";
const CGI: &str = "RFC 3875 section 6.2";
const LENGTH: &str = "RFC 9110 section 8.6";
const CODING: &str = "RFC 9112 section 6.1";
const FRAMING: &str = "RFC 9112 section 6.3";
const FIELD: &str = "RFC 9110 section 5.5";
const INTERIM: &str = "RFC 9110 section 15.2";

const fn ok(body: &'static str) -> Ours {
    Ours::Answer(200, "OK", body, "")
}

const fn bad_line(offset: usize) -> Ours {
    Ours::Refused(Kind::HeaderLine, offset)
}

const BAD_STATUS: Ours = Ours::Refused(Kind::Status, 0);

const ROWS: &[Row] = rows! {
    // A first line that begins like a status line.
    "ht" b"HT: 1\r\nContent-Length: 4\r\n\r\nbody", ok("body"), NEXT;
    "http-colon" b"HTTP: 1\r\n\r\nbody", ok("body"), NEXT;
    "http-dash" b"HTTP-X: 1\r\n\r\nbody", ok("body"), NEXT;
    "http-other" b"HTTq/1.1 200 OK\r\n\r\nbody", bad_line(0), NEXT;
    "http-slash" b"HTTP/\r\n\r\nbody", BAD_STATUS, NEXT;
    "http-lower" b"http/1.1 200 OK\r\n\r\nbody", bad_line(0), NEXT;
    "status-line-later" b"X: 1\r\nHTTP/1.1 200 OK\r\n\r\nbody", bad_line(6), NEXT;
    "status-line-cut" b"HTTP/1.1 2", Ours::RefusedWhole(Kind::Truncated), NEXT;

    // Versions.
    "http-2.0" b"HTTP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nbody", ok("body"), VERSION;
    "http-2.0-interim" b"HTTP/2.0 103 Early Hints\r\n\r\nHTTP/2.0 200 OK\r\n\r\nbody",
        Ours::AfterInterim(&[103], 200, "OK", "body"), VERSION;
    "http-0.9" b"HTTP/0.9 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-1.2" b"HTTP/1.2 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-3" b"HTTP/3 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-1.10" b"HTTP/1.10 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-1.01" b"HTTP/1.01 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-999.999" b"HTTP/999.999 200 OK\r\n\r\nbody", ok("body"), VERSION;
    "http-four-digits" b"HTTP/1.1000 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;
    "http-dot" b"HTTP/1. 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;
    "http-dot-first" b"HTTP/.1 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;
    "http-three-numbers" b"HTTP/1.1.1 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;
    "http-text" b"HTTP/x 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;
    "http-space" b"HTTP/ 1.1 200 OK\r\n\r\nbody", BAD_STATUS, VERSION;

    // The rest of the status line.
    "two-spaces" b"HTTP/1.1  200 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "tab" b"HTTP/1.1\t200 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "version-alone" b"HTTP/1.1\r\n\r\nbody", BAD_STATUS, STATUS;
    "two-digits" b"HTTP/1.1 20 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "four-digits" b"HTTP/1.1 2000 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "no-space-before-reason" b"HTTP/1.1 200OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "plus-sign" b"HTTP/1.1 +20 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "status-000" b"HTTP/1.1 000 OK\r\n\r\nbody", BAD_STATUS, STATUS;
    "status-100-alone" b"HTTP/1.1 100 Continue\r\n\r\n", Ours::NoAnswer, INTERIM;
    "reason-empty" b"HTTP/1.1 200 \r\n\r\nbody", Ours::Answer(200, "", "body", ""), STATUS;
    "reason-words" b"HTTP/1.1 200 All is well\r\n\r\nbody", Ours::Answer(200, "All is well", "body", ""), STATUS;
    "reason-high-bytes" b"HTTP/1.1 200 \xc3\xa9\xff\r\n\r\nbody",
        Ours::Answer(200, "\\xc3\\xa9\\xff", "body", ""), STATUS;
    "reason-tab" b"HTTP/1.1 200 a\tb\r\n\r\nbody", Ours::Answer(200, "a\\tb", "body", ""), STATUS;
    "reason-nul" b"HTTP/1.1 200 a\0b\r\n\r\nbody", BAD_STATUS, STATUS;
    "reason-del" b"HTTP/1.1 200 a\x7fb\r\n\r\nbody", BAD_STATUS, STATUS;
    "reason-cr" b"HTTP/1.1 200 a\rb\r\n\r\nbody", BAD_STATUS, STATUS;
    "two-crs" b"HTTP/1.1 200 OK\r\r\n\r\nbody", BAD_STATUS, STATUS;
    "bad-status-before-bad-line" b"HTTP/1.1 20 OK\r\nfoo bar\r\n\r\n", BAD_STATUS, STATUS;

    // One bad line refuses the whole head.
    "bad-line-first" b"foo bar\r\nX: 1\r\n\r\nbody", bad_line(0), SPLIT;
    "bad-line-last" b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nfoo bar\r\n\r\nbody", bad_line(29), SPLIT;
    "bad-line-between-lf" b"HTTP/1.1 200 OK\nA: 1\nfoo bar\nB: 2\n\nbody", bad_line(21), SPLIT;
    "bad-line-mixed-ends" b"HTTP/1.1 200 OK\nA: 1\r\nfoo bar\nB: 2\r\n\nbody", bad_line(22), SPLIT;
    "two-bad-lines" b"HTTP/1.1 200 OK\r\nA: 1\r\n: 2\r\n=: 3\r\n\r\n", bad_line(23), SPLIT;
    "name-empty" b"HTTP/1.1 200 OK\r\n: 1\r\n\r\nbody", bad_line(17), SPLIT;
    "name-nul" b"HTTP/1.1 200 OK\r\nX\0: 1\r\n\r\nbody", bad_line(17), SPLIT;
    "name-high-byte" b"HTTP/1.1 200 OK\r\nX\xe9: 1\r\n\r\nbody", bad_line(17), SPLIT;
    "name-of-all-signs" b"HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\nbody", ok("body"), FIELD;
    "name-parenthesis" b"HTTP/1.1 200 OK\r\nX(): 1\r\n\r\nbody", bad_line(17), FIELD;
    "space-before-the-first-line" b"HTTP/1.1 200 OK\r\n X: 1\r\n\r\nbody", bad_line(17), SPLIT;
    "tab-folded" b"HTTP/1.1 200 OK\r\nX: 1\r\n\t2: 3\r\n\r\nbody", bad_line(23), SPLIT;
    "folded-with-a-colon" b"Status: 404\r\nX: 1\r\n Location: /\r\n\r\nbody", bad_line(19), SPLIT;
    "line-of-a-blank" b"HTTP/1.1 200 OK\r\nX: 1\r\n \r\n\r\nbody", bad_line(23), SPLIT;
    "value-empty" b"HTTP/1.1 200 OK\r\nX:\r\nY: \t \r\n\r\nbody", ok("body"), FIELD;
    "value-del" b"HTTP/1.1 200 OK\r\nX: \x7f\r\n\r\nbody", bad_line(17), FIELD;
    "value-high-bytes" b"HTTP/1.1 200 OK\r\nX: \x80\xff\r\n\r\nbody", ok("body"), FIELD;
    "value-tab" b"HTTP/1.1 200 OK\r\nX: a\tb\r\n\r\nbody", ok("body"), FIELD;
    "value-form-feed" b"HTTP/1.1 200 OK\r\nX: \x0c1\r\n\r\nbody", bad_line(17), FIELD;
    "value-vertical-tab-last" b"HTTP/1.1 200 OK\r\nX: 1\x0b\r\n\r\nbody", bad_line(17), FIELD;
    "value-cr-last" b"HTTP/1.1 200 OK\r\nX: 1\r\r\n\r\nbody", bad_line(17), FIELD;
    "cr-cr-lf-does-not-end" b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\r\n\r\nbody", bad_line(23), FIELD;
    "cr-alone-does-not-end" b"HTTP/1.1 200 OK\rX: 1\r\rbody", Ours::RefusedWhole(Kind::Truncated), FIELD;
    "empty-line-at-once" b"\r\nHTTP/1.1 200 OK\r\n\r\nbody", Ours::Refused(Kind::Empty, 0), STATUS;
    "lf-at-once" b"\nHTTP/1.1 200 OK\r\n\r\nbody", Ours::Refused(Kind::Empty, 0), STATUS;
    "cr-lf-lf" b"HTTP/1.1 200 OK\r\n\nbody", ok("body"), STATUS;
    "lf-cr-lf" b"HTTP/1.1 200 OK\n\r\nbody", ok("body"), STATUS;

    // Lengths.
    "length-zero" b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nbody", Ours::Answer(200, "OK", "", "body"), LENGTH;
    "length-exact" b"HTTP/1.1 200 OK\r\ncontent-length:4\r\n\r\nbody", ok("body"), LENGTH;
    "length-leading-zeros" b"HTTP/1.1 200 OK\r\nContent-Length: 0004\r\n\r\nbody", ok("body"), LENGTH;
    "length-blanks-around" b"HTTP/1.1 200 OK\r\nContent-Length: \t 4 \t\r\n\r\nbody", ok("body"), LENGTH;
    "length-largest" b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nbody",
        Ours::Cut(200, "body", u64::MAX - 4), LENGTH;
    "length-overflow" b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nbody",
        Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-empty" b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nbody", Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-plus" b"HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nbody", Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-minus" b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nbody", Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-list" b"HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nbody",
        Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-hex" b"HTTP/1.1 200 OK\r\nContent-Length: 0x4\r\n\r\nbody", Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-high-digit" b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nbody",
        Ours::Refused(Kind::InvalidLength, 17), LENGTH;
    "length-twice-differs" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: 1\r\nCONTENT-LENGTH: 3\r\n\r\nbody",
        Ours::Refused(Kind::TwoLengths, 42), DESYNC;
    "length-then-text" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: x\r\n\r\nbody",
        Ours::Refused(Kind::InvalidLength, 36), DESYNC;
    "content_length-is-another-header" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent_Length: 9\r\n\r\nbody",
        ok("body"), DESYNC;
    "length-in-cgi" b"Status: 200 OK\r\nContent-Length: 3\r\n\r\nbody", Ours::Answer(200, "OK", "bod", "y"), CGI;
    "length-cut-before-a-byte" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", Ours::Cut(200, "", 4), FRAMING;
    "length-of-no-body" b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
        Ours::Answer(204, "No Content", "", "body"), FRAMING;
    "bad-length-of-no-body" b"HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n",
        Ours::Refused(Kind::InvalidLength, 27), FRAMING;

    // Codings.
    "chunked-upper" b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n4\r\nbody\r\n0\r\n\r\n", ok("body"), CODING;
    "chunked-and-rest" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nrest",
        Ours::Answer(200, "OK", "body", "rest"), CODING;
    "chunked-cut" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", Ours::Cut(200, "body", 0), CODING;
    "chunked-twice" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        Ours::Refused(Kind::TwoOfAKind, 45), CODING;
    "chunked-list-twice" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        Ours::Refused(Kind::TransferEncoding, 17), CODING;
    "gzip-chunked" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        Ours::Refused(Kind::TransferEncoding, 17), CODING;
    "chunked-then-gzip" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
        Ours::Refused(Kind::TransferEncoding, 45), CODING;
    "identity" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        Ours::Refused(Kind::TransferEncoding, 17), CODING;
    "coding-empty" b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", Ours::Refused(Kind::TransferEncoding, 17), CODING;
    "coding-quoted" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
        Ours::Refused(Kind::TransferEncoding, 17), CODING;
    "coding-then-cr" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\r\n\r\n", bad_line(17), CODING;
    "chunked-then-length" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nbody",
        Ours::Refused(Kind::LengthAndTransferEncoding, 45), DESYNC;
    "chunked-in-cgi" b"Status: 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", ok("body"), CGI;
    "chunked-without-body" b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        Ours::Answer(304, "Not Modified", "", ""), FRAMING;

    // CGI.
    "status-lower-name" b"status:404 Gone\r\n\r\nbody", Ours::Answer(404, "Gone", "body", ""), CGI;
    "status-after-others" b"X: 1\r\nStatus: 404 Gone\r\n\r\nbody", Ours::Answer(404, "Gone", "body", ""), CGI;
    "bad-status-after-others" b"X: 1\r\nStatus: 4\r\n\r\nbody", Ours::Refused(Kind::Status, 6), CGI;
    "status-empty" b"Status:\r\n\r\nbody", Ours::Refused(Kind::Status, 0), CGI;
    "status-under-100" b"Status: 099\r\n\r\nbody", Ours::Refused(Kind::Status, 0), CGI;
    "status-text-at-once" b"Status: 200OK\r\n\r\nbody", Ours::Refused(Kind::Status, 0), CGI;
    "status-twice" b"Status: 200 OK\r\nX: 1\r\nStatus: 200 OK\r\n\r\nbody", Ours::Refused(Kind::TwoOfAKind, 22), CGI;
    "status-twice-beside-a-line" b"HTTP/1.1 200 OK\r\nStatus: 404\r\nStatus: x\r\n\r\nbody", ok("body"), CGI;
    "status-and-location" b"Location: /\r\nStatus: 201 Made\r\n\r\nbody", Ours::Answer(201, "Made", "body", ""), CGI;
    "status-line-and-location" b"HTTP/1.1 200 OK\r\nLocation: /\r\n\r\nbody", ok("body"), CGI;
    "status-interim" b"Status: 103 Early Hints\r\n\r\nStatus: 200 OK\r\n\r\nbody",
        Ours::AfterInterim(&[103], 200, "OK", "body"), CGI;
    "location-empty" b"Location:\r\n\r\n", Ours::Answer(302, "Found", "", ""), CGI;

    // Interim responses and upgrades.
    "several-interim" b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", Ours::AfterInterim(&[100, 102, 103], 200, "OK", "body"), INTERIM;
    "interim-with-a-length" b"HTTP/1.1 199 x\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
        Ours::AfterInterim(&[199], 200, "OK", "body"), INTERIM;
    "interim-then-cgi" b"HTTP/1.1 100 Continue\r\n\r\nStatus: 404 Gone\r\n\r\nbody",
        Ours::AfterInterim(&[100], 404, "Gone", "body"), INTERIM;
    "upgrade" b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00",
        Ours::Upgraded("\\x81\\x00"), "RFC 9110 section 15.2.2";
    "upgrade-with-a-length" b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\nbytes",
        Ours::Upgraded("bytes"), "RFC 9110 section 15.2.2";
};

#[test]
fn every_row_is_read_as_it_says() {
    run(ROWS);
    assert!(ROWS.len() >= 110, "{}", ROWS.len());
}

/// The offset in a refused head counts from the start of that head, also after an interim response.
#[test]
fn offsets_after_an_interim_response_count_from_its_end() {
    let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\nfoo bar\r\n\r\n";
    for split in 0..=bytes.len() {
        let (one, other) = bytes.split_at(split);
        let seen = answer(&mut Exchange::new(false), [one, other]);
        assert_eq!(seen.end, End::Head(Fault { kind: Kind::HeaderLine, offset: Some(23) }));
        assert_eq!(seen.heads.len(), 1);
    }
}

/// Returns a head of exactly `bytes` bytes, with lines of at most 1000.
fn head_of(bytes: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    while bytes - head.len() > 1500 {
        head.extend(format!("X: {}\r\n", "x".repeat(995)).bytes());
    }
    let left = bytes - head.len() - "Y: \r\n\r\n".len();
    head.extend(format!("Y: {}\r\n\r\n", "y".repeat(left)).bytes());
    assert_eq!(head.len(), bytes);
    head
}

fn end(limits: HeadLimits, bytes: &[u8], sizes: &[u8]) -> End {
    let exchange = Exchange::new(false).with_limits(limits);
    let seen = answer(&mut exchange.clone(), pieces(bytes, sizes)).end;
    for whole in [answer(&mut exchange.clone(), [bytes]), answer_at_once(&mut exchange.clone(), [bytes])] {
        assert_eq!(whole.end, seen, "as a whole");
    }
    assert_eq!(answer_at_once(&mut exchange.clone(), pieces(bytes, sizes)).end, seen, "at once");
    seen
}

const TOO_LONG: End = End::Head(Fault { kind: Kind::TooLong, offset: None });
const TOO_MANY: End = End::Head(Fault { kind: Kind::TooManyLines, offset: None });

#[test]
fn a_head_may_have_as_many_bytes_as_the_limit() {
    for (limits, most) in [
        (HeadLimits::default(), 65536),
        (HeadLimits::default().with_bytes(4096), 4096),
        (HeadLimits::default().with_bytes(26), 26),
    ] {
        for (len, fits) in [(most - 1, true), (most, true), (most + 1, false)] {
            let head = head_of(len);
            assert_eq!(ResponseHead::decode_with(&head, &limits).map(|_| ()).is_ok(), fits, "{len}");
            if let Err(error) = ResponseHead::decode_with(&head, &limits) {
                assert_eq!(error.kind(), Kind::TooLong);
            }
            let want = if fits { End::Whole } else { TOO_LONG };
            for after in ["", "body"] {
                let bytes = [&head[..], after.as_bytes()].concat();
                for sizes in [&[255_u8][..], &[1], &[250, 3, 17]] {
                    assert_eq!(end(limits, &bytes, sizes), want, "{len} of {most}, then {after:?}");
                }
            }
            // If the end is cut off, the error is the end of the stream, unless the head was too long already.
            let cut = &head[..len - 1];
            let truncated = End::Head(Fault { kind: Kind::Truncated, offset: None });
            assert_eq!(end(limits, cut, &[100]), if len > most { TOO_LONG } else { truncated }, "{len} of {most}, cut");
        }
    }
}

/// An endless head is refused with the last byte that could have ended it, not at the end of the stream.
#[test]
fn an_endless_head_is_refused_at_the_limit() {
    use uwsgi::client::HeadStep;

    let bytes = vec![b'x'; 65536];
    let mut exchange = Exchange::new(false);
    assert_eq!(exchange.head(&bytes[..65535], false), HeadStep::Need(1));
    assert!(matches!(exchange.head(&bytes, false), HeadStep::Fail(_)));
    // A limit of 0 bytes.
    let mut exchange = Exchange::new(false).with_limits(HeadLimits::default().with_bytes(0));
    assert!(matches!(exchange.head(b"", false), HeadStep::Fail(_)));
}

#[test]
fn a_head_may_have_as_many_lines_as_the_limit() {
    let head_of = |lines: usize, first: &str| format!("{first}{}\r\n", "A: b\r\n".repeat(lines)).into_bytes();
    let most = |lines| HeadLimits::default().with_lines(lines);
    // A limit over 256 counts as 256.
    for (limits, most) in [
        (HeadLimits::default(), 256),
        (most(256), 256),
        (most(257), 256),
        (most(u16::MAX), 256),
        (most(255), 255),
        (most(3), 3),
        (most(1), 1),
        (most(0), 0),
    ] {
        // The status line does not count as a header line.
        for first in ["HTTP/1.1 200 OK\r\n", "HTTP/2.0 200 OK\r\n", ""] {
            for lines in [most.max(1) - 1, most, most + 1] {
                let head = head_of(lines, first);
                if head == b"\r\n" {
                    continue;
                }
                let want = if lines <= most { End::Whole } else { TOO_MANY };
                assert_eq!(end(limits, &head, &[255]), want, "{lines} of {most} after {first:?}");
                if lines <= most {
                    assert_eq!(ResponseHead::decode_with(&head, &limits).unwrap().len(), lines);
                }
            }
        }
    }
}

/// As for vars: a malformed line is the error wherever it is; too many lines are the error only if each of them is a
/// header.
#[test]
fn a_bad_line_is_refused_before_too_many_lines() {
    for first in ["HTTP/1.1 200 OK\r\n", "HTTP/2.0 200 OK\r\n", ""] {
        for (limit, before) in [(3, 0), (3, 2), (3, 3), (3, 4), (256, 255), (256, 256), (256, 300)] {
            let lines = "A: b\r\n".repeat(before);
            let head = format!("{first}{lines}no header\r\n{}\r\n", "A: b\r\n".repeat(300));
            let bad = Fault { kind: Kind::HeaderLine, offset: Some(first.len() + lines.len()) };
            let limits = HeadLimits::default().with_lines(limit);
            assert_eq!(end(limits, head.as_bytes(), &[255]), End::Head(bad), "{before} before it, after {first:?}");
        }
    }
}

#[test]
fn bytes_without_a_head_are_refused() {
    for bytes in [&b""[..], b"H", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r", b"HTTP/1.1 200 OK\r\n", b"A: b\n", b"A"] {
        assert_eq!(ResponseHead::decode(bytes).unwrap_err().kind(), Kind::Truncated, "{}", bytes.escape_ascii());
    }
    for bytes in [&b"\n"[..], b"\r\n", b"\nA: b\n\n", b"\r\n\r\n"] {
        assert_eq!(ResponseHead::decode(bytes).unwrap_err().kind(), Kind::Empty, "{}", bytes.escape_ascii());
    }
    // A second head, or a body, does not belong to the head.
    for bytes in [&b"A: b\n\nbody"[..], b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"] {
        assert!(ResponseHead::decode(bytes).is_err());
    }
}
