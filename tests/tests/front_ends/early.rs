//! Answers of a server that has not read the whole request: does the client get them?

use std::io;

use uwsgi_tests::http1::{Answer, End};
use uwsgi_tests::programs::TestDir;

use super::case::{LONGEST, filling};
use super::matrix::{FRONT_ENDS, FrontEnd, SERVERS, Settings};

/// How often each request is sent. If a server closes too early, most of its answers are lost.
const TIMES: usize = 4;

#[test]
fn early_answers_reach_the_client() {
    for front_end in FRONT_ENDS.iter().filter(|front_end| front_end.name != "uwsgi_curl") {
        for server in SERVERS.iter().filter(|server| server.ours) {
            let test_dir = TestDir::new();
            let listen = front_end.listen(&test_dir);
            let settings = Settings { body: Some(5_000_000), vars: Some(60), ..front_end.settings() };
            let _server = (server.start)(&test_dir, "server", &listen, settings);
            let running = (front_end.start)(&test_dir, &listen);

            let many: String = (0..70).map(|n| format!("X-{n}: {n}\r\n")).collect();
            let too_many = format!("GET / HTTP/1.1\r\nHost: app.example\r\n{many}\r\n");
            assert_eq!(whole(running.ask(too_many)), Ok(431), "{}", front_end.name);
            // A body longer than the server allows, and an application that does not read the body.
            for (target, length, status) in [("/", LONGEST, 413), ("/status/403", 3_000_000, 403)] {
                let seen: Vec<_> = (0..TIMES).map(|_| whole(running.post(target, length))).collect();
                let all = seen.iter().all(|seen| *seen == Ok(status));
                assert!(all, "{} before {}: {seen:?}", front_end.name, server.name);
            }
        }
    }
}

/// Whether a body larger than all buffers comes back from an application that answers while it reads, and the source that says
/// so.
pub const ECHOES: &[(&str, bool, &str)] = &[
    ("nginx-tcp", false, NGINX),
    ("nginx-unix", false, NGINX),
    ("nginx-streaming", false, NGINX),
    ("nginx-tls", false, NGINX),
    ("apache-tcp", false, APACHE),
    ("apache-unix", false, APACHE),
    ("lighttpd-tcp", true, "lighttpd 1.4 src/gw_backend.c: reads and writes as both can"),
    ("lighttpd-unix", true, "lighttpd 1.4 src/gw_backend.c: reads and writes as both can"),
    ("uwsgi-http", true, "uWSGI 2.0.31 plugins/http/http.c: reads and writes as both can"),
    ("uwsgi-http-chunked", true, "uWSGI 2.0.31 plugins/http/http.c: reads and writes as both can"),
];
const NGINX: &str = "nginx 1.22 ngx_http_upstream_send_request_handler: with an answer begun, it does not go on when the \
                     connection takes bytes again";
const APACHE: &str = "httpd 2.4 modules/proxy/mod_proxy_uwsgi.c: the whole body is sent before anything is read";

#[test]
fn bodies_larger_than_all_buffers_are_echoed() {
    let http = FRONT_ENDS.iter().map(|front_end| front_end.name).filter(|name| *name != "uwsgi_curl");
    assert!(http.eq(ECHOES.iter().map(|(name, ..)| *name)));
    for (name, passes, source) in ECHOES {
        for server in SERVERS.iter().filter(|server| server.ours) {
            let (test_dir, front_end) = (TestDir::new(), FrontEnd::named(name));
            let listen = front_end.listen(&test_dir);
            // If nothing moves any more, the server gives up soon.
            let settings = Settings { silence: (!passes).then_some(1), ..front_end.settings() };
            let _server = (server.start)(&test_dir, "server", &listen, settings);
            let running = (front_end.start)(&test_dir, &listen);
            let whole = running.post("/echo", LONGEST).is_ok_and(|answer| answer.body == filling(LONGEST));
            assert_eq!(whole, *passes, "{name}: {source}");
            assert_eq!(running.get("/status/204").expect("an answer").head.status, 204, "{name}: the next request");
        }
    }
}

/// Returns the status of an answer that is whole and comes from the server.
fn whole(got: io::Result<Answer>) -> Result<u16, String> {
    let answer = got.map_err(|error| error.to_string())?;
    let body = String::from_utf8_lossy(&answer.body);
    let own = body.starts_with(&format!("{} ", answer.head.status)) || body.starts_with("status ");
    match answer.end {
        End::Whole if own => Ok(answer.head.status),
        end => Err(format!("{} {end:?}: {body}", answer.head.status)),
    }
}
