//! Where a body ends: good lengths, and chunks.

use crate::case::{Case, Needs, Row, SMALL, Step};
use crate::cases::sources::{CHUNKED, LENGTH};

pub(super) const CASES: &[Case] = &[
    Case::builder("length-empty", "CONTENT_LENGTH empty, with 5 bytes of body")
        .steps(&[Step::packet(SMALL.post(b"").then(b"hello")), Step::ShutdownWrite])
        .served(&["method POST", "framing none", "body 0"], Row::BytesAfterRequest)
        .because(
            "an empty length is absent: nginx sends one with every GET; bytes without a length are no body",
            LENGTH,
        ),
    Case::builder("length-zeros", "CONTENT_LENGTH 0005")
        .steps(&[Step::packet(SMALL.post(b"0005").then(b"hello")), Step::ShutdownWrite])
        .served(&["framing length 5", "body 5", "content hello"], Row::Served)
        .because("RFC 9110 section 8.6: one or more digits", LENGTH),
    Case::builder("length-zero", "CONTENT_LENGTH 0")
        .steps(&[Step::packet(SMALL.post(b"0"))])
        .served(&["framing length 0", "body 0"], Row::Served)
        .because("there is no body, and the request says so", LENGTH),
    Case::builder("length-at-a-small-limit", "CONTENT_LENGTH 5, the limit being 5")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .needs(Needs { body_limit: 5, ..Needs::DEFAULT })
        .served(&["body 5"], Row::Served)
        .because("a value at the limit is allowed", LENGTH),
    Case::builder("length-http", "HTTP_CONTENT_LENGTH 3 beside CONTENT_LENGTH 5 (nginx sends both)")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"HTTP_CONTENT_LENGTH", b"3")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("the client's header never frames the body; the front end's CONTENT_LENGTH does", LENGTH),
    Case::builder("length-http-only", "HTTP_CONTENT_LENGTH 5 and no CONTENT_LENGTH, 5 bytes")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_CONTENT_LENGTH", b"5")]).then(b"hello"))])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because("the client's header never frames a body, not even alone", LENGTH),
    Case::builder("length-on-get", "GET with CONTENT_LENGTH 5")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_LENGTH", b"5")]).then(b"hello"))])
        .served(&["method GET", "body 5"], Row::Served)
        .because("any method may have a body (RFC 9110 section 6.4)", LENGTH),
    Case::builder("chunked-nginx", "Transfer-Encoding chunked and CONTENT_LENGTH 5, plain body (as nginx sends)")
        .steps(&[
            Step::packet(SMALL.post(b"5").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"hello")),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 5", "body 5", "var HTTP_TRANSFER_ENCODING chunked"], Row::Served)
        .because("nginx decodes the chunks but passes the header on: the length counts", CHUNKED),
    Case::builder("chunked-raw", "Transfer-Encoding chunked, no CONTENT_LENGTH, chunked body (as uWSGI's http router)")
        .steps(&[
            Step::packet(
                SMALL
                    .post(b"")
                    .without(&[b"CONTENT_LENGTH"])
                    .more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")])
                    .then(b"5\r\nhello\r\n0\r\n\r\n"),
            ),
            Step::ShutdownWrite,
        ])
        .served(&["framing none", "body 0"], Row::BytesAfterRequest)
        .because(
            "only uWSGI's router with --http-chunked-input sends this, and the server does not accept it by default",
            CHUNKED,
        ),
    Case::builder("chunked-both", "Transfer-Encoding chunked, CONTENT_LENGTH 15, chunked body")
        .steps(&[
            Step::packet(
                SMALL.post(b"15").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n0\r\n\r\n"),
            ),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 15", "body 15"], Row::Served)
        .because("the length counts, whatever the bytes look like", CHUNKED),
    Case::builder("chunked-zero", "Transfer-Encoding chunked, CONTENT_LENGTH 0, chunked body")
        .steps(&[
            Step::packet(
                SMALL.post(b"0").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n0\r\n\r\n"),
            ),
            Step::ShutdownWrite,
        ])
        .served(&["framing length 0", "body 0"], Row::BytesAfterRequest)
        .because("a length of 0 is a length", CHUNKED),
    Case::builder("chunked-accepted", "a chunked body without CONTENT_LENGTH, accepted")
        .steps(&[Step::packet(
            SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n0\r\n\r\n"),
        )])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .served(&["framing chunked", "body 5", "content hello"], Row::Served)
        .because("the server is set to accept chunked bodies", CHUNKED),
    Case::builder("chunked-accepted-extension", "a chunked body with an extension and a trailer, accepted")
        .steps(&[Step::packet(
            SMALL
                .post(b"")
                .more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")])
                .then(b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        )])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .served(&["body 5", "content hello"], Row::Served)
        .because("extensions and trailers are dropped", CHUNKED),
    Case::builder("chunked-accepted-size-bad", "a chunk size of 5x, accepted")
        .steps(&[Step::packet(
            SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5x\r\nhello\r\n0\r\n\r\n"),
        )])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .refused(400, Row::BodyEndsEarly)
        .because("the body ends where it cannot be decoded, and the application's read fails", CHUNKED),
    Case::builder("chunked-accepted-cut", "a chunked body that ends inside a chunk, accepted")
        .steps(&[
            Step::packet(SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhel")),
            Step::ShutdownWrite,
        ])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .refused(400, Row::BodyEndsEarly)
        .because("the stream ended inside a chunk", CHUNKED),
    Case::builder("chunked-accepted-no-last", "a chunked body without its last chunk, accepted")
        .steps(&[
            Step::packet(SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n")),
            Step::ShutdownWrite,
        ])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .refused(400, Row::BodyEndsEarly)
        .because("without the last chunk a body is cut short (RFC 9112 section 8)", CHUNKED),
    Case::builder("chunked-accepted-over-limit", "a chunked body of 5 bytes, accepted, the limit being 4")
        .steps(&[Step::packet(
            SMALL.post(b"").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"5\r\nhello\r\n0\r\n\r\n"),
        )])
        .needs(Needs { chunked: true, body_limit: 4, ..Needs::DEFAULT })
        .refused(413, Row::LengthOverLimit)
        .because("the limit also holds for a body without a length, while it comes", CHUNKED),
    Case::builder("chunked-accepted-length-wins", "chunked and CONTENT_LENGTH 5, plain body, chunked being accepted")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"HTTP_TRANSFER_ENCODING", b"chunked")]).then(b"hello"))])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .served(&["framing length 5", "body 5"], Row::Served)
        .because("a length always wins", CHUNKED),
    Case::builder("expect", "Expect: 100-continue")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"HTTP_EXPECT", b"100-continue")]).then(b"hello"))])
        .served(&["body 5"], Row::Served)
        .because("the front end has answered it; the server sends no interim answer", LENGTH),
    Case::builder("chunked-accepted-length-removed", "chunked, CONTENT_LENGTH 5, then empty, chunked being accepted")
        .steps(&[Step::packet(
            SMALL
                .post(b"5")
                .more(&[(b"CONTENT_LENGTH", b""), (b"HTTP_TRANSFER_ENCODING", b"chunked")])
                .then(b"5\r\nhello\r\n0\r\n\r\n"),
        )])
        .needs(Needs { chunked: true, ..Needs::DEFAULT })
        .served(&["framing chunked", "body 5"], Row::Served)
        .because("the last CONTENT_LENGTH counts, and an empty one is absent", CHUNKED),
];
