//! `check`, against correct servers and others.

use alloc::sync::Arc;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::RwLock;
use std::time::Instant;

use serde_json::Value;
use uwsgi_conformance::report::{self, report};
use uwsgi_server::{Answer, AppError, Body, Call, Head};

use crate::server::endless_server;
use crate::{RunResult, command, run};

/// Starts our server with an application. Returns its address.
fn our_server(app: impl uwsgi_server::App + 'static) -> String {
    let server = uwsgi_server::Server::new(app).unwrap().bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    std::thread::spawn(|| server.run());
    address
}

/// An application without a report.
fn hello(_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    body.read_to_end(&mut Vec::new())?;
    Ok(answer.whole(Head::new(404), b"nothing here")?)
}

/// An application that answers with a report.
fn reports(call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    let mut read = report::Body::default();
    body.read_to_end(&mut read.bytes)?;
    let packet = [&call.packet().header().to_bytes()[..], call.packet().payload()].concat();
    Ok(answer.whole(Head::new(200), report(&packet, false, &read).as_bytes())?)
}

/// Answers everything as a good request.
fn accept_everything(mut stream: TcpStream) {
    // The timeout is long enough for everything that a case sends at once.
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 70_000]);
    while !is_whole(&bytes) {
        let Ok(count @ 1..) = stream.read(&mut buffer) else { break };
        bytes.extend_from_slice(&buffer[..count]);
    }
    let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let _closed = stream.shutdown(Shutdown::Write);
    // A close resets the connection if bytes are unread.
    let _closed = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let _closed = stream.read_to_end(&mut bytes);
}

/// Whether the bytes are a packet and the body that it declares.
fn is_whole(bytes: &[u8]) -> bool {
    let Ok((packet, body)) = uwsgi::Packet::decode(bytes) else { return false };
    let length = packet.vars().ok().and_then(|vars| vars.get("CONTENT_LENGTH"));
    let length: Option<usize> = length.and_then(|length| core::str::from_utf8(length).ok()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn json(result: &RunResult) -> Value {
    serde_json::from_slice(&result.stdout).unwrap()
}

/// Returns the lines that begin with this mark.
fn marked<'r>(result: &'r RunResult, mark: &str) -> Vec<&'r str> {
    result.text().lines().filter(|line| line.starts_with(mark)).collect()
}

#[test]
fn our_server_follows_every_verdict() {
    for (address, message) in [(our_server(hello), "does not report"), (our_server(reports), "its application reports")]
    {
        let result = run(&["check", "--to", &address]);
        assert_eq!((result.status, &*result.stderr), (0, ""), "{}", result.text());
        assert!(result.text().contains(message), "{}", result.text());
        assert!(
            result.text().ends_with("\nNo bytes were taken for a request that they are not.\n"),
            "{}",
            result.text()
        );
        assert!(marked(&result, "ok").len() > 230);
        for mark in ["!", "~", "?"] {
            assert_eq!(marked(&result, mark), Vec::<&str>::new());
        }
        assert!(!result.stdout.contains(&0x1b), "the output of a pipe has no colours");
    }
}

#[test]
fn dangers_are_listed_and_decide_the_status() {
    let address = endless_server(accept_everything);
    let names = ["ok-get", "trailing-1", "length-plus", "vars-1001", "body-short-close"];
    let mut arguments = vec!["check", "--to", &address];
    arguments.extend(names);
    let result = run(&arguments);
    assert_eq!(result.status, 1, "{}", result.stderr);
    let marked_names =
        |mark| marked(&result, mark).iter().map(|line| line.split_whitespace().nth(1).unwrap()).collect::<Vec<_>>();
    assert_eq!(marked_names("ok"), ["ok-get"]);
    assert_eq!(marked_names("!"), ["trailing-1", "trailing-1-zero", "length-plus"]);
    assert_eq!(marked_names("~"), ["vars-1001"]);
    assert_eq!(marked_names("?"), ["body-short-close"]);
    for part in [
        "accepted though malformed: 3 cases",
        "one byte 01 after the variables",
        "Bytes were taken for a request that they are not: 3 cases.",
    ] {
        assert!(result.text().contains(part), "{part} is not in {}", result.text());
    }
    // The line also shows what other servers do.
    let line = *marked(&result, "!").last().unwrap();
    let cells: Vec<_> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["!", "length-plus", "400", "200", "200 (body 0)", "200 (body 5) | gthread: 200 (body 5) + 500"]);

    let deviations = run(&["check", "--to", &address, "--deviations", "ok-get", "length-plus"]);
    assert_eq!((marked(&deviations, "ok").len(), marked(&deviations, "!").len()), (0, 1));
}

