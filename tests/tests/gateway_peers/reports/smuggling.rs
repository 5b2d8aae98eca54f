//! Bytes that two parsers read in two ways: no part of a body may become a request, and no request may be lost in a body.

use std::fs;

use uwsgi_tests::http1::Answer;
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{Report, expect};
use crate::backends::axum;
use crate::front::Front;

/// Bytes of a client, and what may become of them.
struct Case {
    name: &'static str,
    bytes: &'static str,
    /// The statuses that are right. With 200 the application must have read this body.
    statuses: &'static [u16],
    body: &'static [u8],
}

/// The second request, which stands in the body of the first.
const CASES: &[Case] = &[
    Case {
        name: "both lengths",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
                3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[200, 400],
        body: b"abc",
    },
    Case {
        name: "both lengths, the other order",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n\
                0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[200, 400],
        body: b"",
    },
    Case {
        name: "two lengths",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 60\r\n\r\n\
                abcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "a list of lengths",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 60\r\n\r\nabcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "a sign",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "a number over 64 bits",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551619\r\n\r\n\
                abcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400, 413],
        body: b"",
    },
    Case {
        name: "a coding before chunked",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n\
                3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400, 501],
        body: b"",
    },
    Case {
        name: "a length with an underscore",
        bytes: "GET /first HTTP/1.1\r\nHost: a\r\nContent_Length: 60\r\nTransfer_Encoding: chunked\r\n\
                Connection: close\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[200, 400],
        body: b"",
    },
    Case {
        name: "a space before the colon",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length : 60\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "a folded line",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 60\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "a lone LF in a value",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 3\r\nConnection: close\r\n\r\n\
                abcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        // RFC 9112 section 2.2: a LF may end a line. Then the length counts.
        statuses: &[200, 400],
        body: b"abc",
    },
    Case {
        name: "a lone CR in a value",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 60\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
    Case {
        name: "lone LFs around chunks",
        bytes: "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                3\nabc\n0\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        statuses: &[400],
        body: b"",
    },
];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let log = test_dir.path("requests");
    let _backend = axum(test_dir, "backend", &listen, &[&format!("log={}", log.display())]);
    let running = front.start(test_dir, "front", &listen, &[], &["http-keepalive = 60"]);
    let mut before = 0;
    for case in CASES {
        let told = |error: String| format!("{}: {error}", case.name);
        let mut connection = running.connect();
        // The report is asked for as JSON.
        let request = case.bytes.replacen("Host: a\r\n", "Host: a\r\nAccept: application/json\r\n", 1);
        connection.send(request.as_bytes()).map_err(|error| told(error.to_string()))?;
        let answer = connection.answer(false).map_err(|error| told(format!("no answer: {error}")))?;
        // The connection closes: nobody can know where the next request begins.
        connection.rest().map_err(|error| told(format!("no end: {error}"))).and_then(|rest| {
            expect(rest.is_empty(), || told(format!("a second answer: {}", String::from_utf8_lossy(&rest))))
        })?;
        let requests = fs::read_to_string(&log).unwrap_or_default();
        let seen = &requests[before..];
        before = requests.len();
        check_case(case, &answer, seen).map_err(told)?;
    }
    Ok(())
}

fn check_case(case: &Case, answer: &Answer, seen: &str) -> Result<(), String> {
    let status = answer.head.status;
    expect(case.statuses.contains(&status), || format!("{status} instead of {:?}", case.statuses))?;
    let requests: Vec<&str> = seen.lines().collect();
    if status == 200 {
        expect(requests.len() == 1 && requests[0].ends_with("/first"), || format!("the backend saw {requests:?}"))?;
        return Report::of(answer)?.has_body(case.body);
    }
    expect(requests.is_empty(), || format!("{status}, and the backend saw {requests:?}"))
}
