//! Streamed answers without a length: the router loses, doubles or reorders parts, or hangs, or hides where an answer ends.

use std::thread::sleep;
use std::time::Duration;

use uwsgi_tests::http1::{End, Head};
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{LONGEST, counted, expect, is_full};
use crate::backends::{axum, uwsgi};
use crate::front::{Front, Running, get};

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);
    for (name, options) in [("buffered", &[][..]), ("streamed", &["--stream-answers"])] {
        let running = front.start(test_dir, name, &listen, options, &[]);
        let longest = if is_full() { LONGEST } else { 20_000_000 };
        for length in [0, 1, 65_535, 65_536, 65_537, 1_000_000, longest] {
            for (version, end) in [("1.1", End::Whole), ("1.0", End::Closed)] {
                let case = |error: String| format!("{length} bytes over HTTP/{version}, {name}: {error}");
                let target = format!("/stream/{length}?chunk=50001");
                let request = format!("GET {target} HTTP/{version}\r\nHost: app.example\r\n\r\n");
                let answer = running.ask(request).map_err(|error| case(error.to_string()))?;
                expect(answer.head.status == 200 && answer.end == end, || {
                    case(format!("{} {:?} instead of {end:?}", answer.head.status, answer.end))
                })?;
                expect(answer.body == counted(length), || case(format!("{} other bytes", answer.body.len())))?;
            }
        }
        slow_reader(&running).map_err(|error| format!("a slow reader, {name}: {error}"))?;
    }
    cut_answers(test_dir, front)
}

/// A client takes 10 MB in small parts.
fn slow_reader(running: &Running<'_>) -> Result<(), String> {
    const LENGTH: usize = 10_000_000;
    let mut connection = running.connect();
    connection.send(&get(&format!("/bytes/{LENGTH}"), "")).map_err(|error| error.to_string())?;
    let head: Head = connection.head().map_err(|error| error.to_string())?;
    expect(head.header("content-length") == Some("10000000"), || format!("{head:?}"))?;
    let mut body = Vec::new();
    while body.len() < LENGTH {
        // The client is slow.
        sleep(Duration::from_millis(5));
        let part = (LENGTH - body.len()).min(100_000) as u64;
        body.extend(connection.bytes(part).map_err(|error| format!("after {} bytes: {error}", body.len()))?);
    }
    expect(body == counted(LENGTH), || "other bytes".to_owned())
}

/// The application fails in its answer. The client sees that, and does not take the first part for the whole.
fn cut_answers(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::tcp();
    let _backend = axum(test_dir, "cut", &listen, &[]);
    let running = front.start(test_dir, "front-of-cut", &listen, &[], &[]);
    for target in ["/abort?after=100000", "/abort?after=100000&length=none"] {
        let answer = running.get(target).map_err(|error| format!("{target}: {error}"))?;
        expect(matches!(answer.end, End::Cut(_)), || format!("{target}: {:?}", answer.end))?;
    }
    Ok(())
}
