//! A backend that takes too long: the router closes the connection after 60 seconds, and tells neither the client nor the log.

use uwsgi_tests::http1::End;
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{expect, whole};
use crate::backends::axum;
use crate::front::Front;

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = axum(test_dir, "backend", &listen, &[]);
    let running = front.start(test_dir, "front", &listen, &["--http-timeout", "2"], &["http-timeout = 2"]);

    let answer = running.get("/delay/10000").map_err(|error| format!("no answer: {error}"))?;
    whole(&answer, 504)?;
    expect(!answer.body.is_empty(), || "a 504 without a text".to_owned())?;
    running.wait_for_log("/delay/10000: 504 Gateway Timeout: the backend was silent too long: see --http-timeout")?;

    // The head has left: the client must see that the rest is missing.
    let answer = running.get("/stream/2000?chunk=1000&delay_ms=10000").map_err(|error| format!("no head: {error}"))?;
    expect(answer.head.status == 200 && answer.body.len() == 1000 && matches!(answer.end, End::Cut(_)), || {
        format!("{} {:?} after {} bytes", answer.head.status, answer.end, answer.body.len())
    })?;
    running.wait_for_log("broke off in the answer: the backend was silent too long: see --http-timeout")?;

    // Each step has a limit of its own: an answer may take longer in all.
    let answer = running.get("/stream/4000?chunk=500&delay_ms=400").map_err(|error| error.to_string())?;
    whole(&answer, 200)
}
