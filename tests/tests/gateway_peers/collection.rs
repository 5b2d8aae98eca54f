//! Sends a collection of requests through the gateway to each server, over TCP and over a Unix socket.

use uwsgi_tests::http1::{Answer, End};
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{Report, bytes, counted, expect, has_body, whole};
use crate::backends::{BACKENDS, Backend};
use crate::bodies;
use crate::front::{Running, chunked_post, gateway, get, post, request};

macro_rules! every_request_reaches {
    ($($test:ident = $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                for unix in [false, true] {
                    let backend = BACKENDS.iter().find(|backend| backend.name == $name).expect("a backend");
                    through_the_gateway(backend, unix);
                }
            }
        )*

        #[test]
        fn every_backend_has_a_test() {
            assert!(BACKENDS.iter().map(|backend| backend.name).eq([$($name),*]));
        }
    };
}

every_request_reaches! {
    uwsgi_from_pypi = "uWSGI from PyPI",
    uwsgi_from_debian = "uWSGI from Debian",
    gunicorn_sync = "gunicorn sync",
    gunicorn_gthread = "gunicorn gthread",
    uwsgi_server = "uwsgi-server",
    uwsgi_tower = "uwsgi-tower",
}

fn through_the_gateway(backend: &Backend, unix: bool) {
    let test_dir = TestDir::new();
    let listen = if unix { Listen::Unix(test_dir.path("app.sock")) } else { Listen::tcp() };
    let _backend = (backend.start)(&test_dir, "backend", &listen);
    let running = gateway(&test_dir, "gateway", &listen, &[]);
    let told = |case: &str, result: Result<(), String>| {
        result.unwrap_or_else(|error| panic!("{case}, {} at {listen}: {error}\n{}", backend.name, running.log()));
    };
    // All requests go over one connection of the client.
    let mut connection = running.connect();
    for case in CASES {
        let got = connection.exchange(&(case.request)()).map_err(|error| error.to_string());
        told(case.name, got.and_then(|answer| (case.check)(&answer, backend)));
    }
    told("HTTP/1.0", http10(&running));
    told("ports", port_of_the_client(&running, backend));
    told("bodies", bodies::both_ways(&running));
    drop(running);
    for (number, options) in bodies::MODES.iter().enumerate() {
        let running = gateway(&test_dir, &format!("gateway-{number}"), &listen, options);
        let result = bodies::early_answers(&running);
        result.unwrap_or_else(|error| panic!("{options:?}, {} at {listen}: {error}", backend.name));
    }
}

/// A request, and what its answer must have.
struct Case {
    name: &'static str,
    request: fn() -> Vec<u8>,
    check: fn(&Answer, &Backend) -> Result<(), String>,
}

