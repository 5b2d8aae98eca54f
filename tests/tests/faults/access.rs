//! The access log: what a line contains, and what it never contains.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use uwsgi_server::{AccessLog, Answer, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{Process, ServerAddress, get, packet, post, status};

use crate::{Running, TestDir, command, wait_until};

fn hello(_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    Ok(answer.whole(Head::new(201), b"hello\n")?)
}

/// The lines of a log, once it has this many. The server writes a line after the answer, and the client may be quicker.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let mut text = String::new();
    wait_until(&format!("{} has {count} whole lines", path.display()), || {
        text = fs::read_to_string(path).unwrap_or_default();
        text.lines().count() >= count && text.ends_with('\n')
    });
    let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    assert_eq!(lines.len(), count, "{text}");
    lines
}

const SECRETS: [(&str, &str); 3] =
    [("HTTP_COOKIE", "session=secret"), ("HTTP_AUTHORIZATION", "Basic secret"), ("HTTP_PROXY_AUTHORIZATION", "secret")];

/// Sends one request for each list of vars. Returns the lines of the access log in both forms.
fn logged(requests: &[&[(&str, &str)]]) -> (Vec<String>, Vec<Value>) {
    let test_dir = TestDir::new();
    let (combined, json) = (test_dir.path("combined"), test_dir.path("json"));
    for (at, log) in [
        (&combined, AccessLog::combined(fs::File::create(&combined).unwrap())),
        (&json, AccessLog::json(fs::File::create(&json).unwrap())),
    ] {
        let server = Server::new(hello).unwrap().bind("127.0.0.1:0").unwrap().with_access_log(log);
        let server_at = ServerAddress::Tcp(server.local_addr().unwrap());
        let _running = Running::start(server);
        for (number, vars) in requests.iter().enumerate() {
            let vars: Vec<_> = vars.iter().chain(&SECRETS).copied().collect();
            assert_eq!(status(&server_at.ask(&packet(&vars)).unwrap()), 201);
            lines(at, number + 1);
        }
    }
    let json = lines(&json, requests.len());
    (lines(&combined, requests.len()), json.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Splits a combined line into its fields: client, dash, user, date, request, status, bytes, referer, user agent.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (field, after) = match rest.as_bytes()[0] {
            b'[' => rest[1..].split_once(']').unwrap(),
            b'"' => {
                let bytes = rest.as_bytes();
                let mut end = 1;
                while bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                (&rest[1..end], &rest[end + 1..])
            }
            _ => rest.split_once(' ').map_or((rest, ""), |(field, _)| (field, &rest[field.len()..])),
        };
        fields.push(field.to_owned());
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    fields
}

#[test]
fn a_line_has_all_fields() {
    let vars = [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a%20b?c=d"),
        ("PATH_INFO", "/a b"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "203.0.113.9"),
        ("REMOTE_USER", "ada"),
        ("HTTP_REFERER", "https://example.com/"),
        ("HTTP_USER_AGENT", "curl/8.0 (\"quoted\")"),
    ];
    let bare = [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/p"), ("QUERY_STRING", "q=1")];
    let (combined, json) = logged(&[&vars, &bare, &[("A", "B")]]);

    let line = fields(&combined[0]);
    assert_eq!(line[..3], ["203.0.113.9", "-", "ada"]);
    let agent = "curl/8.0 (\\\"quoted\\\")";
    assert_eq!(line[4..], ["POST /a%20b?c=d HTTP/1.1", "201", "6", "https://example.com/", agent]);
    // 20/Nov/2026:16:53:49 +0000
    let date = line[3].as_bytes();
    let shape: String = date.iter().map(|byte| if byte.is_ascii_digit() { '9' } else { char::from(*byte) }).collect();
    assert_eq!(shape.len(), 26, "{shape}");
    assert!(shape.starts_with("99/") && shape.ends_with("/9999:99:99:99 +9999"), "{shape}");

    assert_eq!(fields(&combined[1])[4..], ["GET /p?q=1 -", "201", "6", "-", "-"]);
    assert_eq!(fields(&combined[1])[..3], ["127.0.0.1", "-", "-"]);
    assert_eq!(fields(&combined[2])[4..], ["GET / -", "201", "6", "-", "-"]);

    let expected = serde_json::json!({
        "client": "203.0.113.9", "user": "ada", "method": "POST", "uri": "/a%20b?c=d", "protocol": "HTTP/1.1",
        "status": 201, "bytes": 6, "referer": "https://example.com/", "user_agent": "curl/8.0 (\"quoted\")",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&json[0][key], value, "{key}");
    }
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 11, "{keys:?}");
    assert!(json[0]["milliseconds"].as_u64().unwrap() < 10_000);
    let time = json[0]["time"].as_str().unwrap();
    assert!(time.len() == 24 && time.as_bytes()[10] == b'T' && time.ends_with('Z'), "{time}");
    assert_eq!(
        (&json[1]["uri"], &json[1]["user"], &json[1]["protocol"]),
        (&"/p?q=1".into(), &Value::Null, &Value::Null)
    );
    assert_eq!((&json[1]["client"], &json[1]["referer"]), (&"127.0.0.1".into(), &Value::Null));

    for line in combined
        .iter()
        .map(String::as_str)
        .chain(json.iter().map(|line| line.to_string()).collect::<Vec<_>>().iter().map(|line| &**line))
    {
        assert!(!line.to_lowercase().contains("secret") && !line.to_lowercase().contains("cookie"), "{line}");
    }
}

/// Only bytes that were sent count. A peer that goes before its answer gets the status 499 and no bytes.
#[test]
fn only_bytes_that_were_sent_are_counted() {
    let test_dir = TestDir::new();
    let log = test_dir.path("log");
    let app = |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| match call.request().path_info() {
        Some(b"/fail") => Err("as asked".into()),
        Some(b"/much") => Ok(answer.whole(Head::new(200), &vec![b'x'; 64 << 20])?),
        _ => {
            io::copy(body, &mut io::sink())?;
            Ok(answer.whole(Head::new(200), b"hello\n")?)
        }
    };
    let server = Server::new(app).unwrap().bind("127.0.0.1:0").unwrap();
    let at = ServerAddress::Tcp(server.local_addr().unwrap());
    let _running = Running::start(server.with_access_log(AccessLog::combined(fs::File::create(&log).unwrap())));
    let line = |number: usize| fields(&lines(&log, number)[number - 1]);

    assert_eq!(status(&at.ask(&get("/fail")).unwrap()), 500);
    assert_eq!(line(1)[5..7], ["500", "26"]);
    let head = packet(&[("REQUEST_METHOD", "HEAD"), ("PATH_INFO", "/fail")]);
    assert_eq!(status(&at.ask(&head).unwrap()), 500);
    assert_eq!(line(2)[5..7], ["500", "0"]);

    let mut leaves = at.connect().unwrap();
    leaves.write_all(&get("/much")).unwrap();
    leaves.read_exact(&mut [0; 1 << 20]).unwrap();
    drop(leaves);
    let bytes: usize = line(3)[6].parse().unwrap();
    assert!(((1 << 20) - 100..64 << 20).contains(&bytes), "{bytes}");

    at.reset_after(&[post("/", 10), b"hello".to_vec()].concat()).unwrap();
    assert_eq!(line(4)[5..7], ["499", "0"]);
}

/// No client can add a line or a field to the log.
#[test]
fn clients_cannot_forge_lines_or_fields() {
    let forged = "x\" 200 0 \"-\" \"-\"";
    let user = "ada [20/Nov/2026:16:53:49 +0000] \"GET / HTTP/1.1\" 200 6";
    let agent = "\u{1b}[2J\\\" \u{e9}\u{202e}";
    let address = "203.0.113.9 - admin";
    let vars = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", forged),
        ("REMOTE_USER", user),
        ("REMOTE_ADDR", address),
        ("HTTP_USER_AGENT", agent),
    ];
    // CR and LF in data of the client are refused. In data of the front end they are logged escaped.
    let newline =
        [("REQUEST_METHOD", "GET"), ("REMOTE_USER", "a\r\nb"), ("QUERY_STRING", "a\nb"), ("PATH_INFO", "/\n")];
    let (combined, json) = logged(&[&vars, &newline]);
    for line in &combined {
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert_eq!(fields(line).len(), 9, "{line}");
    }
    let line = fields(&combined[0]);
    assert_eq!((&*line[5], &*line[6], &*line[7]), ("201", "6", "-"));
    assert_eq!(line[1], "-");
    // The target is the one that the application sees. Bytes that are not allowed in a target are percent-encoded.
    assert_eq!(line[4], "GET /x%22%20200%200%20%22-%22%20%22-%22 -");

    assert_eq!(json[0]["uri"], "/x%22%20200%200%20%22-%22%20%22-%22");
    assert_eq!(json[0]["user"], *user);
    let latin1: String = agent.bytes().map(char::from).collect();
    assert_eq!(json[0]["user_agent"], *latin1);
    assert_eq!(json[1]["user"], "a\r\nb");
}

/// The server serves also if the log cannot be written.
#[test]
fn requests_are_served_though_the_disk_is_full() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let options = [&*format!("bind={bind}"), "log=/dev/full"];
    let _process = Process::start(&mut command(&options), &at).unwrap();
    for _ in 0..50 {
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
    }
}

/// If the log panics, only a line of it is lost: no connection of the limit, no worker, and no thread that accepts.
#[test]
fn requests_are_served_though_the_log_panics() {
    struct Panics;

    impl io::Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("no space left");
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let server = Server::new(hello).unwrap().bind("127.0.0.1:0").unwrap();
    let at = ServerAddress::Tcp(server.local_addr().unwrap());
    let server = server.with_workers(1).with_max_connections(5).with_access_log(AccessLog::combined(Panics));
    let mut running = Running::start(server);
    for _ in 0..30 {
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 201);
    }
    let begun = Instant::now();
    running.stop();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
