//! The log of a server: the line of each refusal names the peer and the setting to change, and has the right level.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use uwsgi_tests::load::{Process, ServerAddress, get, packet, post, status};
use uwsgi_tests::ours::Kind;
use uwsgi_tests::port::Port;

use crate::{TestDir, command_of, wait_until, wait_until_at_rest};

/// A server that writes its log into a file.
struct Logging {
    process: Process,
    tcp: ServerAddress,
    unix: ServerAddress,
    log: PathBuf,
    _test_dir: TestDir,
}

impl Logging {
    /// Starts a server with these options, over TCP and over a Unix socket, that logs at this level and above.
    fn start(kind: Kind, level: &str, options: &[&str]) -> Self {
        let test_dir = TestDir::new();
        let (unix, bind) = test_dir.socket("a.sock");
        let (port, log) = (Port::free(), test_dir.path("log"));
        let own = [format!("bind={}", port.address()), format!("bind={bind}"), format!("trace={level}")];
        let options: Vec<&str> = own.iter().map(String::as_str).chain(options.iter().copied()).collect();
        let mut command = command_of(kind, &options);
        command.stderr(File::create(&log).unwrap());
        let process = Process::start(&mut command, &unix).unwrap();
        Self { process, tcp: ServerAddress::Tcp(port.address()), unix, log, _test_dir: test_dir }
    }

    /// Returns the lines that were logged so far, without what panics print.
    fn lines(&self) -> Vec<String> {
        let levels = ["ERROR ", "WARN ", "INFO ", "DEBUG "];
        let text = fs::read_to_string(&self.log).unwrap();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::trim);
        whole.filter(|line| levels.iter().any(|level| line.starts_with(level))).map(ToOwned::to_owned).collect()
    }

    /// Waits until this many lines were logged.
    #[track_caller]
    fn wait_for(&self, count: usize) {
        wait_until(&format!("{count} lines are logged"), || self.lines().len() >= count);
    }

    /// Stops the server, and returns all lines that it has logged.
    fn stop(mut self) -> Vec<String> {
        self.process.signal(Signal::TERM).unwrap();
        self.process.ended_within(Duration::from_secs(10)).unwrap();
        self.lines()
    }
}

/// Returns what the blocking server logs, at this level and above, about connections over TCP that do this: `count` lines.
fn logged(level: &str, options: &[&str], count: usize, act: impl FnOnce(&ServerAddress)) -> Vec<String> {
    let server = Logging::start(Kind::Blocking, level, options);
    act(&server.tcp);
    server.wait_for(count);
    let lines = server.stop();
    assert_eq!(lines.len(), count, "{lines:?}");
    lines
}

