//! Bytes after a request, and the stop of the server.

use crate::case::{After, App, Case, Expected, Needs, Row, SMALL, Step, Verdict};
use crate::cases::sources::{AFTER_REQUEST, STOP};

pub(super) const CASES: &[Case] = &[
    Case::builder("body-long", "CONTENT_LENGTH 5, 8 bytes")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello!!!"))])
        .served(&["body 5", "content hello"], Row::BytesAfterRequest)
        .because("the bytes after the body are neither body nor packet", AFTER_REQUEST),
    Case::builder("body-long-half-close", "CONTENT_LENGTH 5, 8 bytes, half-close")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello!!!")), Step::ShutdownWrite])
        .served(&["body 5"], Row::BytesAfterRequest)
        .because("the end of the stream changes nothing", AFTER_REQUEST),
    Case::builder("pipelined", "two good GETs in one write")
        .steps(&[Step::packet(SMALL), Step::packet(SMALL)])
        .served(&["vars 10"], Row::BytesAfterRequest)
        .because(
            "the second GET may be a body without a length: to serve it would let clients smuggle requests",
            AFTER_REQUEST,
        ),
    Case::builder("pipelined-post-get", "a POST and a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello")), Step::packet(SMALL)])
        .served(&["method POST", "body 5"], Row::BytesAfterRequest)
        .because("a connection has one request, unless keepalive is on", AFTER_REQUEST),
    Case::builder("second-after-answer", "a second GET after the answer to the first")
        .steps(&[Step::packet(SMALL), Step::ReadAnswer, Step::packet(SMALL)])
        .served(&["vars 10"], Row::BytesAfterRequest)
        .because("the connection closed with the first answer", AFTER_REQUEST),
    Case::builder("second-keepalive", "a second GET after the answer to the first, which has Connection: keep-alive")
        .steps(&[
            Step::packet(SMALL.more(&[(b"HTTP_CONNECTION", b"keep-alive")])),
            Step::ReadAnswer,
            Step::packet(SMALL),
        ])
        .served(&["vars 11"], Row::BytesAfterRequest)
        .because("Connection is about the client's connection to the front end, not about this one", AFTER_REQUEST),
    Case::builder("get-with-undeclared-body", "a good GET with 5 bytes after it")
        .steps(&[Step::packet(SMALL.then(b"hello"))])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("without a length there is no body", AFTER_REQUEST),
    Case::builder("ok-half-close", "a good GET, then the sending side is shut down")
        .steps(&[Step::packet(SMALL), Step::ShutdownWrite])
        .served(&["body 0"], Row::Served)
        .because("a peer that half-closes still reads", AFTER_REQUEST),
    Case::builder("abort", "a good GET, then a reset without reading")
        .steps(&[Step::packet(SMALL), Step::Reset])
        .verdict(Verdict::Gone, Row::Served)
        .because("the peer has gone, so that no answer can reach it", AFTER_REQUEST),
    Case::builder("close-after-get", "a good GET, then a close without reading")
        .steps(&[Step::packet(SMALL), Step::Close])
        .served(&["path /m"], Row::Served)
        .because("the server cannot tell a close from a half-close before it writes", AFTER_REQUEST),
    Case::builder("stop-idle", "nothing; a stop after 1 s, a good GET after 2")
        .steps(&[Step::Wait(2000), Step::packet(SMALL)])
        .needs(Needs::DEFAULT.with_stop(1000))
        .verdict(Verdict::Close, Row::Stop)
        .because("no request had begun", STOP),
    Case::builder("stop-inside-header", "3 bytes, a stop after 1 s, the rest after 2")
        .steps(&[Step::part(SMALL, 0, 3), Step::Wait(2000), Step::part(SMALL, 3, 195)])
        .needs(Needs::DEFAULT.with_stop(1000))
        .served(&["path /m"], Row::Stop)
        .because("the request had begun before the stop, so that it is finished", STOP),
    Case::builder("stop-inside-body", "3 of 5 bytes of body, a stop after 1 s, the rest after 2")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::Wait(2000), Step::raw(b"lo")])
        .needs(Needs::DEFAULT.with_stop(1000))
        .served(&["body 5"], Row::Stop)
        .because("the request had begun before the stop, so that it is finished", STOP),
    Case::builder("stop-while-working", "a good GET; the application takes 20 s, a stop after 1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs::DEFAULT.with_stop(1000))
        .app(App::PauseThenRead(20_000))
        .served(&["body 0"], Row::Stop)
        .because("the request had begun before the stop, so that it is finished", STOP),
    Case::builder("stop-body-too-late", "no body; the application reads after 20 s, a stop after 1")
        .steps(&[Step::packet(SMALL.post(b"5"))])
        .needs(Needs::DEFAULT.with_stop(1000))
        .app(App::PauseThenRead(20_000))
        .refused(503, Row::Stop)
        .because(
            "30 s after the stop its time is over; nothing was sent yet, so that the server can send a status",
            STOP,
        ),
    Case::builder("stop-works-too-long", "a good GET; the application takes 60 s, a stop after 1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs::DEFAULT.with_stop(1000))
        .app(App::PauseThenRead(60_000))
        .refused(503, Row::Stop)
        .because(
            "30 s after the stop its time is over; nothing was sent yet, so that the server can send a status",
            STOP,
        ),
    Case::builder("stop-before-keepalive", "a good GET on a connection that is kept; a stop after 2 s")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_LENGTH", b"0")])), Step::ReadAnswer, Step::Wait(2000)])
        .needs(Needs::KEEPALIVE.with_stop(2000))
        .verdict(Verdict::Answer(Expected::served(&["body 0"]), After::StaysOpen), Row::Stop)
        .because("the connection is kept, and idle when the stop comes", STOP),
    Case::builder(
        "stop-no-second",
        "two good POSTs on a connection that would be kept; the application takes 2 s, a stop after 1",
    )
    .steps(&[
        Step::packet(SMALL.post(b"5").then(b"hello")),
        Step::ReadAnswer,
        Step::packet(SMALL.post(b"5").then(b"hello")),
    ])
    .needs(Needs::KEEPALIVE.with_stop(1000))
    .app(App::PauseThenRead(2_000))
    .served(&["body 5"], Row::Stop)
    .because("after a stop a connection is not kept", STOP),
    Case::builder("stop-queued", "a good GET; a worker is free after 5 s, a stop after 1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { busy: 5000, ..Needs::DEFAULT.with_stop(1000) })
        .served(&["body 0"], Row::Stop)
        .because("a request that waits for a worker has begun", STOP),
];