#[test]
fn json_has_the_same_result() {
    let address = endless_server(accept_everything);
    let result = run(&["check", "--json", "--to", &address, "ok-get", "length-plus", "vars-1001", "app-short"]);
    let document = json(&result);
    assert_eq!(result.status, 1);
    assert_eq!(document["to"], address);
    assert_eq!((&document["reports"], &document["deceived"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(document["dangers"]["accepted"], 1);
    assert_eq!(document["rows"]["invalid-length"]["danger"], 1);
    let cases = document["cases"].as_array().unwrap();
    let fields = |case: &Value| {
        ["name", "finding", "seen", "should", "does", "end"].map(|field| case[field].as_str().unwrap().to_owned())
    };
    assert_eq!(fields(&cases[0]), ["vars-1001", "differs", "accepted", "431", "200", "closed"]);
    assert_eq!(fields(&cases[1]), ["length-plus", "danger", "accepted", "400", "200", "closed"]);
    assert_eq!(cases[1]["danger"], "accepted");
    assert_eq!(cases[1]["answers"][0]["body_length"], 2);
    assert_eq!(fields(&cases[2]), ["ok-get", "as-it-should", "accepted", "200", "200", "closed"]);
    let left_out = &document["not_played"][0];
    assert_eq!(
        (&left_out["name"], &left_out["why"]),
        (&"app-short".into(), &"it needs an application that does something else".into())
    );
}

#[test]
fn a_server_that_does_not_answer_hangs() {
    let address = endless_server(|mut stream| {
        let mut packet = [0; 195];
        stream.read_exact(&mut packet[..4]).unwrap();
        // A good GET has exactly this length.
        if packet[1] == 191 && stream.read_exact(&mut packet[4..]).is_ok() {
            let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        } else {
            // The server hangs for longer than the test takes.
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    let result = run(&["check", "--to", &address, "--patience", "2", "datasize-0", "--row", "datasize-zero"]);
    assert_eq!(result.status, 1);
    assert!(result.text().contains("hangs: neither answered nor closed"), "{}", result.text());
    assert!(
        result.text().ends_with("No bytes were taken for a request that they are not; it hangs: 4 cases.\n"),
        "{}",
        result.text()
    );
}

#[test]
fn slow_cases_need_an_option() {
    let address = our_server(hello);
    let result = run(&["check", "--to", &address, "connect-wait", "connect-half-close"]);
    assert_eq!((result.status, marked(&result, "ok").len()), (0, 1), "{}", result.text());
    assert!(result.text().contains("   4  the case is slow: add --slow"), "{}", result.text());
    let result = run(&["check", "--to", &address, "--slow", "slow-2s"]);
    assert_eq!((result.status, marked(&result, "ok").len()), (0, 1), "{}", result.text());
}

#[test]
fn an_application_that_fails_is_named() {
    let address = endless_server(|mut stream| {
        let _closed = stream.read(&mut [0; 70_000]);
        let _closed = stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    });
    let result = run(&["check", "--to", &address, "ok-get"]);
    assert!(result.text().starts_with(&format!("{address}: 1 case; ")), "{}", result.text());
    assert!(result.stderr.starts_with(&format!("note: {address} answers good requests with status 500 or above: ")));
}

#[test]
fn failures_have_a_reason() {
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let other = our_server(hello);
    let table = [
        (&["check", "--to", &absent][..], ": nobody listens there: is the server running?"),
        (
            &["check", "--to", "/nonexistent/x.sock"],
            "cannot check /nonexistent/x.sock: there is no such socket: is the ",
        ),
        (&["check", "--to", &other, "--report"], "does not answer a good request with a report"),
        (&["check", "--to", &other, "no-such-case"], "no case has this name"),
        (&["check", "--to", &other, "--row", "served", "trailing-1"], "no case has this name and this row"),
        (&["check", "--to", &other, "--row", "trailing"], "[possible values: peer-not-allowed, "),
        (&["check", "--to", "fd:3"], "a descriptor cannot be connected to"),
        (&["check"], "--to <ADDR>"),
    ];
    for (arguments, message) in table {
        let result = run(arguments);
        assert_eq!(result.status, 2, "{arguments:?}: {}", result.text());
        assert!(result.stderr.contains(message), "{message} is not in {}", result.stderr);
        assert!(result.stdout.is_empty());
    }
}

/// `localhost` may also be ::1, at which nothing listens.
#[test]
fn a_host_name_is_an_address() {
    let address = our_server(hello);
    let port = address.rsplit_once(':').unwrap().1;
    let result = run(&["check", "--to", &format!("localhost:{port}"), "ok-get"]);
    assert_eq!((result.status, &*result.stderr), (0, ""));
}

/// Returns the addresses to which a process has connections now, with the protocol.
#[cfg(target_os = "linux")]
fn connected(process: u32) -> Vec<String> {
    let links = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
    let targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
    let inodes: Vec<_> = targets
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut to = Vec::new();
    for (table, inode_column) in
        [("tcp", 9), ("tcp6", 9), ("udp", 9), ("udp6", 9), ("raw", 9), ("unix", 6), ("netlink", 9)]
    {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{process}/net/{table}")) else { continue };
        for fields in text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            if fields.get(inode_column).is_some_and(|inode| inodes.iter().any(|ours| ours == inode)) {
                to.push(format!("{table} {}", fields[2]));
            }
        }
    }
    to
}

#[cfg(target_os = "linux")]
#[test]
fn connections_at_once_are_limited_and_go_to_the_server_only() {
    for (arguments, most) in [(&[][..], 8), (&["--at-once", "3"], 3)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(RwLock::new(()));
        let mut closed_gate = Some(gate.write().unwrap());
        let passed = Arc::clone(&gate);
        std::thread::spawn(move || {
            // With the first two connections the command learns about the application.
            for (number, stream) in listener.incoming().enumerate() {
                let gate = Arc::clone(&passed);
                std::thread::spawn(move || {
                    if number >= 2 {
                        drop(gate.read().unwrap());
                    }
                    accept_everything(stream.unwrap());
                });
            }
        });
        let to = address.to_string();
        let all = [&["check", "--to", &to, "--row", "served", "--patience", "60"], arguments].concat();
        let mut child = command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let server = format!("tcp 0100007F:{:04X}", address.port());
        let (mut peak, mut since, begun) = (0, None, Instant::now());
        while child.try_wait().unwrap().is_none() {
            let connected = connected(child.id());
            assert!(connected.iter().all(|to| *to == server), "{server}, {connected:?}");
            peak = peak.max(connected.len());
            // For 200 ms no further connection comes.
            if peak == most && since.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(200) {
                drop(closed_gate.take());
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{peak} connections at once");
            std::thread::sleep(Duration::from_millis(5));
        }
        let result = RunResult::from(child.wait_with_output().unwrap());
        assert_eq!((result.status, &*result.stderr, peak), (0, "", most), "{}", result.text());
    }
}

#[test]
fn list_prints_all_cases() {
    let all = run(&["check", "--list"]).success();
    let lines = core::str::from_utf8(&all).unwrap();
    assert!(lines.contains("malformed block --row malformed-block\n"), "{lines}");
    assert_eq!(lines.lines().filter(|line| line.starts_with("  ")).count(), uwsgi_conformance::all().count());
    let pings = json(&run(&["check", "--list", "--json", "--row", "ping"]));
    assert_eq!(pings.as_array().unwrap().len(), 8);
    assert_eq!((&pings[0]["name"], &pings[0]["should"]), (&"ping-bare".into(), &"pong".into()));
}

#[test]
fn print_app_prints_a_python_application() {
    let source = String::from_utf8(run(&["check", "--print-app"]).success()).unwrap();
    assert!(source.contains("def application(environ, start_response):"), "{source}");
}