/// Checks that there is one line, and that it is the expected one. `PEER` in it stands for the address of the peer.
#[track_caller]
fn one_line(lines: &[String], expected: &str) {
    let [line] = lines else { panic!("not one line: {lines:?}") };
    let (before, after) = expected.split_once("PEER").unwrap_or((expected, ""));
    let peer = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let peer = peer.unwrap_or_else(|| panic!("{line:?} is not {expected:?}"));
    let is_address = peer.strip_prefix("127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok());
    assert!(is_address || peer.is_empty() && !expected.contains("PEER"), "{line:?}: {peer:?} is no peer");
}

#[test]
fn a_refusal_is_a_warning_that_names_the_peer_and_says_what_to_change() {
    let http = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec();
    let psgi = [&[5], &get("/")[1..]].concat();
    let many = vec![("A", "B"); 1001];
    let rows: [(&str, Vec<u8>, u16, &str); 7] = [
        (
            "http",
            http,
            400,
            "the peer speaks HTTP: use uwsgi_pass, not proxy_pass, for this address; a browser or curl needs an HTTP \
             front end",
        ),
        (
            "modifier1",
            psgi,
            501,
            "requests with modifier1 5 (psgi) are not accepted here: set uwsgi_modifier1 to 0 in the front end",
        ),
        ("no vars", vec![0, 0, 0, 0], 400, "a request of no vars: does the front end send uwsgi_params?"),
        ("vars", packet(&many), 431, "vars"),
        ("length", packet(&[("CONTENT_LENGTH", "x")]), 400, "CONTENT_LENGTH"),
        ("method", packet(&[("REQUEST_METHOD", "G T")]), 400, "REQUEST_METHOD is no method"),
        ("body", post("/read", 2 << 30), 413, "a body of 2147483648 bytes is over the limit of 1073741824"),
    ];
    for (name, sent, expected, text) in rows {
        let logged = logged("warn", &[], 1, |at| assert_eq!(status(&at.ask(&sent).unwrap()), expected, "{name}"));
        let line = &logged[0];
        assert!(line.starts_with("WARN refused: ") && line.contains(text), "{name}: {line}");
        assert!(line.contains(" peer=127.0.0.1:") && line.ends_with(&format!(" status={expected}")), "{name}: {line}");
    }
}

#[test]
fn a_refused_peer_is_logged() {
    let lines = logged("warn", &["allow=192.0.2.1"], 1, |at| assert_eq!(status(&at.ask(b"").unwrap()), 403));
    one_line(&lines, "WARN refused: the peer's address is not allowed peer=PEER status=403");
    // `Process::start` connects to the Unix socket to see whether the server listens: that is one connection too many as well.
    let lines = logged("warn", &["max=0"], 2, |at| assert_eq!(status(&at.ask(b"").unwrap()), 503));
    let of_tcp: Vec<_> = lines.into_iter().filter(|line| line.contains("peer=")).collect();
    one_line(&of_tcp, "WARN refused: too many connections peer=PEER status=503");
}

#[test]
fn no_free_worker_and_a_body_that_is_cut_short_are_logged() {
    let lines = logged("warn", &["workers=1", "queue=50"], 1, |at| {
        // The application begins its answer, and works on for far longer than the other request waits.
        let mut works = at.connect().unwrap();
        works.write_all(&get("/begin/1500")).unwrap();
        works.read_exact(&mut [0; 12]).unwrap();
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 503);
    });
    one_line(&lines, "WARN refused: no free worker in time peer=PEER status=503");

    let lines = logged("warn", &[], 1, |at| {
        let mut stream = at.connect().unwrap();
        stream.write_all(&[post("/read", 5), b"he".to_vec()].concat()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 400);
    });
    one_line(&lines, "WARN refused: the stream ended 3 bytes before the body did peer=PEER status=400");
}

#[test]
fn an_application_that_fails_is_an_error() {
    for (path, expected) in [
        ("/fail", "ERROR the application failed: as asked"),
        (
            "/fail-with-cause",
            "ERROR the application failed: the answer's head is refused: the answer's status is not three digits of 100 or more \
             (at byte 0)",
        ),
        ("/panic", "ERROR the application failed: the application panicked"),
        ("/halfway", "ERROR the application failed: the application panicked"),
    ] {
        let lines = logged("warn", &[], 1, |at| drop(at.ask(&get(path))));
        one_line(&lines, expected);
    }
}

/// A peer may go at any time: it is no fault of the application.
#[test]
fn a_peer_that_resets_is_no_failure() {
    let lines = logged("debug", &[], 2, |at| {
        at.reset_after(&[post("/read", 10), b"hello".to_vec()].concat()).unwrap();
        let mut takes_little = at.connect().unwrap();
        takes_little.write_all(&get("/stream/65536")).unwrap();
        takes_little.read_exact(&mut [0; 1000]).unwrap();
        drop(takes_little);
    });
    for line in &lines {
        assert!(line.starts_with("DEBUG the peer has gone: "), "{lines:?}");
    }
}

