//! Invalid values of `CONTENT_LENGTH`.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::LENGTH;

pub(super) const CASES: &[Case] = &[
    Case::builder("length-negative", "CONTENT_LENGTH -1")
        .steps(&[Step::packet(SMALL.post(b"-1").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-text", "CONTENT_LENGTH abc")
        .steps(&[Step::packet(SMALL.post(b"abc").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-plus", "CONTENT_LENGTH +5")
        .steps(&[Step::packet(SMALL.post(b"+5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-space-before", "CONTENT_LENGTH space, 5")
        .steps(&[Step::packet(SMALL.post(b" 5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-space-after", "CONTENT_LENGTH 5, space")
        .steps(&[Step::packet(SMALL.post(b"5 ").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-newline", "CONTENT_LENGTH 5, newline")
        .steps(&[Step::packet(SMALL.post(b"5\n").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-hex", "CONTENT_LENGTH 0x5")
        .steps(&[Step::packet(SMALL.post(b"0x5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-list", "CONTENT_LENGTH 5, 5")
        .steps(&[Step::packet(SMALL.post(b"5, 5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-underscore", "CONTENT_LENGTH 0_5")
        .steps(&[Step::packet(SMALL.post(b"0_5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-digit-text", "CONTENT_LENGTH 3abc")
        .steps(&[Step::packet(SMALL.post(b"3abc").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-float", "CONTENT_LENGTH 5.0")
        .steps(&[Step::packet(SMALL.post(b"5.0").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-nul", "CONTENT_LENGTH 5, NUL")
        .steps(&[Step::packet(SMALL.post(b"5\0").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-unicode", "CONTENT_LENGTH an Arabic digit five")
        .steps(&[Step::packet(SMALL.post(b"\xd9\xa5").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-superscript", "CONTENT_LENGTH byte B2 (superscript two in latin-1)")
        .steps(&[Step::packet(SMALL.post(b"\xb2").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-invalid", "CONTENT_LENGTH invalid")
        .steps(&[Step::packet(SMALL.post(b"invalid"))])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-minus-5", "CONTENT_LENGTH -5")
        .steps(&[Step::packet(SMALL.post(b"-5"))])
        .refused(400, Row::InvalidLength)
        .because(
            "only digits are a length; if two readers read it differently, a client can smuggle a request",
            LENGTH,
        ),
    Case::builder("length-2-64", "CONTENT_LENGTH 18446744073709551621, 5 bytes, half-close")
        .steps(&[Step::packet(SMALL.post(b"18446744073709551621").then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because("it does not fit in 64 bits; uWSGI wraps it to 5", LENGTH),
    Case::builder("length-2-64-exactly", "CONTENT_LENGTH 18446744073709551616")
        .steps(&[Step::packet(SMALL.post(b"18446744073709551616")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because("the smallest number that does not fit in 64 bits", LENGTH),
    Case::builder("length-huge", "CONTENT_LENGTH 9999999999999999999999, 5 bytes, half-close")
        .steps(&[
            Step::packet(SMALL.post(b"9999999999999999999999999999999999999999").then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::InvalidLength)
        .because("it does not fit in 64 bits", LENGTH),
];
