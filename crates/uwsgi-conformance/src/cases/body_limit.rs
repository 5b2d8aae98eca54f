//! Bodies that are announced too large.

use crate::app::App;
use crate::case::{After, Case, Expected, Verdict};
use crate::cases::{LARGE_BODY, NOT_TRIED};
use crate::needs::Needs;
use crate::recipe::SMALL;
use crate::row::Row;
use crate::step::{Bytes, Step};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "length-2-31",
        about: "CONTENT_LENGTH 2147483648, 5 bytes, half-close",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"2147483648").then(b"hello"))), Step::ShutdownWrite],
        needs: Needs::DEFAULT,
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "over 1 GiB, and decided before a byte of it",
        uwsgi: "200 cl='2147483648' body=0 err='OSError: error during read(0) on wsgi.input'; closed",
        gunicorn: "sync: 200 cl='2147483648' body=5; closed; gthread: 200 cl='2147483648' body=5; 500; closed; asgi: \
            closes without an answer",
        source: LARGE_BODY,
    },
    Case {
        name: "length-2-63",
        about: "CONTENT_LENGTH 9223372036854775808, 5 bytes, half-close",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"9223372036854775808").then(b"hello"))), Step::ShutdownWrite],
        needs: Needs::DEFAULT,
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "it fits 64 bits, so that it is a number, and too large",
        uwsgi: "200 cl='9223372036854775808' body=0 err='OSError: error during read(0) on wsgi.input'; closed",
        gunicorn: "sync: 200 cl='9223372036854775808' body=5; closed; gthread: 200 cl='9223372036854775808' body=5; \
            500; closed; asgi: closes without an answer",
        source: LARGE_BODY,
    },
    Case {
        name: "length-2-64-less-1",
        about: "CONTENT_LENGTH 18446744073709551615",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"18446744073709551615")))],
        needs: Needs::DEFAULT,
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "the last number that fits 64 bits",
        uwsgi: NOT_TRIED,
        gunicorn: NOT_TRIED,
        source: LARGE_BODY,
    },
    Case {
        name: "length-over-1-gib",
        about: "CONTENT_LENGTH 1073741825",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"1073741825")))],
        needs: Needs::DEFAULT,
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "the limit is 1 GiB unless changed",
        uwsgi: "waits for the body; --limit-post closes without an answer",
        gunicorn: "waits for the body; it has no limit",
        source: LARGE_BODY,
    },
    Case {
        name: "length-over-a-small-limit",
        about: "CONTENT_LENGTH 6, the limit being 5",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"6").then(b"hello!")))],
        needs: Needs { body_limit: 5, ..Needs::DEFAULT },
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "one over; the body that came is dropped, so that the answer is not lost",
        uwsgi: NOT_TRIED,
        gunicorn: NOT_TRIED,
        source: LARGE_BODY,
    },
    Case {
        name: "length-over-limit-and-content",
        about: "CONTENT_LENGTH 6, the limit being 5, and LF in a header",
        steps: &[Step::Send(Bytes::Of(SMALL.post(b"6").more(&[(b"HTTP_X", b"a\nb")])))],
        needs: Needs { body_limit: 5, ..Needs::DEFAULT },
        app: App::ReadAllThenAnswer,
        verdict: Verdict::refused(413),
        row: Row::LengthOverLimit,
        why: "the row above wins",
        uwsgi: NOT_TRIED,
        gunicorn: NOT_TRIED,
        source: LARGE_BODY,
    },
    Case {
        name: "length-head-over-limit",
        about: "HEAD with CONTENT_LENGTH 6, the limit being 5",
        steps: &[Step::Send(Bytes::Of(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD"), (b"CONTENT_LENGTH", b"6")])))],
        needs: Needs { body_limit: 5, ..Needs::DEFAULT },
        app: App::ReadAllThenAnswer,
        verdict: Verdict::Answer(Expected::bare(413), After::Closes),
        row: Row::LengthOverLimit,
        why: "an answer to HEAD has no body, and that holds for a refusal (RFC 9110 section 9.3.2)",
        uwsgi: NOT_TRIED,
        gunicorn: NOT_TRIED,
        source: LARGE_BODY,
    },
];
