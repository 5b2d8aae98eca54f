//! The report of `/` and of all paths without a route.

use std::io::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::server::{Answer, Request, Server};

fn json(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn the_format_is_negotiated() {
    let server = Server::start("format", &[]);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (target, accept, kind, start) in [
        ("/", "", "text/plain; charset=utf-8", "GET http://example.com/\n"),
        ("/", "*/*", "text/plain; charset=utf-8", "GET http://example.com/\n"),
        ("/", browser, "text/html; charset=utf-8", "<!DOCTYPE html>\n"),
        ("/", "application/json", "application/json", "{\n \"modifier1\": 0,\n"),
        ("/?format=json", browser, "application/json", "{\n \"modifier1\": 0,\n"),
        (
            "/no/such/path?format=text",
            browser,
            "text/plain; charset=utf-8",
            "GET http://example.com/no/such/path?format=text\n",
        ),
    ] {
        let answer = server.ask(&Request::get(target).with("HTTP_ACCEPT", accept));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{target} {accept}");
        assert!(answer.text().starts_with(start), "{}", answer.text());
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        assert_eq!(answer.header("vary"), Some("Accept"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    }
}

#[test]
fn the_report_has_vars_and_findings() {
    let server = Server::start("vars", &[]);
    let request = Request::get("/a?format=json").with("HTTP_PROXY", "evil").with("X", b"\xff\0");
    let document = json(&server.ask(&request));
    assert_eq!(document["vars"][12], Value::Null);
    assert_eq!(document["vars"][11], serde_json::json!(["X", "\u{ff}\0"]));
    assert_eq!(document["request"]["path_info"], "/a");
    assert_eq!(document["findings"][0]["id"], "httpoxy");
    assert_eq!(document["findings"][0]["change"]["nginx"], "uwsgi_param HTTP_PROXY \"\";");
}

#[test]
fn the_body_is_counted_and_hashed() {
    let server = Server::start("body", &[]);
    for length in [0, 1, 70_000, 5 << 20] {
        let body = vec![b'x'; length];
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let document = json(&server.ask(&Request::post("/?format=json", body)));
        let expected = serde_json::json!({"framing": "content-length", "length": length, "sha256": digest});
        assert_eq!(document["body"], expected);
    }
    let document = json(&server.get("/?format=json"));
    assert_eq!(document["body"]["framing"], "none");
}

/// While a body of 100 MB arrives, the process stays below 30 MiB.
#[test]
fn the_body_is_not_stored() {
    let server = Server::start("held", &[]);
    let piece = vec![b'x'; 1 << 20];
    let pieces = 100;
    let length = (pieces * piece.len()).to_string();
    let mut stream = server.connect();
    let request = Request::get("/?format=json").with("REQUEST_METHOD", "PUT").with("CONTENT_LENGTH", &length);
    stream.write_all(&request.to_bytes()).unwrap();
    for _ in 0..pieces {
        stream.write_all(&piece).unwrap();
    }
    let document = json(&Answer::read(stream));
    assert_eq!(document["body"]["length"].to_string(), length);
    if let Some(peak) = server.peak_kib() {
        assert!(peak < 30 << 10, "{peak} KiB");
    }
}

/// A front end that sends a length without a body waits for the answer. A front end that has lost its client closes.
#[test]
fn an_incomplete_body_is_reported() {
    let server = Server::start("cut", &["--body-timeout", "0.2"]);
    for (closes, status) in [(true, 400), (false, 408)] {
        let mut stream = server.connect();
        let request = Request::get("/?format=json").with("CONTENT_LENGTH", "10").followed_by(b"123");
        stream.write_all(&request.to_bytes()).unwrap();
        if closes {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let answer = Answer::read(stream);
        assert_eq!(answer.status, status);
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&document["body"]["length"], &document["findings"][0]["id"]), (&3.into(), &"body-cut".into()));
    }
}

#[test]
fn other_modifiers_need_an_option() {
    let request = Request::get("/?format=json").modifier1(5);
    assert_eq!(Server::start("modifier0", &[]).ask(&request).status, 501);
    let document = json(&Server::start("modifier5", &["--modifier1", "psgi", "--modifier1", "14"]).ask(&request));
    let ids: Vec<_> = document["findings"].as_array().unwrap().iter().map(|found| &found["id"]).collect();
    assert!(document["modifier1"] == 5 && ids.contains(&&"modifier1".into()), "{document}");
}

#[test]
fn a_request_without_vars_has_a_report() {
    let server = Server::start("bare", &[]);
    let mut stream = server.connect();
    stream.write_all(b"\0\x08\0\0\x01\0X\x03\0abc").unwrap();
    let answer = Answer::read(stream);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("no-uwsgi-params"), "{}", answer.text());
}
