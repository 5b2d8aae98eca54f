//! What an application does right and wrong with its answer.

use crate::case::{After, App, Case, Expected, Needs, Row, SMALL, Step, Verdict};
use crate::cases::sources::{PEP_ERRORS, PEP_LENGTH, PEP_START, UPGRADE};

pub(super) const CASES: &[Case] = &[
    Case::builder("app-fails", "a good GET; the application fails at once")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailBefore)
        .refused(500, Row::AppFailsBefore)
        .because("the server's own page, since nothing has left", PEP_ERRORS),
    Case::builder("app-fails-after-reading", "a good POST; the application reads, then fails")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::FailAfterReading)
        .refused(500, Row::AppFailsBefore)
        .because("the server's own page, since nothing has left", PEP_ERRORS),
    Case::builder("app-fails-unread", "a good POST; the application fails before it reads")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::FailBefore)
        .refused(500, Row::AppFailsBefore)
        .because("the body is dropped, so that the answer is not lost", PEP_ERRORS),
    Case::builder("app-fails-after-head", "a good GET; the application gives a head and an empty piece, then fails")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailAfterHead)
        .refused(500, Row::AppFailsBefore)
        .because("a head leaves with the first bytes that are not none, so that it can still be another", PEP_START),
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
        .because("all has left, and still it said that something is wrong", PEP_ERRORS),
    Case::builder("app-fails-open-ended", "a good GET; the application fails after 50 bytes of no declared length")
        .steps(&[Step::packet(SMALL)])
        .app(App::FailOpenEnded(50))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("without a length, a reset is all that tells half an answer from a whole one", PEP_ERRORS),
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
        .because("fewer bytes than its Content-Length: the connection closes, and so that it shows", PEP_LENGTH),
    Case::builder("app-short-by-1", "a good GET; the application gives 99 bytes of 100")
        .steps(&[Step::packet(SMALL)])
        .app(App::Short(1))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("one byte is as bad", PEP_LENGTH),
    Case::builder("app-short-by-all", "a good GET; the application gives no byte of 100")
        .steps(&[Step::packet(SMALL)])
        .app(App::Short(100))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("a length was promised, and nothing came", PEP_LENGTH),
    Case::builder("app-long", "a good GET; the application gives 100 bytes, 10 more than its Content-Length")
        .steps(&[Step::packet(SMALL)])
        .app(App::Long(10))
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("what is too much never leaves; the answer is whole", PEP_LENGTH),
    Case::builder("app-long-fails", "a good GET; the application gives 10 bytes too many, and fails when it is told")
        .steps(&[Step::packet(SMALL)])
        .app(App::LongThenFail(10))
        .verdict(Verdict::Abort, Row::AppFailsAfter)
        .because("an application that takes the error for a failure has failed", PEP_LENGTH),
    Case::builder("app-open-ended", "a good GET; an answer without a Content-Length")
        .steps(&[Step::packet(SMALL)])
        .app(App::OpenEnded)
        .served(&["path /m"], Row::Served)
        .because("the close is the end", PEP_LENGTH),
    Case::builder("app-empty-pieces", "a good GET; empty pieces before, between and behind the others")
        .steps(&[Step::packet(SMALL)])
        .app(App::EmptyPieces)
        .served(&["path /m"], Row::Served)
        .because("an empty piece is no byte, no head and no end", PEP_START),
    Case::builder("app-empty", "a good GET; an answer of no bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::Empty(200))
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("the head leaves at the end", PEP_START),
    Case::builder("app-head-twice", "a good GET; a head with 404, an empty piece, then a head with 200 and an answer")
        .steps(&[Step::packet(SMALL)])
        .app(App::HeadTwice)
        .served(&["path /m"], Row::Served)
        .because("nothing had left, so that the second head replaces the first", PEP_START),
    Case::builder("app-head-too-late", "a good GET; a second head after 5 of 10 bytes")
        .steps(&[Step::packet(SMALL)])
        .app(App::HeadTooLate)
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("what has left has left; the second head is not taken", PEP_START),
    Case::builder("ok-head", "HEAD")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .without_body(200, Row::Served)
        .because("the head of a GET's answer, and no byte more (RFC 9110 section 9.3.2)", PEP_LENGTH),
    Case::builder("head-short", "HEAD; the application gives 90 bytes of 100")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .app(App::Short(10))
        .without_body(200, Row::Served)
        .because("no byte would have left, so that none is missing", PEP_LENGTH),
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
        .because("no application is asked for h2c: a tunnel for it is a way around the front end's rules", UPGRADE),
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
