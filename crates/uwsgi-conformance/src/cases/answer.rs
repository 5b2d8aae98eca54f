//! Right and wrong answers of an application.

use crate::case::{After, App, Case, Expected, Needs, Row, SMALL, Step, Verdict};
use crate::cases::sources::{PEP_ERRORS, PEP_LENGTH, PEP_START, UPGRADE};

pub(super) const CASES: &[Case] = &[
    Case::builder("app-fails", "a good GET; the application fails at once")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailBefore)
        .refused(500, Row::AppFailsBefore)
        .because("nothing was sent yet, so that the server sends its own page", PEP_ERRORS),
    Case::builder("app-fails-after-reading", "a good POST; the application reads, then fails")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::FailAfterReading)
        .refused(500, Row::AppFailsBefore)
        .because("nothing was sent yet, so that the server sends its own page", PEP_ERRORS),
    Case::builder("app-fails-unread", "a good POST; the application fails before it reads")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::FailBefore)
        .refused(500, Row::AppFailsBefore)
        .because("the server drops the body, so that no reset destroys the answer", PEP_ERRORS),
    Case::builder("app-fails-after-head", "a good GET; the application gives a head and an empty piece, then fails")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailAfterHead)
        .refused(500, Row::AppFailsBefore)
        .because("the head is sent with the first non-empty write, so that the server can still replace it", PEP_START),
    Case::builder("app-fails-head-request", "HEAD; the application fails at once")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .app(App::FailBefore)
        .without_body(500, Row::AppFailsBefore)
        .because("an answer to HEAD has no body", PEP_ERRORS),
    Case::builder("app-no-head", "a good GET; the application gives bytes without a head")
        .steps(&[Step::packet(SMALL)])
        .app(App::NoHead)
        .refused(500, Row::AppFailsBefore)
        .because("bytes without a head are no answer", PEP_START),
    Case::builder("app-nothing", "a good GET; the application ends without a head")
        .steps(&[Step::packet(SMALL)])
        .app(App::Nothing)
        .refused(500, Row::AppFailsBefore)
        .because("an end without a head is no answer", PEP_START),
    Case::builder("app-fails-halfway", "a good GET; the application fails after 50 of 100 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailAfter(50))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("a front end that saw an orderly end would pass on, and cache, half an answer", PEP_ERRORS),
    Case::builder("app-fails-after-1", "a good GET; the application fails after 1 of 100 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailAfter(1))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("a front end that saw an orderly end would pass on, and cache, half an answer", PEP_ERRORS),
    Case::builder("app-fails-after-all", "a good GET; the application fails after 100 of 100 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailAfter(100))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("all bytes were sent, but the application said that something is wrong", PEP_ERRORS),
    Case::builder(
        "app-fails-open-ended",
        "a good GET; the application fails after 50 bytes of an answer without a length",
    )
    .steps(&[Step::packet(SMALL)])
    .app(App::FailOpenEnded(50))
    .verdict(Verdict::Abort, Row::AppFailsAfter)
    .because("without a length, only a reset tells half an answer from a whole one", PEP_ERRORS),
    Case::builder(
        "app-fails-halfway-keepalive",
        "a good GET on a connection that is kept; the application fails after 50 of 100 bytes",
    )
    .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_LENGTH", b"0")]))])
    .needs(Needs::KEEPALIVE)
    .app(App::FailAfter(50))
    .verdict(Verdict::Abort, Row::AppFailsAfter)
    .because("half an answer ends a kept connection too", PEP_ERRORS),
    Case::builder("app-short", "a good GET; the application gives 90 bytes of 100")
        .steps(&[Step::packet(SMALL)])
        .app(App::Short(10))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("the answer has fewer bytes than its Content-Length, and the close must show that", PEP_LENGTH),
    Case::builder("app-short-by-1", "a good GET; the application gives 99 bytes of 100")
        .steps(&[Step::packet(SMALL)])
        .app(App::Short(1))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("one missing byte is as bad as many", PEP_LENGTH),
    Case::builder("app-short-by-all", "a good GET; the application gives no byte of 100")
        .steps(&[Step::packet(SMALL)])
        .app(App::Short(100))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("the head announced a body, and no byte came", PEP_LENGTH),
    Case::builder("app-long", "a good GET; the application gives 100 bytes, 10 more than its Content-Length")
        .steps(&[Step::packet(SMALL)])
        .app(App::Long(10))
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("the extra bytes are never sent, and the answer is whole", PEP_LENGTH),
    Case::builder(
        "app-long-fails",
        "a good GET; the application gives 10 bytes too many, and fails when the server says so",
    )
    .steps(&[Step::packet(SMALL)])
    .app(App::LongThenFail(10))
    .verdict(Verdict::Abort, Row::AppFailsAfter)
    .because("an application that fails because of the error has failed", PEP_LENGTH),
    Case::builder("app-open-ended", "a good GET; an answer without a Content-Length")
        .steps(&[Step::packet(SMALL)])
        .app(App::OpenEnded)
        .served(&["path /m"], Row::Served)
        .because("the close ends the answer", PEP_LENGTH),
    Case::builder("app-empty-pieces", "a good GET; empty pieces before, between and after the others")
        .steps(&[Step::packet(SMALL)])
        .app(App::EmptyPieces)
        .served(&["path /m"], Row::Served)
        .because("an empty piece sends nothing: no head, no byte, no end", PEP_START),
    Case::builder("app-empty", "a good GET; an answer of no bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Empty(200))
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("the head is sent when the answer ends", PEP_START),
    Case::builder("app-head-twice", "a good GET; a head with 404, an empty piece, then a head with 200 and an answer")
        .steps(&[Step::packet(SMALL)])
        .app(App::HeadTwice)
        .served(&["path /m"], Row::Served)
        .because("nothing was sent yet, so that the second head replaces the first", PEP_START),
    Case::builder("app-head-too-late", "a good GET; a second head after 5 of 10 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::HeadTooLate)
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("the first head was sent already, so that the second one is ignored", PEP_START),
    Case::builder("ok-head", "HEAD")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .without_body(200, Row::Served)
        .because("the answer has the head that a GET gets, and no body (RFC 9110 section 9.3.2)", PEP_LENGTH),
    Case::builder("head-short", "HEAD; the application gives 90 bytes of 100")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .app(App::Short(10))
        .without_body(200, Row::Served)
        .because("an answer to HEAD sends no body, so that no byte is missing", PEP_LENGTH),
    Case::builder("status-204", "a good GET; 204 with 5 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Status(204))
        .without_body(204, Row::Served)
        .because("204 has no body, whatever the application gives (RFC 9110 section 15.3.5)", PEP_LENGTH),
    Case::builder("status-101-unasked", "a good GET; 101 with 5 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Status(101))
        .refused(500, Row::AppFailsBefore)
        .because("a server does not switch to a protocol that the client did not offer", UPGRADE),
    Case::builder("status-101-h2c", "a GET that offers h2c; 101 with 5 bytes")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_CONNECTION", b"Upgrade"), (b"HTTP_UPGRADE", b"h2c")]))])
        .app(App::Status(101))
        .refused(500, Row::AppFailsBefore)
        .because("no application is offered h2c: such a tunnel is a way around the rules of the front end", UPGRADE),
    Case::builder("status-304", "a good GET; 304 with 5 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Status(304))
        .without_body(304, Row::Served)
        .because("304 has no body (RFC 9110 section 15.4.5)", PEP_LENGTH),
    Case::builder("status-404", "a good GET; 404 with 5 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Status(404))
        .verdict(Verdict::Answer(Expected::status(404), After::Closes), Row::Served)
        .because("an application's status is its own", PEP_LENGTH),
];
