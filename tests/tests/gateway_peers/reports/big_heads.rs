//! Big heads: the router closes the connection without an answer.

use uwsgi_tests::http1::End;
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::expect;
use crate::backends::uwsgi;
use crate::front::{Front, get};

/// The vars of a packet have at most 65,535 bytes.
const CASES: &[(&str, usize, &[u16])] = &[
    ("8 KiB", 8 * 1024, &[200]),
    ("60 KiB", 60 * 1024, &[200]),
    ("64 KiB", 64 * 1024, &[431]),
    ("1 MiB", 1024 * 1024, &[431]),
];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);
    let running = front.start(test_dir, "front", &listen, &[], &[]);
    for (name, length, statuses) in CASES {
        // One header, and many.
        let one = format!("X-Big: {}\r\n", "x".repeat(*length));
        let many: String = (0..length / 1024).map(|number| format!("X-{number}: {}\r\n", "x".repeat(1015))).collect();
        for (kind, headers) in [("one header", one), ("many headers", many)] {
            // A reset may come before or after the client has read the answer.
            for _ in 0..5 {
                let case = |error: String| format!("{name} in {kind}: {error}");
                let answer = running.ask(get("/status/200", &headers));
                let answer = answer.map_err(|error| case(format!("no answer: {error}")))?;
                expect(statuses.contains(&answer.head.status), || case(format!("{}", answer.head.status)))?;
                expect(!matches!(answer.end, End::Cut(_)), || case(format!("{:?}", answer.end)))?;
            }
        }
    }
    Ok(())
}
