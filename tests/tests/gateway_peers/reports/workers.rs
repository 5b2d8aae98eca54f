//! A worker that is killed in a request, as uWSGI's harakiri does: the router closes the connection, or lets its client wait.

use std::time::Duration;

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{expect, whole};
use crate::backends::uwsgi_with;
use crate::front::{Front, get};

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi_with(test_dir, "backend", &listen, &["--harakiri", "1"]);
    let running = front.start(test_dir, "front", &listen, &[], &["http-keepalive = 60"]);
    let mut connection = running.connect();
    // uWSGI looks for stuck workers once a second.
    connection.give(Duration::from_secs(10));
    for (target, status) in [("/status/200", 200), ("/delay/20000", 502), ("/status/200", 200), ("/status/201", 201)] {
        let answer =
            connection.exchange(&get(target, "")).map_err(|error| format!("no answer to {target}: {error}"))?;
        whole(&answer, status).map_err(|error| format!("{target}: {error}"))?;
        expect(!answer.body.is_empty(), || format!("{target}: no text"))?;
    }
    Ok(())
}
