//! Bodies of requests and answers: large ones, ones of unknown length, and answers that come before the whole request.

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{LONGEST, Report, bytes, counted, expect, has_body, is_full, whole};
use crate::backends::{BACKENDS, uwsgi};
use crate::front::{Running, gateway};

/// 20 MB: more than all buffers of sockets hold.
const LARGE: usize = 20_000_000;

/// The options that say whether the gateway buffers bodies.
pub const MODES: &[&[&str]] =
    &[&[], &["--stream-bodies"], &["--stream-answers"], &["--stream-bodies", "--stream-answers"]];

/// An upload and a download of 20 MB.
pub fn both_ways(running: &Running<'_>) -> Result<(), String> {
    let answer = running.post("/", bytes(LARGE)).map_err(|error| format!("upload: {error}"))?;
    whole(&answer, 200)?;
    Report::of(&answer)?.has_body(bytes(LARGE))?;
    let answer = running.get(&format!("/bytes/{LARGE}")).map_err(|error| format!("download: {error}"))?;
    has_body(&answer, counted(LARGE)).map_err(|error| format!("download: {error}"))
}

/// An application that answers while it reads, and one that answers without reading. nginx 1.22 cuts the echo off: with an answer
/// begun, ngx_http_upstream_send_request_handler does not send on.
pub fn early_answers(running: &Running<'_>) -> Result<(), String> {
    let answer = running.post("/echo", bytes(5_000_000)).map_err(|error| format!("echo: {error}"))?;
    has_body(&answer, bytes(5_000_000)).map_err(|error| format!("echo: {error}"))?;
    for _ in 0..3 {
        unread(running, 3_000_000)?;
    }
    Ok(())
}

/// The application answers without reading a body of this length.
fn unread(running: &Running<'_>, length: usize) -> Result<(), String> {
    for chunked in [false, true] {
        let ask = if chunked { Running::post_chunked } else { Running::post };
        let case = format!("unread body, chunked: {chunked}");
        let answer = ask(running, "/status/403", bytes(length)).map_err(|error| format!("{case}: {error}"))?;
        whole(&answer, 403).map_err(|error| format!("{case}: {error}"))?;
        expect(answer.body == b"status 403\n", || format!("{case}: the body is {:?}", answer.body))?;
    }
    Ok(())
}

/// The length of an upload can be unknown. The application gets the exact one.
#[test]
fn uploads_of_unknown_length() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(&test_dir, "backend", &listen);
    let running = gateway(&test_dir, "gateway", &listen, &["--buffer-memory", "1M"]);
    for length in [2_000_000, if is_full() { LONGEST } else { LARGE }] {
        let answer = running.post_chunked("/", bytes(length)).expect("an answer");
        whole(&answer, 200).and_then(|()| Report::of(&answer)?.has_body(bytes(length))).expect("the whole body");
    }
}

#[test]
fn handlers_that_do_not_read() {
    let test_dir = TestDir::new();
    for (number, name) in ["uWSGI from PyPI", "uwsgi-tower"].into_iter().enumerate() {
        let backend = BACKENDS.iter().find(|backend| backend.name == name).expect("a backend");
        for (kind, listen) in [("tcp", Listen::tcp()), ("unix", Listen::Unix(test_dir.path(&format!("{number}.sock"))))]
        {
            let _backend = (backend.start)(&test_dir, &format!("backend-{number}-{kind}"), &listen);
            for (mode, options) in MODES.iter().enumerate() {
                let running = gateway(&test_dir, &format!("gateway-{number}-{kind}-{mode}"), &listen, options);
                unread(&running, LARGE).unwrap_or_else(|error| panic!("{options:?}, {name} at {listen}: {error}"));
            }
        }
    }
}
