//! What options do. The tests of `uwsgi-gateway` have the rest.

use core::time::Duration;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use serde_json::Value;

use crate::gateway::{Gateway, ask};

/// Returns the vars that arrived at the backend, of an answer in JSON.
fn report(answer: &(u16, String)) -> Value {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let (_, body) = answer.1.split_once("\r\n\r\n").unwrap();
    // The body may be chunked: the document is between the first and the last brace.
    let body = body.as_bytes();
    let (first, last) = (body.iter().position(|byte| *byte == b'{'), body.iter().rposition(|byte| *byte == b'}'));
    serde_json::from_slice(&body[first.unwrap()..=last.unwrap()]).unwrap()
}

/// Returns the value of a var in a report.
fn var(report: &Value, key: &str) -> Option<String> {
    let vars = report["vars"].as_array().unwrap();
    let value = vars.iter().find(|var| var[0] == key)?[1].as_str().unwrap();
    Some(value.to_owned())
}

#[test]
fn http_may_be_given_several_times() {
    let gateway = Gateway::start("listeners", &["--http", "unix:web", "--socket-mode", "606", "--http", "[::1]:0"]);
    let [tcp, unix, ipv6, to] = &*gateway.notes else { panic!("{:?}", gateway.notes) };
    assert!(tcp.starts_with("listening at http://127.0.0.1:"), "{tcp}");
    assert_eq!(unix, "listening at unix:web");
    assert!(ipv6.starts_with("listening at http://[::1]:"), "{ipv6}");
    assert_eq!(to, "requests go to unix:backend");
    assert_eq!(gateway.get("/status/204", "").0, 204);
    assert_eq!(gateway.get_unix("web", "/status/204", "").0, 204);
    let address = ipv6.strip_prefix("listening at http://").unwrap();
    let stream = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(ask(stream, "GET /status/204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").0, 204);
    let file = std::fs::metadata(gateway.directory.join("web")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o606);
}

#[test]
fn vars_and_headers_are_those_of_the_options() {
    let forwarded = "X-Forwarded-For: 192.0.2.9\r\nX-Real-IP: 192.0.2.8\r\nA_B: 1\r\n";
    let plain = Gateway::start("vars-plain", &[]);
    let report_of_plain = report(&plain.get("/?format=json", forwarded));
    let proxied = Gateway::start(
        "vars-proxied",
        &[
            "--trusted-proxy",
            "127.0.0.0/8",
            "--trusted-header",
            "X-Real-IP",
            "--forwarded",
            "append",
            "--underscores",
            "allow",
            "--http-var",
            "CLIENT=$remote_addr/$host",
            "--http-var",
            "SERVER_ADMIN=me",
        ],
    );
    let report_of_proxied = report(&proxied.get("/?format=json", forwarded));
    for (key, plain, proxied) in [
        ("REMOTE_ADDR", Some("127.0.0.1"), Some("192.0.2.9")),
        ("HTTP_X_FORWARDED_FOR", Some("127.0.0.1"), Some("192.0.2.9, 127.0.0.1")),
        ("HTTP_X_REAL_IP", None, Some("192.0.2.8")),
        ("HTTP_A_B", None, Some("1")),
        ("CLIENT", None, Some("192.0.2.9/example.com")),
        ("SERVER_ADMIN", None, Some("me")),
    ] {
        assert_eq!(var(&report_of_plain, key).as_deref(), plain, "{key}");
        assert_eq!(var(&report_of_proxied, key).as_deref(), proxied, "{key}");
    }
    let none = Gateway::start("vars-none", &["--forwarded", "none"]);
    assert_eq!(var(&report(&none.get("/?format=json", forwarded)), "HTTP_X_FORWARDED_FOR"), None);
}

#[test]
fn modifiers_are_sent() {
    // The backend does not accept this modifier1.
    let gateway = Gateway::start("modifiers", &["--http-modifier1", "psgi", "--http-modifier2", "7"]);
    assert_eq!(gateway.get("/", "").0, 501);
}

