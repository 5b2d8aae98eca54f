//! Where a request's body ends: every spelling of `CONTENT_LENGTH`, and other vars that seem to frame a body.

use uwsgi::framing::{FramingError, RequestFraming, declared_length, is_length_right, whole_length};
use uwsgi::{Packet, Request};
use uwsgi_tests::naive;

use crate::rows::{Input, Sees, ViewRow, run_view};

const UWSGI: &str = "uWSGI 2.0 core/protocol.c get_content_length; gunicorn 27 uwsgi/message.py";
const NGINX: &str = "nginx 1.22 ngx_http_uwsgi_module.c, conf/uwsgi_params";
const ROUTER: &str = "uWSGI 2.0 plugins/http/http.c, --http-chunked-input";

const NONE: Result<RequestFraming, FramingError> = Ok(RequestFraming::None);
const CHUNKED: Result<RequestFraming, FramingError> = Ok(RequestFraming::Chunked);
const INVALID: Result<RequestFraming, FramingError> = Err(FramingError::InvalidLength);
const OVERFLOW: Result<RequestFraming, FramingError> = Err(FramingError::LengthOverflow);

const fn length(length: u64) -> Result<RequestFraming, FramingError> {
    Ok(RequestFraming::Length(length))
}

/// Name, vars, our framing (and our framing with chunked bodies accepted), how many bytes uWSGI reads, how many
/// gunicorn reads, source.
macro_rules! rows {
    ($($name:literal $vars:expr, $ours:expr, $chunked:expr, $uwsgi:literal, $gunicorn:literal, $source:expr;)*) => {
        const ROWS: &[ViewRow] = &[$(ViewRow {
            name: $name,
            input: Input::Vars($vars),
            sees: &[Sees::Body($ours), Sees::BodyOrChunked($chunked)],
            uwsgi: $uwsgi,
            gunicorn: $gunicorn,
            source: $source,
        }),*];
    };
}

