//! The vars of a packet: lengths that do not fit, bytes that are no pair, empty keys.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::VARS;

pub(super) const CASES: &[Case] = &[
    Case::builder("key-overrun-1", "last key length runs 1 byte past the end")
        .steps(&[Step::packet(SMALL.tail(b"\x04\0abc"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("key-overrun-max", "last key length 65535")
        .steps(&[Step::packet(SMALL.tail(b"\xff\xffabc"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("key-overrun-first", "first key length 65535")
        .steps(&[Step::packet(SMALL.patched(b"\xff\xff"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("key-overrun-hidden", "an overrunning key whose bytes hold a whole variable")
        .steps(&[Step::packet(SMALL.tail(b"\xff\x7f\x06\0HTTP_X\x06\0hidden"))])
        .refused(400, Row::MalformedBlock)
        .because("a reader that goes on after the wrong length finds a variable that no other reader sees", VARS),
    Case::builder("key-to-end", "last key ends exactly at the end, no value")
        .steps(&[Step::packet(SMALL.tail(b"\x03\0abc"))])
        .refused(400, Row::MalformedBlock)
        .because("a key without the length of a value is no pair", VARS),
    Case::builder("key-one-byte-after", "one byte where the value length belongs")
        .steps(&[Step::packet(SMALL.tail(b"\x03\0abc\x01"))])
        .refused(400, Row::MalformedBlock)
        .because("one byte is half a length", VARS),
    Case::builder("value-overrun-1", "last value length runs 1 byte past the end")
        .steps(&[Step::packet(SMALL.tail(b"\x01\0k\x04\0abc"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("value-overrun-max", "last value length 65535")
        .steps(&[Step::packet(SMALL.tail(b"\x01\0k\xff\xffabc"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("value-empty-last", "an empty value at the very end")
        .steps(&[Step::packet(SMALL.tail(b"\x06\0HTTP_X\0\0"))])
        .served(&["vars 11", "var HTTP_X ", "headers 1"], Row::Served)
        .because("an empty value is a value: the var stays, and its header is removed", VARS),
    Case::builder("trailing-1", "one byte 01 after the variables")
        .steps(&[Step::packet(SMALL.tail(b"\x01"))])
        .refused(400, Row::MalformedBlock)
        .because("bytes that are no pair make a block malformed", VARS),
    Case::builder("trailing-1-zero", "one byte 00 after the variables")
        .steps(&[Step::packet(SMALL.tail(b"\0"))])
        .refused(400, Row::MalformedBlock)
        .because("a zero byte of padding is no pair", VARS),
    Case::builder("trailing-2-zero", "two bytes 00 after the variables")
        .steps(&[Step::packet(SMALL.tail(b"\0\0"))])
        .refused(400, Row::MalformedBlock)
        .because("an empty key without the length of a value", VARS),
    Case::builder("trailing-2", "two bytes 01 00 after the variables")
        .steps(&[Step::packet(SMALL.tail(b"\x01\0"))])
        .refused(400, Row::MalformedBlock)
        .because("the length does not fit, and the server does not guess another", VARS),
    Case::builder("trailing-3", "three bytes: a key of one byte, without the length of a value")
        .steps(&[Step::packet(SMALL.tail(b"\x01\0k"))])
        .refused(400, Row::MalformedBlock)
        .because("a key alone is no pair", VARS),
    Case::builder("trailing-4-zero", "empty key, empty value, last")
        .steps(&[Step::packet(SMALL.tail(b"\0\0\0\0"))])
        .refused(400, Row::MalformedBlock)
        .because("an empty key names nothing; servers read it differently, and uWSGI refuses it", VARS),
    Case::builder("key-empty-first", "empty key with a value, first")
        .steps(&[Step::packet(SMALL.inserted(0, &[(b"", b"value")]))])
        .refused(400, Row::MalformedBlock)
        .because("an empty key names nothing", VARS),
    Case::builder("key-empty-middle", "empty key with a value, in the middle")
        .steps(&[Step::packet(SMALL.inserted(3, &[(b"", b"value")]))])
        .refused(400, Row::MalformedBlock)
        .because("an empty key names nothing", VARS),
    Case::builder("block-of-one-byte", "datasize 1 and one byte")
        .steps(&[Step::raw(b"\0\x01\0\0X")])
        .refused(400, Row::MalformedBlock)
        .because("one byte is not even a length", VARS),
    Case::builder("block-of-one-empty-key", "a block of one empty key and one empty value")
        .steps(&[Step::raw(b"\0\x04\0\0\0\0\0\0")])
        .refused(400, Row::MalformedBlock)
        .because("an empty key names nothing", VARS),
    Case::builder("resync-to-a-good-pair", "last, a key length of 65535, and after it a whole pair A=B")
        .steps(&[Step::raw(b"\0\x1d\0\0\x0e\0REQUEST_METHOD\x03\0GET\xff\xff\x01\0A\x01\0B")])
        .refused(400, Row::MalformedBlock)
        .because("the server must not find the pair after the length that does not fit", VARS),
    Case::builder("malformed-before-the-length", "CONTENT_LENGTH abc, and one byte after the variables")
        .steps(&[Step::packet(SMALL.post(b"abc").tail(b"\x01"))])
        .refused(400, Row::MalformedBlock)
        .because("a malformed block is refused before its vars are read", VARS),
    Case::builder("malformed-and-over-the-body-limit", "CONTENT_LENGTH 2147483648, and one byte after the variables")
        .steps(&[Step::packet(SMALL.post(b"2147483648").tail(b"\x01"))])
        .refused(400, Row::MalformedBlock)
        .because("the server does not believe a length from a malformed block, not even for a 413", VARS),
];
