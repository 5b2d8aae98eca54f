//! Who sent a request: the router passes every X-Forwarded-For on, and swaps the bytes of REMOTE_PORT.

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{Report, whole};
use crate::backends::uwsgi;
use crate::front::{Front, Running, get};

const SPOOFED: &str = "X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n\
                       X_Forwarded_For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n";

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);

    let running = front.start(test_dir, "nobody", &listen, &[], &[]);
    let mut connection = running.connect();
    let port = connection.local_addr().map_err(|error| error.to_string())?.port();
    let answer = connection.exchange(&get("/", SPOOFED)).map_err(|error| error.to_string())?;
    whole(&answer, 200)?;
    let report = Report::of(&answer)?;
    report.has("HTTP_X_FORWARDED_FOR", "127.0.0.1")?;
    report.has("REMOTE_ADDR", "127.0.0.1")?;
    report.has("REMOTE_PORT", &port.to_string())?;
    report.has("HTTP_X_FORWARDED_PROTO", "http")?;
    report.has("HTTP_X_FORWARDED_HOST", "app.example")?;
    report.has("REQUEST_SCHEME", "http")?;
    report.has_no("HTTPS")?;
    report.has_no("HTTP_X_REAL_IP")?;
    report.has_no("HTTP_FORWARDED")?;

    // A list of the client's own entry and the one that the proxy in front of the gateway appends.
    let sent = "X-Forwarded-For: 10.0.0.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    let running = front.start(test_dir, "proxy", &listen, &["--trusted-proxy", "127.0.0.0/8"], &[]);
    let report = ask(&running, sent)?;
    report.has("REMOTE_ADDR", "203.0.113.9")?;
    report.has_no("REMOTE_PORT")?;
    report.has("HTTP_X_FORWARDED_FOR", "203.0.113.9")?;
    report.has("REQUEST_SCHEME", "https")?;
    report.has("HTTPS", "on")?;

    // This client is no proxy that the option names.
    let running = front.start(test_dir, "other", &listen, &["--trusted-proxy", "10.0.0.0/8"], &[]);
    let report = ask(&running, sent)?;
    report.has("REMOTE_ADDR", "127.0.0.1")?;
    report.has("HTTP_X_FORWARDED_FOR", "127.0.0.1")?;
    report.has_no("HTTPS")
}

fn ask(running: &Running<'_>, headers: &str) -> Result<Report, String> {
    let answer = running.ask(get("/", headers)).map_err(|error| error.to_string())?;
    whole(&answer, 200)?;
    Report::of(&answer)
}
