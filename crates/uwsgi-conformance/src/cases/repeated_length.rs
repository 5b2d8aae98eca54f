//! `CONTENT_LENGTH` that comes more than once: the last one counts.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::{CONTENT, LENGTH};

pub(super) const CASES: &[Case] = &[
    Case::builder("length-twice-same", "CONTENT_LENGTH 5 twice")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("equal duplicates mean one length", LENGTH),
    Case::builder("length-twice-3-5", "CONTENT_LENGTH 3, then 5")
        .steps(&[Step::packet(SMALL.post(b"3").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 5", "body 5", "content hello"], Row::Served)
        .because(
            "the last one counts, as in both servers: in nginx a param that is set again replaces that of uwsgi_params",
            LENGTH,
        ),
    Case::builder("length-twice-5-3", "CONTENT_LENGTH 5, then 3")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"3")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 3", "body 3", "content hel"], Row::BytesAfterRequest)
        .because("the last one counts; the two bytes after the body are no request", LENGTH),
    Case::builder("length-twice-5-05", "CONTENT_LENGTH 5, then 05")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"05")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5", "content hello"], Row::Served)
        .because("the last one counts; the other spelling only keeps the connection from being kept", LENGTH),
    Case::builder("length-empty-then-5", "CONTENT_LENGTH empty, then 5")
        .steps(&[Step::packet(SMALL.post(b"").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("the last one counts", LENGTH),
    Case::builder("length-5-then-empty", "CONTENT_LENGTH 5, then empty")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because(
            "the last one counts, and an empty one means no body: uwsgi_param CONTENT_LENGTH \"\" removes the length",
            LENGTH,
        ),
    Case::builder("length-twice-empty", "CONTENT_LENGTH empty twice, 5 bytes")
        .steps(&[Step::packet(SMALL.post(b"").more(&[(b"CONTENT_LENGTH", b"")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("an empty length is absent, even if it comes twice", LENGTH),
    Case::builder("length-5-empty-5", "CONTENT_LENGTH 5, empty, 5")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b""), (b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("the last of three counts", LENGTH),
    Case::builder("length-77-then-0", "POST with CONTENT_LENGTH 77, then 0, and no body")
        .steps(&[Step::packet(SMALL.post(b"77").more(&[(b"CONTENT_LENGTH", b"0")]))])
        .served(&["method POST", "framing length 0", "body 0"], Row::Served)
        .because(
            "nginx sends this if uwsgi_pass_request_body is off and the length is set to 0: there is no body to \
             wait for",
            LENGTH,
        ),
    Case::builder("length-auth-request", "REQUEST_METHOD POST, then GET; CONTENT_LENGTH 77, then empty; no body")
        .steps(&[Step::packet(SMALL.post(b"77").more(&[(b"REQUEST_METHOD", b"GET"), (b"CONTENT_LENGTH", b"")]))])
        .served(&["method GET", "framing none", "body 0"], Row::Served)
        .because("nginx sends this for auth_request, if both params are set again after include uwsgi_params", LENGTH),
    Case::builder("length-twice-first-bad", "CONTENT_LENGTH x, then 5")
        .steps(&[Step::packet(SMALL.post(b"x").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("a replaced length is not parsed", LENGTH),
    Case::builder("length-twice-first-negative", "CONTENT_LENGTH -1, then 5")
        .steps(&[
            Step::packet(SMALL.post(b"-1").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("a replaced length is not parsed", LENGTH),
    Case::builder("length-twice-first-2-64", "CONTENT_LENGTH 18446744073709551616, then 5")
        .steps(&[
            Step::packet(SMALL.post(b"18446744073709551616").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("a replaced length is not parsed", LENGTH),
    Case::builder("length-bad-then-empty", "CONTENT_LENGTH x, then empty, 5 bytes")
        .steps(&[Step::packet(SMALL.post(b"x").more(&[(b"CONTENT_LENGTH", b"")]).then(b"hello")), Step::ShutdownWrite])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("the last one counts, and an empty one means no body", LENGTH),
    Case::builder("length-twice-second-bad", "CONTENT_LENGTH 5, then x")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"x")]).then(b"hello")), Step::ShutdownWrite])
        .refused(400, Row::InvalidLength)
        .because("the last one counts, and it is no length", LENGTH),
    Case::builder("length-twice-second-plus", "CONTENT_LENGTH 5, then +5")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"+5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::InvalidLength)
        .because("the last one counts, and it is no length", LENGTH),
    Case::builder("length-twice-second-2-64", "CONTENT_LENGTH 5, then 18446744073709551616")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"18446744073709551616")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::InvalidLength)
        .because("the last one counts, and it does not fit in 64 bits", LENGTH),
    Case::builder("length-twice-second-newline", "CONTENT_LENGTH 5, then 5 and a newline")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"5\n")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::InvalidLength)
        .because("the last one counts, and it is no length", LENGTH),
    Case::builder("length-twice-first-newline", "CONTENT_LENGTH 5 and LF, then 5")
        .steps(&[
            Step::packet(SMALL.post(b"5\n").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::Content)
        .because("every CONTENT_LENGTH is checked for CR, LF and NUL: another reader may take the first", CONTENT),
    Case::builder("length-twice-first-cr", "CONTENT_LENGTH 5 and CR, then 5")
        .steps(&[
            Step::packet(SMALL.post(b"5\r").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::Content)
        .because("every CONTENT_LENGTH is checked for CR, LF and NUL: another reader may take the first", CONTENT),
    Case::builder("length-twice-first-nul", "CONTENT_LENGTH 5 and NUL, then 5")
        .steps(&[
            Step::packet(SMALL.post(b"5\0").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::Content)
        .because("every CONTENT_LENGTH is checked for CR, LF and NUL: another reader may take the first", CONTENT),
];
