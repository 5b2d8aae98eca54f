//! What else `docs/front-ends.md` says about its configurations.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use uwsgi_tests::http1::Answer;
use uwsgi_tests::programs::{Certificate, Listen, Port, Snippet, TestDir, apache, gunicorn, nginx, uwsgi_http};

use super::case::filling;
use super::matrix::{FrontEnd, SERVERS, Settings, TIMEOUT, nginx_plain, plain};
use super::verdict::Report;

/// Returns the report of the application in an answer.
fn report(answer: std::io::Result<Answer>) -> Report {
    let answer = answer.expect("an answer");
    assert_eq!(answer.head.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    Report::of(&answer).expect("a report")
}

/// Returns the status and the body of an answer.
fn text(answer: std::io::Result<Answer>) -> (u16, String) {
    let answer = answer.expect("an answer");
    (answer.head.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// Runs a test with each of our servers: in a test directory, and at the address that the server listens at.
macro_rules! with_each_server {
    (|$test_dir:ident, $listen:ident| $test:block) => {
        for server in SERVERS.iter().filter(|server| server.ours) {
            let $test_dir = TestDir::new();
            let $listen = Listen::Unix($test_dir.path("app.sock"));
            let _server = (server.start)(&$test_dir, "server", &$listen, Settings::default());
            $test
        }
    };
}

#[test]
fn nginx_ends_tls_and_says_so() {
    with_each_server!(|test_dir, listen| {
        let running = (FrontEnd::named("nginx-tls").start)(&test_dir, &listen);
        let seen = report(running.get("/"));
        assert_eq!((seen.var("HTTPS").as_deref(), seen.var("REQUEST_SCHEME").as_deref()), (Some("on"), Some("https")));
    });
}

/// The second `server` of the same file redirects.
#[test]
fn nginx_sends_clients_to_tls() {
    let test_dir = TestDir::new();
    let (port, redirecting) = (Port::free(), Port::free());
    let certificate = Certificate::new(&test_dir, "app.example");
    let site = Snippet::read("nginx-tls.conf")
        .with("listen 443 ssl;", format!("listen {} ssl;", port.address()))
        .with("listen 80;", format!("listen {};", redirecting.address()))
        .with("/etc/ssl/certs/app.pem", certificate.file.display().to_string())
        .with("/etc/ssl/private/app.key", certificate.key.display().to_string())
        .with("/run/app/app.sock", test_dir.text_path("app.sock"));
    let running = plain(nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(redirecting.clone())]), &redirecting);
    let answer = running.get("/a%20b?x=1").expect("an answer");
    assert_eq!((answer.head.status, answer.head.header("Location")), (301, Some("https://app.example/a%20b?x=1")));
}

#[test]
fn nginx_sets_headers_and_vars() {
    with_each_server!(|test_dir, listen| {
        let running = nginx_plain(&test_dir, "nginx-params.conf", &listen);
        let ask = |path: &str, headers: &str| {
            let accept = "Host: app.example\r\nAccept: application/json\r\n";
            running.ask(format!("GET {path} HTTP/1.1\r\n{accept}{headers}\r\n"))
        };
        let lies = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nProxy: http://203.0.113.9/\r\n";
        let seen = report(ask("/", lies));
        assert_eq!(seen.var("HTTP_X_FORWARDED_FOR").as_deref(), Some("203.0.113.9, 127.0.0.1"));
        assert_eq!(seen.var("HTTP_X_FORWARDED_PROTO").as_deref(), Some("http"));
        assert_eq!(seen.var("HTTP_PROXY").as_deref().unwrap_or_default(), "");
        assert_eq!(seen.var("REQUEST_ID").map(|id| id.len()), Some(32));

        let mounted = report(ask("/shop/cart%20x?y=1", lies));
        let var = |key: &str| mounted.var(key).unwrap_or_default();
        assert_eq!((var("SCRIPT_NAME"), var("PATH_INFO")), ("/shop".to_owned(), "/cart x".to_owned()));
        assert_eq!((var("QUERY_STRING"), var("HTTP_PROXY")), ("y=1".to_owned(), String::new()));
        assert_eq!(var("REQUEST_URI"), "/shop/cart%20x?y=1");
        // The location has its own vars, and inherits none of the server's.
        assert_eq!(var("HTTP_X_FORWARDED_PROTO"), "https");
        // Paths inside of the mount, and a path outside of it.
        for (path, script_name, path_info) in [
            ("/shop", "/shop", "/"),
            ("/shop/", "/shop", "/"),
            ("/shop/a%0Ab%3Fc%0A", "/shop", "/a\nb?c\n"),
            ("/shop%2Fcart", "/shop", "/cart"),
            ("/shopping", "", "/shopping"),
        ] {
            let seen = report(ask(path, ""));
            let var = |key: &str| seen.var(key).unwrap_or_default();
            assert_eq!((var("SCRIPT_NAME"), var("PATH_INFO")), (script_name.into(), path_info.into()), "{path}");
        }

        // The server does not have this modifier1.
        let (status, body) = text(ask("/perl/", ""));
        assert_eq!((status, &body[..3]), (501, "501"));
    });
}

#[test]
fn nginx_has_files_beside_the_application() {
    with_each_server!(|test_dir, listen| {
        test_dir.write("public/hello.txt", "a file");
        test_dir.write("public/assets/a.txt", "an asset");
        let port = Port::free();
        let site = Snippet::read("nginx-static.conf")
            .with("listen 80;", format!("listen {};", port.address()))
            .with("/srv/app/public", test_dir.text_path("public"))
            .with("/run/app/app.sock", listen.to_string());
        let running = plain(nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        assert_eq!(text(running.get("/hello.txt")), (200, "a file".to_owned()));
        assert_eq!(text(running.get("/assets/a.txt")), (200, "an asset".to_owned()));
        assert_eq!(running.get("/assets/b.txt").expect("an answer").head.status, 404);
        assert_eq!(report(running.get("/else?x=1")).var("QUERY_STRING").as_deref(), Some("x=1"));
    });
}

#[test]
fn apache_mounts_and_has_files_beside() {
    with_each_server!(|test_dir, listen| {
        test_dir.write("assets/a.txt", "an asset");
        let running = (FrontEnd::named("apache-unix").start)(&test_dir, &listen);
        assert_eq!(text(running.get("/assets/a.txt")), (200, "an asset".to_owned()));
        let seen = report(running.get("/shop/cart%20x?y=1"));
        let var = |key: &str| seen.var(key).unwrap_or_default();
        assert_eq!((var("SCRIPT_NAME"), var("PATH_INFO")), ("/shop".to_owned(), "/cart x".to_owned()));
        assert_eq!((var("APP_SETTING"), var("HTTP_X_FORWARDED_PROTO")), ("production".to_owned(), "http".to_owned()));
    });
}

/// With `AllowEncodedSlashes` off, Apache answers 404, and with `NoDecode` 500.
#[test]
fn apache_accepts_encoded_slashes_only_with_on() {
    with_each_server!(|test_dir, listen| {
        for (setting, status) in [("On", 200), ("Off", 404), ("NoDecode", 500)] {
            let test_dir = TestDir::new();
            let port = Port::free();
            let site = Snippet::read("apache-unix.conf")
                .with("*:80", port.address().to_string())
                .with("LimitRequestBody", format!("AllowEncodedSlashes {setting}\n    LimitRequestBody"))
                .with("/run/app/app.sock", listen.to_string())
                .with("/srv/app/public", test_dir.text_path(""));
            let running = plain(apache(&test_dir, "apache", &site, &[&Listen::Tcp(port.clone())]), &port);
            assert_eq!(running.get("/a%2Fb").expect("an answer").head.status, status, "{setting}");
        }
    });
}

#[test]
fn lighttpd_has_files_beside_the_application() {
    with_each_server!(|test_dir, listen| {
        test_dir.write("assets/a.txt", "an asset");
        let running = (FrontEnd::named("lighttpd-unix").start)(&test_dir, &listen);
        assert_eq!(text(running.get("/assets/a.txt")), (200, "an asset".to_owned()));
        assert_eq!(running.get("/assets/b.txt").expect("an answer").head.status, 404);
    });
}

#[test]
fn the_router_adds_vars() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let test_dir = TestDir::new();
        let listen = Listen::tcp();
        let _server = (server.start)(&test_dir, "server", &listen, Settings::default());
        let running = (FrontEnd::named("uwsgi-http").start)(&test_dir, &listen);
        let seen = report(running.get("/"));
        assert_eq!(seen.vars.last(), Some(&("APP_SETTING".to_owned(), "production".to_owned())));
    }
}

