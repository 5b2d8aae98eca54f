//! Backends that fail: the router closes the connection of the client without an answer.

use uwsgi_tests::http1::Answer;
use uwsgi_tests::programs::{Listen, TestDir};

use super::scripted::Scripted;
use crate::application::{expect, whole};
use crate::front::{Front, get};

/// What is where the backend should be.
enum Backend {
    /// There is no socket file.
    Missing,
    /// There is no listener at this TCP port.
    Refuses,
    /// It reads a request, answers with these bytes, and closes.
    Answers(&'static [u8]),
}

/// The failures that the router does not tell from each other. The status of all is 502 (RFC 9110 section 15.6.3).
const CASES: &[(&str, Backend)] = &[
    ("missing", Backend::Missing),
    ("refused", Backend::Refuses),
    ("closed before the head", Backend::Answers(b"")),
    ("closed in the head", Backend::Answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")),
    ("no HTTP", Backend::Answers(b"\xff\0\0\x01\r\n\r\n")),
    ("invalid header", Backend::Answers(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\nbody")),
    ("two lengths", Backend::Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    for (number, (name, backend)) in CASES.iter().enumerate() {
        let scripted;
        let listen = match backend {
            Backend::Missing => Listen::Unix(test_dir.path("missing.sock")),
            Backend::Refuses => Listen::tcp(),
            Backend::Answers(bytes) => {
                scripted = Scripted::answering(&test_dir.path(&format!("{number}.sock")), bytes);
                scripted.listen()
            }
        };
        let running = front.start(test_dir, &format!("front-{number}"), &listen, &[], &["http-keepalive = 60"]);
        let mut connection = running.connect();
        // The connection is still good for a second request.
        for _ in 0..2 {
            let answer = connection.exchange(&get("/", "")).map_err(|error| format!("no answer, {name}: {error}"))?;
            is_an_error(&answer).map_err(|error| format!("{name}: {error}"))?;
        }
        if front == Front::Gateway {
            running.wait_for_log("502").map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

fn is_an_error(answer: &Answer) -> Result<(), String> {
    whole(answer, 502)?;
    let text = String::from_utf8_lossy(&answer.body);
    expect(text.starts_with("502 Bad Gateway") && text.lines().count() == 1, || format!("the text is {text:?}"))
}