const CASES: &[Case] = &[
    Case {
        name: "query and percent-encoded path",
        request: || get("/a%20b/c%2Fd/../%C3%A9?q=1&r=%20%2F", ""),
        check: |answer, backend| {
            whole(answer, 200)?;
            let report = Report::of(answer)?;
            report.has("REQUEST_METHOD", "GET")?;
            report.has("QUERY_STRING", "q=1&r=%20%2F")?;
            report.has("HTTP_HOST", "app.example")?;
            report.has_no("HTTP_CONTENT_LENGTH")?;
            report.has_no("HTTP_TRANSFER_ENCODING")?;
            if backend.passes_vars {
                // PATH_INFO has the bytes of the path. A WSGI application sees each as one character (PEP 3333).
                let path = report.var("PATH_INFO")?;
                let is_path = path == "/a b/c/\u{e9}" || path == "/a b/c/\u{c3}\u{a9}";
                expect(is_path, || format!("PATH_INFO is {path:?}"))?;
                report.has("REQUEST_URI", "/a%20b/c%2Fd/../%C3%A9?q=1&r=%20%2F")?;
                report.has("SERVER_PROTOCOL", "HTTP/1.1")?;
                report.has("REQUEST_SCHEME", "http")?;
                report.has("SERVER_NAME", "app.example")?;
                report.has_body(b"")?;
                report.has("REMOTE_ADDR", "127.0.0.1")?;
            }
            report.has("HTTP_X_FORWARDED_FOR", "127.0.0.1")
        },
    },
    Case {
        name: "cookies",
        request: || get("/", "Cookie: a=1; b=2\r\nX-Other: 1\r\nCookie: c=3\r\nX-Other: 2\r\n"),
        check: |answer, _| {
            whole(answer, 200)?;
            let report = Report::of(answer)?;
            report.has("HTTP_COOKIE", "a=1; b=2; c=3")?;
            report.has("HTTP_X_OTHER", "1, 2")
        },
    },
    Case { name: "POST with a length", request: || post("/", bytes(70_000)), check: |answer, _| read(answer, 70_000) },
    Case { name: "POST of nothing", request: || post("/", b""), check: |answer, _| read(answer, 0) },
    Case {
        name: "chunked POST",
        request: || chunked_post("/", bytes(70_000)),
        check: |answer, _| {
            read(answer, 70_000)?;
            Report::of(answer)?.has_no("HTTP_TRANSFER_ENCODING")
        },
    },
    Case { name: "chunked POST of nothing", request: || chunked_post("/", b""), check: |answer, _| read(answer, 0) },
    Case {
        name: "HEAD",
        request: || request("HEAD", "/bytes/1000", ""),
        check: |answer, _| {
            whole(answer, 200)?;
            has_header(answer, "content-length", Some("1000"))
        },
    },
    Case {
        name: "204",
        request: || get("/status/204", ""),
        check: |answer, _| {
            whole(answer, 204)?;
            has_header(answer, "content-length", None)?;
            has_header(answer, "transfer-encoding", None)
        },
    },
    Case {
        name: "304",
        request: || get("/status/304", ""),
        check: |answer, _| {
            whole(answer, 304)?;
            has_header(answer, "transfer-encoding", None)
        },
    },
    Case {
        name: "404 with a body",
        request: || get("/status/404", ""),
        check: |answer, _| {
            whole(answer, 404)?;
            expect(answer.body == b"status 404\n", || format!("the body is {:?}", answer.body))
        },
    },
    Case {
        name: "two headers of one name",
        request: || get("/headers?Set-Cookie=a%3D1&Set-Cookie=b%3D2", ""),
        check: |answer, _| {
            whole(answer, 200)?;
            let cookies: Vec<&str> = answer.head.all("set-cookie").collect();
            expect(cookies == ["a=1", "b=2"], || format!("Set-Cookie is {cookies:?}"))
        },
    },
    Case {
        name: "streamed answer",
        request: || get("/stream/100000?chunk=777", ""),
        check: |answer, _| {
            has_body(answer, counted(100_000))?;
            has_header(answer, "transfer-encoding", Some("chunked"))
        },
    },
    Case {
        name: "last request of a connection",
        request: || get("/status/200", "Connection: close\r\n"),
        check: |answer, _| {
            whole(answer, 200)?;
            has_header(answer, "connection", Some("close"))
        },
    },
];

/// Checks that the application has read a body of this length.
fn read(answer: &Answer, length: usize) -> Result<(), String> {
    whole(answer, 200)?;
    Report::of(answer)?.has_body(bytes(length))
}

fn has_header(answer: &Answer, name: &str, value: Option<&str>) -> Result<(), String> {
    let seen = answer.head.header(name);
    let same = seen.map(str::to_ascii_lowercase).as_deref() == value;
    expect(same, || format!("{name} is {seen:?} instead of {value:?}"))
}

/// HTTP/1.0 has no chunks: a streamed answer ends with the connection.
fn http10(running: &Running<'_>) -> Result<(), String> {
    let answer = running.ask("GET /stream/100000?chunk=777 HTTP/1.0\r\n\r\n").map_err(|error| error.to_string())?;
    has_header(&answer, "transfer-encoding", None)?;
    expect(answer.end == End::Closed && answer.body == counted(100_000), || {
        format!("{:?} after {} bytes", answer.end, answer.body.len())
    })
}

/// REMOTE_PORT is the client's port. uWSGI's router swaps its bytes (unbit/uwsgi #1889).
fn port_of_the_client(running: &Running<'_>, backend: &Backend) -> Result<(), String> {
    if !backend.passes_vars {
        return Ok(());
    }
    let mut connection = running.connect();
    let port = connection.local_addr().map_err(|error| error.to_string())?.port();
    let answer = connection.exchange(&get("/", "")).map_err(|error| error.to_string())?;
    let report = Report::of(&answer)?;
    report.has("REMOTE_PORT", &port.to_string())?;
    report.has("SERVER_PORT", &running.address.port().to_string())
}