/// `http-manage-expect = true` stands for 0 bytes, with which the router answers no `Expect`.
#[test]
fn http_manage_expect_needs_a_number() {
    with_each_server!(|test_dir, listen| {
        for (setting, answers) in [("104857600", true), ("true", false)] {
            let test_dir = TestDir::new();
            let port = Port::free();
            let ini = Snippet::read("uwsgi-http.ini")
                .with("http = :80", format!("http = {}", port.address()))
                .with("127.0.0.1:3031", listen.to_string())
                .with("http-manage-expect = 104857600", format!("http-manage-expect = {setting}"));
            let running = plain(uwsgi_http(&test_dir, "uwsgi-http", &ini, &[&Listen::Tcp(port.clone())]), &port);
            let mut client = running.connect().expect("a connection");
            // The application reads the body before it answers.
            let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
            client.send(head).expect("a request");
            client.give(if answers { TIMEOUT } else { Duration::from_millis(700) });
            let status = client.head().map(|head| head.status).map_err(|error| error.kind());
            assert_eq!(status, if answers { Ok(100) } else { Err(ErrorKind::TimedOut) }, "{setting}");
        }
    });
}

/// The configurations work with any server that speaks uwsgi.
#[test]
fn nginx_before_gunicorn() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let application = include_str!("../../src/programs/inspector.py");
    let _server = gunicorn(&test_dir, "gunicorn", application, &listen);
    let running = nginx_plain(&test_dir, "nginx-unix.conf", &listen);
    assert_eq!(report(running.get("/a?x=1")).var("QUERY_STRING").as_deref(), Some("x=1"));
    assert_eq!(running.post("/echo", 10_000).expect("an answer").body, filling(10_000));
}