rows! {
    // What front ends send.
    "absent" &[], NONE, NONE, "0", "0", UWSGI;
    "empty" &[("CONTENT_LENGTH", "")], NONE, NONE, "0", "0, and the body as the next request", NGINX;
    "absent-chunked" &[("HTTP_TRANSFER_ENCODING", "chunked")], NONE, CHUNKED, "0, unless the app asks for chunks", "0", ROUTER;
    "empty-chunked" &[("CONTENT_LENGTH", ""), ("HTTP_TRANSFER_ENCODING", "chunked")], NONE, CHUNKED, "0", "0", ROUTER;
    "chunked-upper" &[("HTTP_TRANSFER_ENCODING", "CHUNKED")], NONE, CHUNKED, "chunked", "0", ROUTER;
    "gzip-chunked" &[("HTTP_TRANSFER_ENCODING", "gzip, chunked")], NONE, NONE, "not chunked", "0", ROUTER;
    "identity" &[("HTTP_TRANSFER_ENCODING", "identity")], NONE, NONE, "0", "0", ROUTER;
    "chunked-with-blank" &[("HTTP_TRANSFER_ENCODING", " chunked")], NONE, NONE, "not chunked", "0", ROUTER;
    "transfer-encoding-without-prefix" &[("TRANSFER_ENCODING", "chunked")], NONE, NONE, "0", "0", ROUTER;
    "zero" &[("CONTENT_LENGTH", "0")], length(0), length(0), "0", "0", UWSGI;
    "five" &[("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;
    "length-beside-chunked" &[("CONTENT_LENGTH", "5"), ("HTTP_TRANSFER_ENCODING", "chunked")], length(5), length(5),
        "5", "5", NGINX;
    "zero-beside-chunked" &[("HTTP_TRANSFER_ENCODING", "chunked"), ("CONTENT_LENGTH", "0")], length(0), length(0),
        "0", "0", NGINX;
    "fifteen-beside-chunked" &[("CONTENT_LENGTH", "15"), ("HTTP_TRANSFER_ENCODING", "chunked")], length(15), length(15),
        "15", "15", NGINX;
    "length-of-a-get" &[("REQUEST_METHOD", "GET"), ("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;

    // Spellings.
    "leading-zeros" &[("CONTENT_LENGTH", "0005")], length(5), length(5), "5", "5", UWSGI;
    "007" &[("CONTENT_LENGTH", "007")], length(7), length(7), "7", "7", UWSGI;
    "many-zeros" &[("CONTENT_LENGTH", "00000000000000000000000000000000000000000000000000000000000000000000003")],
        length(3), length(3), "3", "3", UWSGI;
    "minus-one" &[("CONTENT_LENGTH", "-1")], INVALID, INVALID, "0", "0: clamped", UWSGI;
    "minus-five" &[("CONTENT_LENGTH", "-5")], INVALID, INVALID, "0", "0: clamped", UWSGI;
    "minus-zero" &[("CONTENT_LENGTH", "-0")], INVALID, INVALID, "0", "0", UWSGI;
    "plus" &[("CONTENT_LENGTH", "+5")], INVALID, INVALID, "0", "5", UWSGI;
    "text" &[("CONTENT_LENGTH", "abc")], INVALID, INVALID, "0", "0", UWSGI;
    "invalid" &[("CONTENT_LENGTH", "invalid")], INVALID, INVALID, "0", "0", UWSGI;
    "blank" &[("CONTENT_LENGTH", " ")], INVALID, INVALID, "0", "0", UWSGI;
    "blank-before" &[("CONTENT_LENGTH", " 5")], INVALID, INVALID, "0", "5", UWSGI;
    "blank-after" &[("CONTENT_LENGTH", "5 ")], INVALID, INVALID, "5", "5", UWSGI;
    "blanks-around" &[("CONTENT_LENGTH", " 3 ")], INVALID, INVALID, "0", "3", UWSGI;
    "tab-before" &[("CONTENT_LENGTH", "\t5")], INVALID, INVALID, "0", "5", UWSGI;
    "newline" &[("CONTENT_LENGTH", "5\n")], INVALID, INVALID, "5", "5", UWSGI;
    "carriage-return" &[("CONTENT_LENGTH", "5\r")], INVALID, INVALID, "5", "5", UWSGI;
    "nul" &[("CONTENT_LENGTH", "5\0")], INVALID, INVALID, "5", "0", UWSGI;
    "hex" &[("CONTENT_LENGTH", "0x5")], INVALID, INVALID, "0", "0", UWSGI;
    "list-same" &[("CONTENT_LENGTH", "5, 5")], INVALID, INVALID, "5", "0", UWSGI;
    "list-differs" &[("CONTENT_LENGTH", "3, 4")], INVALID, INVALID, "3", "0", UWSGI;
    "list-no-blank" &[("CONTENT_LENGTH", "3,3")], INVALID, INVALID, "3", "0", UWSGI;
    "underscore" &[("CONTENT_LENGTH", "0_5")], INVALID, INVALID, "0", "5", UWSGI;
    "underscore-ten" &[("CONTENT_LENGTH", "1_0")], INVALID, INVALID, "1", "10", UWSGI;
    "digit-then-text" &[("CONTENT_LENGTH", "3abc")], INVALID, INVALID, "3", "0", UWSGI;
    "float" &[("CONTENT_LENGTH", "5.0")], INVALID, INVALID, "5", "0", UWSGI;
    "half" &[("CONTENT_LENGTH", "3.5")], INVALID, INVALID, "3", "0", UWSGI;
    "exponent" &[("CONTENT_LENGTH", "1e3")], INVALID, INVALID, "1", "0", UWSGI;
    "quoted" &[("CONTENT_LENGTH", "\"3\"")], INVALID, INVALID, "0", "0", UWSGI;
    "semicolon" &[("CONTENT_LENGTH", "3;4")], INVALID, INVALID, "3", "0", UWSGI;
    "arabic-digit" &[("CONTENT_LENGTH", "\u{d9}\u{a5}")], INVALID, INVALID, "0", "0", UWSGI;
    "superscript" &[("CONTENT_LENGTH", "\u{b2}")], INVALID, INVALID, "0", "0", UWSGI;
    "slash-below-zero" &[("CONTENT_LENGTH", "/")], INVALID, INVALID, "0", "0", UWSGI;
    "colon-above-nine" &[("CONTENT_LENGTH", "5:")], INVALID, INVALID, "5", "0", UWSGI;

    // Sizes.
    "2-31" &[("CONTENT_LENGTH", "2147483648")], length(1 << 31), length(1 << 31), "2147483648", "2147483648", UWSGI;
    "2-32" &[("CONTENT_LENGTH", "4294967296")], length(1 << 32), length(1 << 32), "4294967296", "4294967296", UWSGI;
    "2-63" &[("CONTENT_LENGTH", "9223372036854775808")], length(1 << 63), length(1 << 63), "cannot allocate it", "2^63", UWSGI;
    "2-64-less-1" &[("CONTENT_LENGTH", "18446744073709551615")], length(u64::MAX), length(u64::MAX), "2^64 - 1", "2^64 - 1", UWSGI;
    "2-64" &[("CONTENT_LENGTH", "18446744073709551616")], OVERFLOW, OVERFLOW, "0: it wraps", "2^64", UWSGI;
    "2-64-and-3" &[("CONTENT_LENGTH", "18446744073709551619")], OVERFLOW, OVERFLOW, "3: it wraps", "2^64 + 3", UWSGI;
    "2-64-and-5" &[("CONTENT_LENGTH", "18446744073709551621")], OVERFLOW, OVERFLOW, "5: it wraps", "2^64 + 5", UWSGI;
    "twenty-nines" &[("CONTENT_LENGTH", "99999999999999999999")], OVERFLOW, OVERFLOW, "wraps", "20 nines", UWSGI;
    "forty-nines" &[("CONTENT_LENGTH", "9999999999999999999999999999999999999999")], OVERFLOW, OVERFLOW, "wraps",
        "40 nines", UWSGI;
    "overflow-then-text" &[("CONTENT_LENGTH", "99999999999999999999x")], INVALID, INVALID, "wraps", "0", UWSGI;

    // More than one length.
    "twice-same" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;
    "thrice-same" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")], length(5), length(5),
        "5", "5", UWSGI;
    "three-then-five" &[("CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;
    "five-then-three" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "3")], length(3), length(3), "3", "3", UWSGI;
    "same-number-other-spelling" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "05")], length(5), length(5), "5", "5", UWSGI;
    "five-empty" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "")], NONE, NONE, "0", "0", UWSGI;
    "empty-five" &[("CONTENT_LENGTH", ""), ("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;
    "empty-twice" &[("CONTENT_LENGTH", ""), ("CONTENT_LENGTH", "")], NONE, NONE, "0", "0", UWSGI;
    "five-empty-three" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", ""), ("CONTENT_LENGTH", "3")], length(3), length(3),
        "3", "3", UWSGI;
    "five-then-text" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "abc")], INVALID, INVALID, "0", "0", UWSGI;
    "text-then-five" &[("CONTENT_LENGTH", "abc"), ("CONTENT_LENGTH", "5")], length(5), length(5), "5", "5", UWSGI;
    "five-three-then-text" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "x")], INVALID, INVALID,
        "0", "0", UWSGI;
    "five-then-overflow" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "18446744073709551621")], OVERFLOW, OVERFLOW,
        "5: it wraps", "2^64 + 5", UWSGI;

    // Names that look like the right one.
    "http-content-length-alone" &[("HTTP_CONTENT_LENGTH", "5")], NONE, NONE, "0", "0; the app sees 5", NGINX;
    "http-content-length-beside" &[("CONTENT_LENGTH", "5"), ("HTTP_CONTENT_LENGTH", "3")], length(5), length(5), "5",
        "5; the app sees 3", NGINX;
    "http-content-length-first" &[("HTTP_CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "5")], length(5), length(5), "5",
        "5; the app sees 3", NGINX;
    "http-content-length-invalid" &[("CONTENT_LENGTH", "5"), ("HTTP_CONTENT_LENGTH", "x")], length(5), length(5), "5", "5",
        NGINX;
    "http-content-length-beside-chunked" &[("HTTP_CONTENT_LENGTH", "3"), ("HTTP_TRANSFER_ENCODING", "chunked")],
        NONE, CHUNKED, "0", "0", ROUTER;
    "lower-case" &[("content_length", "5")], NONE, NONE, "0", "0", UWSGI;
    "dash" &[("CONTENT-LENGTH", "5")], NONE, NONE, "0", "0", UWSGI;
    "transfer-encoding-twice-last-counts" &[("HTTP_TRANSFER_ENCODING", "gzip"), ("HTTP_TRANSFER_ENCODING", "chunked")],
        NONE, CHUNKED, "chunked", "0", ROUTER;
}

#[test]
fn every_spelling_of_content_length_frames_the_body_as_its_row_says() {
    run_view("framing", ROWS);
}

/// The headers of an HTTP message declare the same length in every order. Only the reported fault may depend on the
/// order.
#[test]
fn the_order_of_lengths_changes_nothing() {
    const VALUES: [&str; 7] = ["", "5", "05", "3", "abc", "+5", "18446744073709551616"];
    for one in VALUES {
        for two in VALUES {
            for three in VALUES {
                let told = [one, two, three].map(str::as_bytes);
                let lengths: Vec<&str> = [one, two, three].into_iter().filter(|value| !value.is_empty()).collect();
                let numbers = lengths.iter().all(|value| ["5", "05", "3"].contains(value));
                let good = numbers && lengths.windows(2).all(|two| two[0] == two[1]);
                let declared = declared_length(told);
                assert_eq!(declared.is_ok(), good, "{one:?} {two:?} {three:?}");
                if good {
                    let number = lengths.first().map(|value| value.parse().unwrap());
                    assert_eq!(declared, Ok(number), "{one:?} {two:?} {three:?}");
                }
            }
        }
    }
    assert_eq!(declared_length([]), Ok(None));
}

/// RFC 9110 section 8.6.
#[test]
fn a_whole_response_has_a_length() {
    for status in 100..=999 {
        for to_head in [false, true] {
            let none = status < 200 || status == 204;
            let unknown = to_head || status == 304;
            assert_eq!(whole_length(status, to_head, 5), (!none).then_some(5), "{status}");
            assert_eq!(whole_length(status, to_head, 0), (!none && !unknown).then_some(0), "{status}");
        }
    }
}

/// A connection is kept only if there is a `CONTENT_LENGTH` and all of them are the same: every reader finds the next
/// packet at the same place.
#[test]
fn only_one_length_allows_keepalive() {
    for (lengths, allowed) in [
        (&[][..], false),
        (&[""][..], false),
        (&["0"], true),
        (&["5"], true),
        (&["5", "5"], true),
        (&["5", "5", "5"], true),
        (&["5", "05"], false),
        (&["5", "3"], false),
        (&["3", "5", "5"], false),
        (&["5", "3", "5"], false),
        (&["5", ""], false),
        (&["", "5"], false),
        (&["5", "", "5"], false),
        (&["", ""], false),
    ] {
        let pairs: Vec<_> = lengths.iter().map(|length| ("CONTENT_LENGTH", *length)).collect();
        let block = naive::encode_vars(&pairs).unwrap();
        let packet = naive::encode_packet(0, 0, &block).unwrap();
        let (packet, _) = Packet::decode(&packet).unwrap();
        assert_eq!(Request::decode(&packet).unwrap().allows_keepalive(), allowed, "{lengths:?}");
    }
}

/// Status, whether the request is HEAD, the declared length, the length of the body, whether they fit (RFC 9110 section 8.6).
const LENGTHS: [(u16, bool, u64, u64, bool); 10] = [
    (200, false, 5, 5, true),
    (200, false, 5, 4, false),
    (200, false, 0, 0, true),
    (200, false, 5, 0, false),
    (200, true, 5, 5, true),
    (200, true, 5, 4, false),
    (200, true, 5, 0, true), // the length of the response to GET
    (304, false, 5, 0, true),
    (304, false, 5, 4, false),
    (204, false, 5, 4, true), // no length is sent
];

#[test]
fn a_declared_length_must_be_that_of_the_body() {
    for (status, to_head, declared, length, fits) in LENGTHS {
        let right = is_length_right(status, to_head, declared, length);
        assert_eq!(right, fits, "{status}, HEAD: {to_head}, {declared} declared, {length} given");
    }
}