#[test]
fn the_health_path_and_the_server_are_the_gateways() {
    let gateway = Gateway::start("health", &["--health-path", "/health", "--server-header", "me/1"]);
    let (status, answer) = gateway.get("/health", "");
    assert!(status == 200 && answer.to_ascii_lowercase().contains("\r\nserver: me/1\r\n"), "{answer}");
    let (status, answer) = gateway.get("/status/404", "");
    assert!(status == 404 && answer.to_ascii_lowercase().contains("\r\nserver: me/1\r\n"), "{answer}");
}

#[test]
fn max_body_limits_bodies() {
    for (most, rows) in [("2k", [(0, 200), (2048, 200), (2049, 413)]), ("0", [(0, 200), (1, 413), (2048, 413)])] {
        let gateway = Gateway::start(&format!("max-body-{most}"), &["--max-body", most]);
        for (length, status) in rows {
            let head =
                format!("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let got = ask(gateway.connect(), &format!("{head}{}", "x".repeat(length))).0;
            assert_eq!(got, status, "{length} of {most}");
        }
    }
}

#[test]
fn time_limits_are_those_of_the_options() {
    let options = ["--http-headers-timeout", "0.3", "--http-keepalive", "0.3", "--http-timeout", "0.3"];
    let gateway = Gateway::start("timeouts", &options);
    for begin in ["", "GET / HTTP/1.1\r\n"] {
        let mut stream = gateway.connect();
        stream.write_all(begin.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"", "the gateway closes after {begin:?}");
    }
    assert_eq!(gateway.get("/delay/20000", "").0, 504);
}

#[test]
fn the_access_log_is_whole_at_the_end() {
    for (format, expected) in [
        ("combined", "\"GET /status/404?x=1 HTTP/1.1\" 404 11 \"http://a.example/\" \"test/1\"\n"),
        ("json", "\"uri\":\"/status/404?x=1\""),
    ] {
        let test = format!("log-{format}");
        let gateway = Gateway::start(&test, &["--access-log", "-", "--access-log-format", format]);
        let headers = "Referer: http://a.example/\r\nUser-Agent: test/1\r\nCookie: secret\r\nAuthorization: secret\r\n";
        gateway.get("/status/404?x=1", headers);
        gateway.signal("TERM");
        let (status, stdout, stderr) = gateway.wait();
        assert_eq!((status, &*stderr), (Some(0), ""));
        assert!(stdout.contains(expected), "{stdout}");
        assert!(!stdout.contains("secret"), "{stdout}");
        assert_eq!(stdout.lines().count(), 1);
        match format {
            "combined" => assert!(stdout.starts_with("127.0.0.1 - - ["), "{stdout}"),
            _ => {
                let line: Value = serde_json::from_str(&stdout).unwrap();
                assert_eq!(
                    (&line["client"], &line["status"], &line["bytes"]),
                    (&"127.0.0.1".into(), &404.into(), &11.into())
                );
                assert_eq!((&line["host"], &line["user_agent"]), (&"example.com".into(), &"test/1".into()));
                assert!(line["request_id"].is_string(), "{stdout}");
            }
        }
    }
}

/// The first signal lets a request finish, and the second one does not.
#[test]
fn a_signal_stops_politely_and_a_second_one_at_once() {
    for (signals, status) in [(&["TERM"][..], Some(0)), (&["INT"], Some(0)), (&["TERM", "INT"], Some(130))] {
        let gateway = Gateway::start(&format!("signals-{}-{}", signals.len(), signals[0]), &["--http", "unix:web"]);
        let mut stream = gateway.connect();
        stream.write_all(b"GET /drip?bytes=2&duration_ms=1000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n*") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let file = gateway.directory.join("web");
        for (at, signal) in signals.iter().enumerate() {
            if at > 0 {
                // The gateway removes the file of its socket when it has seen the first signal.
                let begun = Instant::now();
                while file.exists() {
                    assert!(begun.elapsed() < Duration::from_secs(10));
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            gateway.signal(signal);
        }
        // The rest of the answer, or what the end of the process makes of it.
        let rest = stream.read_to_end(&mut answer);
        assert_eq!(rest.is_ok() && answer.ends_with(b"**"), signals.len() == 1, "{}", answer.escape_ascii());
        // The gateway waits some time for the client to close.
        drop(stream);
        assert_eq!(gateway.wait().0, status);
    }
}