/// The client gets the first bytes long before the last bytes are made.
#[test]
fn nginx_streams_answers() {
    with_each_server!(|test_dir, listen| {
        for (snippet, streams) in [("nginx-streaming.conf", true), ("nginx-unix.conf", false)] {
            let test_dir = TestDir::new();
            let running = nginx_plain(&test_dir, snippet, &listen);
            let mut client = running.connect().expect("a connection");
            let begin = Instant::now();
            let pieces = "/stream/3000?chunk=1000&delay_ms=1000";
            let request = format!("GET {pieces} HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n");
            client.send(request.as_bytes()).expect("a request");
            client.head().expect("a head");
            client.bytes(1).expect("a byte");
            let first = begin.elapsed();
            client.rest().expect("a body");
            let all = begin.elapsed();
            assert!(all >= Duration::from_millis(2000), "{snippet}: {all:?}");
            // Both pauses are between the first byte and the last, or neither is.
            assert_eq!(all - first > Duration::from_millis(1000), streams, "{snippet}: {first:?} of {all:?}");
        }
    });
}

/// The application gets the first half before the client sends the second.
#[test]
fn nginx_streams_uploads() {
    with_each_server!(|test_dir, listen| {
        for (snippet, streams) in [("nginx-streaming.conf", true), ("nginx-unix.conf", false)] {
            let test_dir = TestDir::new();
            let running = nginx_plain(&test_dir, snippet, &listen);
            let mut client = running.connect().expect("a connection");
            let half = b"POST /echo HTTP/1.1\r\nHost: app.example\r\nContent-Length: 20\r\n\r\n0123456789";
            client.send(half).expect("a half");
            if !streams {
                // Nothing comes in this time.
                client.give(Duration::from_millis(300));
                assert_eq!(client.head().expect_err("an answer").kind(), ErrorKind::TimedOut);
                continue;
            }
            let head = client.head().expect("a head");
            assert_eq!(client.bytes(10).expect("a half"), b"0123456789");
            client.send(b"abcdefghij").expect("a half");
            assert_eq!((head.status, client.bytes(10).expect("a half")), (200, b"abcdefghij".to_vec()));
        }
    });
}
