//! Chunked uploads: the router drops them, or passes the chunks on, which no application expects.

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{Report, bytes, whole};
use crate::backends::uwsgi;
use crate::front::Front;

const LENGTHS: &[usize] = &[0, 1, 65_535, 65_536, 65_537, 50_000_000];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);
    // With --stream-bodies too a chunked body is read whole, since uwsgi has no chunks.
    for (name, options) in [("whole", &[][..]), ("streamed", &["--stream-bodies"])] {
        let running = front.start(test_dir, name, &listen, options, &[]);
        for &length in LENGTHS {
            let case = |error: String| format!("{length} bytes, {name}: {error}");
            let answer = running.post_chunked("/", bytes(length)).map_err(|error| case(error.to_string()))?;
            let seen = whole(&answer, 200).and_then(|()| Report::of(&answer));
            // The router sends no CONTENT_LENGTH for an empty body either.
            if front == Front::Gateway || length > 0 {
                seen.and_then(|report| report.has_body(bytes(length))).map_err(case)?;
            }
        }
    }
    Ok(())
}
