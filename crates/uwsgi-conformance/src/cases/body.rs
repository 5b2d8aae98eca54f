//! Bodies that end early, come slowly, or are not read.

use crate::case::{After, App, Bytes, Case, Expected, Row, SMALL, Step, Verdict};
use crate::cases::sources::BODY;

pub(super) const CASES: &[Case] = &[
    Case::builder("body-short-close", "3 of 5 bytes of body, half-close")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::ShutdownWrite])
        .refused(400, Row::BodyEndsEarly)
        .because("PEP 3333 has no rule for this end: without an error, the application would store a cut upload", BODY),
    Case::builder("body-short-caught", "3 of 5 bytes of body, half-close; the application answers all the same")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::ShutdownWrite])
        .app(App::AnswerTheReadError)
        .served(&["body 3", "error the stream ended 2 bytes before the body did"], Row::BodyEndsEarly)
        .because("an application that handles the error may answer", BODY),
    Case::builder("body-none-close", "CONTENT_LENGTH 5, no body, half-close")
        .steps(&[Step::packet(SMALL.post(b"5")), Step::ShutdownWrite])
        .refused(400, Row::BodyEndsEarly)
        .because("no byte of the body came", BODY),
    Case::builder(
        "body-short-after-head",
        "3 of 5 bytes of body, half-close; the application sends part of the answer before it reads",
    )
    .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::ShutdownWrite])
    .app(App::AnswerThenRead)
    .verdict(Verdict::Abort, Row::BodyEndsEarly)
    .because("part of the answer was sent, so that no other status can be sent", BODY),
    Case::builder("body-short-unread", "3 of 5 bytes of body, half-close; the application reads nothing")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::ShutdownWrite])
        .app(App::AnswerWithoutReading)
        .served(&["body 0"], Row::BodyEndsEarly)
        .because("an application that does not read does not see the end", BODY),
    Case::builder("body-short-abort", "3 of 5 bytes of body, reset")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel")), Step::Reset])
        .verdict(Verdict::Gone, Row::BodyEndsEarly)
        .because("the peer has gone, so that no answer can reach it", BODY),
    Case::builder("body-short-wait", "3 of 5 bytes of body, nothing more")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel"))])
        .refused(408, Row::BodyTooSlow)
        .because("30 s without a byte", BODY),
    Case::builder("body-none-wait", "CONTENT_LENGTH 5, no body, nothing more")
        .steps(&[Step::packet(SMALL.post(b"5"))])
        .refused(408, Row::BodyTooSlow)
        .because("30 s without a byte", BODY),
    Case::builder("body-slow-caught", "3 of 5 bytes of body, nothing more; the application answers all the same")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hel"))])
        .app(App::AnswerTheReadError)
        .served(&["body 3", "error the body was silent too long, or too slow"], Row::BodyTooSlow)
        .because("an application that handles the error may answer", BODY),
    Case::builder(
        "body-slow-after-head",
        "3 of 5 bytes of body, nothing more; the application sends part of the answer before it reads",
    )
    .steps(&[Step::packet(SMALL.post(b"5").then(b"hel"))])
    .app(App::AnswerThenRead)
    .verdict(Verdict::Abort, Row::BodyTooSlow)
    .because("part of the answer was sent, so that no other status can be sent", BODY),
    Case::builder("body-byte-every-second", "100 bytes of body, one a second")
        .steps(&[Step::packet(SMALL.post(b"100")), Step::Trickle(1000, Bytes::Times(b"b", 100))])
        .refused(408, Row::BodyTooSlow)
        .because(
            "the peer is never silent for long, but after 30 s it is under 240 bytes a second: it would hold a \
             worker for 100 s",
            BODY,
        ),
    Case::builder("body-byte-every-second-short", "20 bytes of body, one a second")
        .steps(&[Step::packet(SMALL.post(b"20")), Step::Trickle(1000, Bytes::Times(b"b", 20))])
        .served(&["body 20"], Row::Served)
        .because("the rate only counts after the first 30 s", BODY),
    Case::builder("body-at-the-rate", "12000 bytes of body, the last 29 s after the others")
        .steps(&[
            Step::packet(SMALL.post(b"12000")),
            Step::Send(Bytes::Times(b"b", 11999)),
            Step::Wait(29000),
            Step::raw(b"b"),
        ])
        .served(&["body 12000"], Row::Served)
        .because("the bytes so far are enough for the time that the server has waited", BODY),
    Case::builder("body-silent-31", "12000 bytes of body, the last 31 s after the others")
        .steps(&[
            Step::packet(SMALL.post(b"12000")),
            Step::Send(Bytes::Times(b"b", 11999)),
            Step::Wait(31000),
            Step::raw(b"b"),
        ])
        .refused(408, Row::BodyTooSlow)
        .because("earlier bytes do not allow a longer silence", BODY),
    Case::builder("body-late", "the body 1 s after the variables")
        .steps(&[Step::packet(SMALL.post(b"5")), Step::Wait(1000), Step::raw(b"hello")])
        .served(&["body 5"], Row::Served)
        .because("1 s of silence is allowed", BODY),
    Case::builder("body-trickle", "the body byte by byte, 0.3 s apart")
        .steps(&[Step::packet(SMALL.post(b"5")), Step::Trickle(300, Bytes::Raw(b"hello"))])
        .served(&["body 5"], Row::Served)
        .because("the body is slow, but soon over", BODY),
    Case::builder("body-app-pauses", "a good POST; the application pauses for 60 s before it reads")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::PauseThenRead(60_000))
        .served(&["body 5"], Row::Served)
        .because("the body was there: the pause of the application is not the silence of the peer", BODY),
    Case::builder(
        "body-late-app-pauses",
        "the body 50 s after the variables; the application pauses for 60 s before it reads",
    )
    .steps(&[Step::packet(SMALL.post(b"5")), Step::Wait(50000), Step::raw(b"hello")])
    .app(App::PauseThenRead(60_000))
    .served(&["body 5"], Row::Served)
    .because("no read waited for it, so that no timeout ran", BODY),
    Case::builder(
        "body-app-pauses-inside",
        "5 of 8 bytes of body, the others after 50 s; the application pauses for 60 s after the 5",
    )
    .steps(&[Step::packet(SMALL.post(b"8").then(b"hello")), Step::Wait(50000), Step::raw(b"you")])
    .app(App::PauseWhileReading(5, 60_000))
    .served(&["body 8"], Row::Served)
    .because("no read waited for it, so that no timeout ran", BODY),
    Case::builder("body-100-kib", "a body of 100 KiB")
        .steps(&[Step::packet(SMALL.post(b"102400")), Step::Send(Bytes::Times(b"b", 102_400))])
        .served(&["body 102400"], Row::Served)
        .because("the body is longer than any buffer", BODY),
    Case::builder("body-read-twice", "a good POST; the application reads twice")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::ReadTwice)
        .served(&["body 5", "again 0"], Row::Served)
        .because("PEP 3333: a read after the end of the body gives no bytes", BODY),
    Case::builder("body-long-read-twice", "CONTENT_LENGTH 5, 8 bytes; the application reads twice")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello!!!"))])
        .app(App::ReadTwice)
        .served(&["body 5", "again 0"], Row::BytesAfterRequest)
        .because("bytes after the body do not belong to it", BODY),
    Case::builder("body-some-read", "a good POST; the application reads 2 bytes")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::ReadSomeThenAnswer(2))
        .served(&["body 2", "content he"], Row::Served)
        .because("PEP 3333 lets an application read less; the server drops the rest", BODY),
    Case::builder("body-unread", "a good POST; the application reads nothing")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::AnswerWithoutReading)
        .served(&["body 0"], Row::Served)
        .because("the server drops the rest, so that the kernel does not reset the connection", BODY),
    Case::builder("body-unread-large", "a body of 60000 bytes; the application reads nothing")
        .steps(&[Step::packet(SMALL.post(b"60000")), Step::Send(Bytes::Times(b"b", 60_000))])
        .app(App::AnswerWithoutReading)
        .served(&["body 0"], Row::Served)
        .because("before the close, the server drops what still comes for up to 2 seconds", BODY),
    Case::builder("body-before-reading", "a good POST; the application sends part of the answer before it reads")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .app(App::AnswerThenRead)
        .verdict(Verdict::Answer(Expected::status(200), After::Closes), Row::Served)
        .because("reading and writing do not wait for each other", BODY),
];
