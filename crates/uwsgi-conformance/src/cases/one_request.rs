//! Keepalive is on: what ends a connection after its answer, and what does not.

use crate::case::{After, App, Case, Expected, Needs, Recipe, Row, SMALL, Step, Verdict};
use crate::cases::sources::KEEPALIVE;

/// A good GET that says that it has no body, so that the connection can be kept.
const GET: Recipe = SMALL.changed(&[(b"CONTENT_LENGTH", b"0")]);

pub(super) const CASES: &[Case] = &[
    Case::builder("keepalive-no-length", "two good GETs with an empty CONTENT_LENGTH in one write")
        .steps(&[Step::packet(SMALL), Step::packet(SMALL)])
        .needs(Needs::KEEPALIVE)
        .served(&["vars 10"], Row::BytesAfterRequest)
        .because("without a length, the next bytes may be a body", KEEPALIVE),
    Case::builder("keepalive-open-ended", "two good GETs in one write; answers without a Content-Length")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::OpenEnded)
        .served(&["vars 10"], Row::BytesAfterRequest)
        .because("an answer without a length ends with the connection", KEEPALIVE),
    Case::builder("keepalive-app-fails", "two good GETs in one write; the application fails")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::FailBefore)
        .refused(500, Row::AppFailsBefore)
        .because("a failed application may have left a body half read: no second request follows a 500", KEEPALIVE),
    Case::builder("keepalive-chunked", "a chunked POST, accepted, then a GET in one write")
        .steps(&[
            Step::packet(
                SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n0\r\n\r\n"),
            ),
            Step::packet(GET),
        ])
        .needs(Needs { chunked: true, ..Needs::KEEPALIVE })
        .served(&["framing chunked", "body 5"], Row::BytesAfterRequest)
        .because("no front end sends a second request after a chunked body", KEEPALIVE),
    Case::builder("keepalive-long", "two good GETs in one write; answers of 10 bytes too many")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::Long(10))
        .answers(&[Expected::status(200), Expected::status(200)], After::StaysOpen, Row::Served)
        .because("the extra bytes are never sent, so that the next answer begins at the right place", KEEPALIVE),
    Case::builder("keepalive-short", "two good GETs in one write; answers of 10 bytes too few")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::Short(10))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("the front end would take the next answer for the rest of this one", KEEPALIVE),
    Case::builder("keepalive-body-long", "CONTENT_LENGTH 5, 8 bytes, nothing more")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello!!!"))])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["body 5"]), Expected::refused(408)], After::Closes, Row::HeaderTimeout)
        .because("the next packet begins after the body; three bytes are a packet that is not whole", KEEPALIVE),
    Case::builder("keepalive-length-absent", "a good GET without CONTENT_LENGTH, then a GET in one write")
        .steps(&[Step::packet(SMALL.without(&[b"CONTENT_LENGTH"])), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing none", "vars 9"], Row::BytesAfterRequest)
        .because("without a length, the next bytes may be a body", KEEPALIVE),
    Case::builder("keepalive-length-3-5", "CONTENT_LENGTH 3, then 5, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"3").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 5", "body 5"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-5-3", "CONTENT_LENGTH 5, then 3, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"3")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 3", "body 3"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-5-3-5", "CONTENT_LENGTH 5, 3, 5, then a GET in one write")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"3"), (b"CONTENT_LENGTH", b"5")]).then(b"hello")),
            Step::packet(GET),
        ])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 5", "body 5"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-5-05", "CONTENT_LENGTH 5, then 05, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"05")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 5", "body 5"], Row::BytesAfterRequest)
        .because("the same number in other bytes: another reader may take 05 for octal or for invalid", KEEPALIVE),
    Case::builder("keepalive-length-0-00", "CONTENT_LENGTH 0, then 00, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"0").more(&[(b"CONTENT_LENGTH", b"00")])), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 0", "body 0"], Row::BytesAfterRequest)
        .because("the same number in other bytes", KEEPALIVE),
    Case::builder("keepalive-length-77-then-0", "CONTENT_LENGTH 77, then 0, no body, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"77").more(&[(b"CONTENT_LENGTH", b"0")])), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 0", "body 0"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-empty-then-5", "CONTENT_LENGTH empty, then 5, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 5", "body 5"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-5-then-empty", "CONTENT_LENGTH 5, then empty, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
    Case::builder("keepalive-length-twice-empty", "CONTENT_LENGTH empty twice, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"").more(&[(b"CONTENT_LENGTH", b"")])), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("without a length, the next bytes may be a body", KEEPALIVE),
    Case::builder("keepalive-length-bad-then-5", "CONTENT_LENGTH x, then 5, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"x").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .served(&["framing length 5", "body 5"], Row::BytesAfterRequest)
        .because("another reader may have taken the other length: this connection has no second request", KEEPALIVE),
];