/// The log says what a stop has cut off, and names the peer.
#[test]
fn what_a_stop_cuts_off_is_logged() {
    for (sent, expected, answered) in [
        (post("/read", 10), "WARN refused: a stop was asked for peer=PEER status=503", 503),
        (
            get("/drip/1000"),
            "WARN an answer was cut off after N bytes: a stop was asked for, and the answer was not finished within 100 ms; \
             set a longer grace period peer=PEER",
            200,
        ),
    ] {
        let server = Logging::start(Kind::Blocking, "warn", &["grace=100"]);
        let mut cut = server.tcp.connect().unwrap();
        cut.write_all(&sent).unwrap();
        wait_until_at_rest(&server.process);
        let lines: Vec<_> = server.stop().iter().map(|line| without_count(line).0).collect();
        one_line(&lines, expected);
        let mut answer = Vec::new();
        let end = cut.read_to_end(&mut answer);
        assert_eq!((status(&answer), end.is_ok()), (answered, answered == 503), "{}", answer.escape_ascii());
    }
}

/// Returns the line with `N` instead of the number of bytes that were sent, and that number.
fn without_count(line: &str) -> (String, Option<usize>) {
    let Some((before, rest)) = line.split_once(" after ") else { return (line.to_owned(), None) };
    let (count, end) = rest.split_once(' ').expect("a sentence");
    (format!("{before} after N {end}"), count.parse().ok())
}

/// A limit of the server that cuts off an answer is a warning. It says how much of the answer was sent.
#[test]
fn a_limit_that_cuts_off_an_answer_is_logged() {
    let rows = [
        (
            "silence=300",
            "WARN an answer was cut off after N bytes: the peer took nothing for 300 ms; set a longer write_idle, or \
             uwsgi_max_temp_file_size 0 in nginx",
        ),
        (
            "grace=300",
            "WARN an answer was cut off after N bytes: a stop was asked for, and the answer was not finished within 300 ms; \
             set a longer grace period",
        ),
    ];
    for kind in Kind::BOTH {
        for (option, expected) in rows {
            let server = Logging::start(kind, "warn", &[option]);
            // The peers take nothing, and there is more than fits on the way to them.
            let [_over_tcp, mut over_unix] = [&server.tcp, &server.unix].map(|at| {
                let mut stream = at.connect().unwrap();
                stream.write_all(&get("/stream/65536")).unwrap();
                stream
            });
            if option.starts_with("silence") {
                server.wait_for(2);
            } else {
                wait_until_at_rest(&server.process);
            }
            let mut lines = server.stop();
            // The peer has all that was sent over a Unix socket, though the connection is over.
            let mut answer = Vec::new();
            over_unix.read_to_end(&mut answer).unwrap();
            let body = answer.len() - answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") - 4;
            lines.sort_by_key(|line| line.contains("peer="));
            let [unix, tcp] = &lines[..] else { panic!("{kind:?}, {option}: {lines:?}") };
            assert_eq!(without_count(unix), (expected.to_owned(), Some(body)), "{kind:?}");
            let (line, sent) = without_count(tcp);
            one_line(&[line], &format!("{expected} peer=PEER"));
            assert!(sent.is_some_and(|sent| sent > 0 && sent < 64 << 20), "{kind:?}: {tcp}");
        }
    }
}

/// No limit was reached where a peer has gone. Both servers log it at the level debug only.
#[test]
fn a_peer_that_goes_is_no_warning() {
    for kind in Kind::BOTH {
        let server = Logging::start(kind, "debug", &[]);
        let mut takes_little = server.tcp.connect().unwrap();
        takes_little.write_all(&get("/stream/65536")).unwrap();
        takes_little.read_exact(&mut [0; 1000]).unwrap();
        drop(takes_little);
        // The line has the error of the system: a reset, or a broken pipe.
        let is_logged = |line: &String| line.starts_with("DEBUG ") && line.contains("(os error ");
        wait_until("the server logs that the peer has gone", || server.lines().iter().any(is_logged));
        let lines = server.stop();
        let warns = |line: &String| line.starts_with("WARN ") || line.starts_with("ERROR ");
        assert!(!lines.iter().any(warns), "{kind:?}: {lines:?}");
    }
}
