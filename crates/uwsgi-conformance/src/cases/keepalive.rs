//! More than one request a connection, where keepalive is on.

use crate::case::{After, App, Case, Expected, Needs, Recipe, Row, SMALL, Step};
use crate::cases::sources::KEEPALIVE;

/// A good GET that says that it has no body, so that the connection can be kept.
const GET: Recipe = SMALL.changed(&[(b"CONTENT_LENGTH", b"0")]);
/// A good HEAD that says that it has no body.
const HEAD: Recipe = SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD"), (b"CONTENT_LENGTH", b"0")]);
/// A good POST.
const POST: Recipe = SMALL.post(b"5").then(b"hello");

pub(super) const CASES: &[Case] = &[
    Case::builder("keepalive-two", "two good GETs with CONTENT_LENGTH 0, one after the other")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("body and answer have lengths: both ends know where the next message begins", KEEPALIVE),
    Case::builder("keepalive-pipelined", "two good GETs with CONTENT_LENGTH 0 in one write")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("the bytes that came early are the next packet", KEEPALIVE),
    Case::builder("keepalive-three-posts", "three good POSTs in one write")
        .steps(&[Step::packet(POST), Step::packet(POST), Step::packet(POST)])
        .needs(Needs::KEEPALIVE)
        .answers(
            &[Expected::served(&["body 5"]), Expected::served(&["body 5"]), Expected::served(&["body 5"])],
            After::StaysOpen,
            Row::Served,
        )
        .because("each body ends where its length says", KEEPALIVE),
    Case::builder("keepalive-body-unread", "a good POST that the application does not read, then a GET in one write")
        .steps(&[Step::packet(POST), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::AnswerWithoutReading)
        .answers(&[Expected::served(&["body 0"]), Expected::served(&["body 0"])], After::StaysOpen, Row::Served)
        .because("the server reads and drops a rest of at most 64 KiB; the next packet follows", KEEPALIVE),
    Case::builder("keepalive-body-half-read", "a good POST of which 2 bytes are read, then a GET in one write")
        .steps(&[Step::packet(POST), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::ReadSomeThenAnswer(2))
        .answers(&[Expected::served(&["body 2"]), Expected::served(&["body 0"])], After::StaysOpen, Row::Served)
        .because("the server reads and drops a rest of at most 64 KiB; the next packet follows", KEEPALIVE),
    Case::builder("keepalive-idle", "a good GET, 6 s, another")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::Wait(6000), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"])], After::StaysOpen, Row::Silence)
        .because("the server closes after 5 s of silence between two requests", KEEPALIVE),
    Case::builder("keepalive-idle-4", "a good GET, 4 s, another")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::Wait(4000), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("4 s of silence are within the 5 s", KEEPALIVE),
    Case::builder("keepalive-closed-by-peer", "a good GET, 2 s, half-close")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::Wait(2000), Step::ShutdownWrite])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"])], After::StaysOpen, Row::ClosedBeforeFirstByte)
        .because("an end between two requests is no error", KEEPALIVE),
    Case::builder("keepalive-second-slow", "a good GET, then 3 bytes of another, nothing more")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::part(SMALL, 0, 3)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::refused(408)], After::Closes, Row::HeaderTimeout)
        .because("the header timeout holds for a second packet too", KEEPALIVE),
    Case::builder("keepalive-second-cut", "a good GET, then 3 bytes of another, half-close")
        .steps(&[Step::packet(GET), Step::ReadAnswer, Step::part(SMALL, 0, 3), Step::ShutdownWrite])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::refused(400)], After::Closes, Row::EndOfStream)
        .because("a second packet had begun", KEEPALIVE),
    Case::builder("keepalive-second-malformed", "a good GET, a malformed packet, a good GET in one write")
        .steps(&[Step::packet(GET), Step::raw(b"\0\x01\0\0X"), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::refused(400)], After::Closes, Row::MalformedBlock)
        .because("nothing after a refused packet is read as a packet", KEEPALIVE),
    Case::builder("keepalive-second-http", "a good GET, then an HTTP request in one write")
        .steps(&[Step::packet(GET), Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 10"]), Expected::refused(400)], After::Closes, Row::Foreign)
        .because("a second packet has the same rules as the first", KEEPALIVE),
    Case::builder("keepalive-connection-close", "a good GET with Connection: close, then another in one write")
        .steps(&[Step::packet(GET.more(&[(b"HTTP_CONNECTION", b"close")])), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["vars 11"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("Connection is about the client's connection to the front end", KEEPALIVE),
    Case::builder("keepalive-head", "HEAD, then GET in one write")
        .steps(&[Step::packet(HEAD), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::bare(200), Expected::served(&["method GET"])], After::StaysOpen, Row::Served)
        .because("an answer to HEAD ends with its head", KEEPALIVE),
    Case::builder("keepalive-head-then-refused", "HEAD, then a POST with CONTENT_LENGTH x in one write")
        .steps(&[Step::packet(HEAD), Step::packet(SMALL.post(b"x"))])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::bare(200), Expected::refused(400)], After::Closes, Row::InvalidLength)
        .because("whether an answer has a body depends on its own request, not on the one before", KEEPALIVE),
    Case::builder("keepalive-head-then-malformed", "HEAD, then a malformed packet in one write")
        .steps(&[Step::packet(HEAD), Step::raw(b"\0\x01\0\0X")])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::bare(200), Expected::refused(400)], After::Closes, Row::MalformedBlock)
        .because("a packet that cannot be decoded does not tell whether it is a HEAD", KEEPALIVE),
    Case::builder("keepalive-204", "two good GETs in one write; 204 without a length")
        .steps(&[Step::packet(GET), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .app(App::Status(204))
        .answers(&[Expected::bare(204), Expected::bare(204)], After::StaysOpen, Row::Served)
        .because("204 ends with its head", KEEPALIVE),
    Case::builder("keepalive-length-twice-same", "CONTENT_LENGTH 5 twice, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["body 5"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("every CONTENT_LENGTH has the same bytes", KEEPALIVE),
    Case::builder("keepalive-length-twice-05", "CONTENT_LENGTH 05 twice, then a GET in one write")
        .steps(&[Step::packet(SMALL.post(b"05").more(&[(b"CONTENT_LENGTH", b"05")]).then(b"hello")), Step::packet(GET)])
        .needs(Needs::KEEPALIVE)
        .answers(&[Expected::served(&["body 5"]), Expected::served(&["vars 10"])], After::StaysOpen, Row::Served)
        .because("every CONTENT_LENGTH has the same bytes", KEEPALIVE),
];
