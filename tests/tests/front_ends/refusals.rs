//! What a server answers before it has read everything, and whether the client gets it.

use std::io;

use uwsgi_tests::http1::{Answer, End};
use uwsgi_tests::programs::Stage;

use super::case::LONGEST;
use super::matrix::{FRONT_ENDS, SERVERS, Settings};

/// How often each race is run. A server that closes too early loses most of them.
const TIMES: usize = 4;

#[test]
fn early_answers_reach_the_client() {
    for front_end in FRONT_ENDS.iter().filter(|front_end| front_end.name != "uwsgi_curl") {
        for server in SERVERS.iter().filter(|server| server.ours) {
            let stage = Stage::new();
            let listen = front_end.listen(&stage);
            let settings = Settings { body: Some(5_000_000), vars: Some(60), ..front_end.settings() };
            let _server = (server.start)(&stage, "server", &listen, settings);
            let door = (front_end.start)(&stage, &listen);

            let many: String = (0..70).map(|n| format!("X-{n}: {n}\r\n")).collect();
            let too_many = format!("GET / HTTP/1.1\r\nHost: app.example\r\n{many}\r\n");
            assert_eq!(whole(door.ask(too_many)), Ok(431), "{}", front_end.name);
            for _ in 0..TIMES {
                // Longer than the server allows, and an application that does not read.
                assert_eq!(whole(door.post("/", LONGEST)), Ok(413), "{}", front_end.name);
                assert_eq!(whole(door.post("/status/403", 3_000_000)), Ok(403), "{}", front_end.name);
            }
        }
    }
}

/// The status of an answer that came to its end, and is the server's own.
fn whole(got: io::Result<Answer>) -> Result<u16, String> {
    let answer = got.map_err(|error| error.to_string())?;
    let body = String::from_utf8_lossy(&answer.body);
    let own = body.starts_with(&format!("{} ", answer.head.status)) || body.starts_with("status ");
    match answer.end {
        End::Whole if own => Ok(answer.head.status),
        end => Err(format!("{} {end:?}: {body}", answer.head.status)),
    }
}
