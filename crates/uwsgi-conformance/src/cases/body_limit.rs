//! Bodies whose announced length is over the limit.

use crate::case::{Case, Needs, Row, SMALL, Step};
use crate::cases::sources::BODY_TOO_LARGE;

pub(super) const CASES: &[Case] = &[
    Case::builder("length-2-31", "CONTENT_LENGTH 2147483648, 5 bytes, half-close")
        .steps(&[Step::packet(SMALL.post(b"2147483648").then(b"hello")), Step::ShutdownWrite])
        .refused(413, Row::LengthOverLimit)
        .because("it is over 1 GiB, and the server decides before a byte of the body", BODY_TOO_LARGE),
    Case::builder("length-2-63", "CONTENT_LENGTH 9223372036854775808, 5 bytes, half-close")
        .steps(&[Step::packet(SMALL.post(b"9223372036854775808").then(b"hello")), Step::ShutdownWrite])
        .refused(413, Row::LengthOverLimit)
        .because("it fits in 64 bits, so that it is a valid length, but too large", BODY_TOO_LARGE),
    Case::builder("length-2-64-less-1", "CONTENT_LENGTH 18446744073709551615")
        .steps(&[Step::packet(SMALL.post(b"18446744073709551615"))])
        .refused(413, Row::LengthOverLimit)
        .because("the largest number that fits in 64 bits", BODY_TOO_LARGE),
    Case::builder("length-over-1-gib", "CONTENT_LENGTH 1073741825")
        .steps(&[Step::packet(SMALL.post(b"1073741825"))])
        .refused(413, Row::LengthOverLimit)
        .because("the default limit is 1 GiB", BODY_TOO_LARGE),
    Case::builder("length-over-a-small-limit", "CONTENT_LENGTH 6, the limit being 5")
        .steps(&[Step::packet(SMALL.post(b"6").then(b"hello!"))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .refused(413, Row::LengthOverLimit)
        .because(
            "one byte over the limit; the server drops the body, so that no reset destroys the answer",
            BODY_TOO_LARGE,
        ),
    Case::builder("length-over-limit-and-content", "CONTENT_LENGTH 6, the limit being 5, and LF in a header")
        .steps(&[Step::packet(SMALL.post(b"6").more(&[(b"HTTP_X", b"a\nb")]))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .refused(413, Row::LengthOverLimit)
        .because("the first row that applies wins", BODY_TOO_LARGE),
    Case::builder("length-head-over-limit", "HEAD with CONTENT_LENGTH 6, the limit being 5")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD"), (b"CONTENT_LENGTH", b"6")]))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .without_body(413, Row::LengthOverLimit)
        .because("an answer to HEAD has no body, and a refusal is an answer (RFC 9110 section 9.3.2)", BODY_TOO_LARGE),
    Case::builder("length-first-over-limit", "CONTENT_LENGTH 6, then 5, the limit being 5")
        .steps(&[Step::packet(SMALL.post(b"6").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello"))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("the last one counts", BODY_TOO_LARGE),
    Case::builder("length-last-over-limit", "CONTENT_LENGTH 5, then 6, the limit being 5")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"6")]).then(b"hello!"))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .refused(413, Row::LengthOverLimit)
        .because("the last one counts", BODY_TOO_LARGE),
];
