//! What a server says: a line for each refusal, with who was refused and the setting to change, and at which level.

use std::io::{Read, Write};
use std::time::Duration;

use rustix::process::Signal;
use uwsgi_tests::load::{At, Process, get, packet, post, status};
use uwsgi_tests::ours::Kind;
use uwsgi_tests::port::Port;

use crate::{Place, command_of};

/// What is said, at this level and above, about connections that do this to a server with these options; without what panics
/// print.
fn said(level: &str, options: &[&str], act: impl FnOnce(&At)) -> Vec<String> {
    said_by(Kind::Blocking, level, options, |at, _| act(at))
}

/// What one of the servers says, which is reached over TCP and over a Unix socket.
fn said_by(kind: Kind, level: &str, options: &[&str], act: impl FnOnce(&At, &At)) -> Vec<String> {
    let place = Place::new();
    let (unix, bind) = place.socket("a.sock");
    let port = Port::free();
    let own = [format!("bind={}", port.address()), format!("bind={bind}"), format!("trace={level}")];
    let options: Vec<&str> = own.iter().map(String::as_str).chain(options.iter().copied()).collect();
    let mut process = Process::start(&mut command_of(kind, &options), &unix).unwrap();
    act(&At::Tcp(port.address()), &unix);
    std::thread::sleep(Duration::from_millis(100));
    process.signal(Signal::TERM).unwrap();
    process.ended_within(Duration::from_secs(10)).unwrap();
    let said = process.said().unwrap();
    let levels = ["ERROR ", "WARN ", "INFO ", "DEBUG "];
    let lines = said.lines().map(str::trim).filter(|line| levels.iter().any(|level| line.starts_with(level)));
    lines.map(ToOwned::to_owned).collect()
}

/// One line, in which the peer stands where it says `PEER`.
#[track_caller]
fn one_line(said: &[String], expected: &str) {
    let [line] = said else { panic!("not one line: {said:?}") };
    let (before, behind) = expected.split_once("PEER").unwrap_or((expected, ""));
    let port = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    let port = port.unwrap_or_else(|| panic!("{line:?} is not {expected:?}"));
    let named = port.is_empty() || port.strip_prefix("127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok());
    assert!(named, "{line:?}: {port:?} is no peer");
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
        let said = said("warn", &[], |at| assert_eq!(status(&at.ask(&sent).unwrap()), expected, "{name}"));
        let [line] = &said[..] else { panic!("{name}: {said:?}") };
        assert!(line.starts_with("WARN refused: ") && line.contains(text), "{name}: {line}");
        assert!(line.contains(" peer=127.0.0.1:") && line.ends_with(&format!(" status={expected}")), "{name}: {line}");
    }
}

#[test]
fn who_is_not_let_in() {
    let told = said("warn", &["allow=192.0.2.1"], |at| assert_eq!(status(&at.ask(b"").unwrap()), 403));
    one_line(&told, "WARN refused: the peer's address is not allowed peer=PEER status=403");
    let told = said("warn", &["max=0"], |at| assert_eq!(status(&at.ask(b"").unwrap()), 503));
    // The one that looked whether it listens was one too many too, on the Unix socket.
    let told: Vec<_> = told.into_iter().filter(|line| line.contains("peer=")).collect();
    one_line(&told, "WARN refused: too many connections peer=PEER status=503");
}

#[test]
fn no_worker_and_a_body_that_is_cut_short() {
    let told = said("warn", &["workers=1", "queue=50"], |at| {
        let _works = {
            let mut works = at.connect().unwrap();
            works.write_all(&get("/sleep/1500")).unwrap();
            works
        };
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 503);
    });
    one_line(&told, "WARN refused: no free worker in time peer=PEER status=503");

    let told = said("warn", &[], |at| {
        let mut stream = at.connect().unwrap();
        stream.write_all(&[post("/read", 5), b"he".to_vec()].concat()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 400);
    });
    one_line(&told, "WARN refused: the stream ended 3 bytes before the body did peer=PEER status=400");
}

#[test]
fn an_application_that_fails_is_an_error() {
    for (path, expected) in [
        ("/fail", "ERROR the application failed: as asked"),
        ("/panic", "ERROR the application failed: the application panicked"),
        ("/halfway", "ERROR the application failed: the application panicked"),
    ] {
        let told = said("warn", &[], |at| drop(at.ask(&get(path))));
        one_line(&told, expected);
    }
}

/// It is the peer's right to go, and no application's fault.
#[test]
fn a_peer_that_resets_is_no_failure() {
    let told = said("debug", &[], |at| {
        at.reset_behind(&[post("/read", 10), b"hello".to_vec()].concat()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let mut takes_little = at.connect().unwrap();
        takes_little.write_all(&get("/stream/65536")).unwrap();
        takes_little.read_exact(&mut [0; 1000]).unwrap();
        drop(takes_little);
    });
    assert_eq!(told.len(), 2, "{told:?}");
    for line in &told {
        assert!(line.starts_with("DEBUG the peer has gone: "), "{told:?}");
    }
}

/// What a stop has cut is said, and who lost by it.
#[test]
fn what_a_stop_has_cut() {
    for (sent, expected, answered) in [
        (post("/read", 10), "WARN refused: a stop was asked for peer=PEER status=503", 503),
        (
            get("/drip/1000"),
            "WARN an answer was cut off after N bytes: a stop was asked for, and the answer was not finished within 100 ms; \
             set a longer stop_grace peer=PEER",
            200,
        ),
    ] {
        let mut cut = None;
        let told = said("warn", &["grace=100"], |at| {
            let mut stream = at.connect().unwrap();
            stream.write_all(&sent).unwrap();
            std::thread::sleep(Duration::from_millis(300));
            cut = Some(stream);
        });
        let told: Vec<_> = told.iter().map(|line| without_count(line).0).collect();
        one_line(&told, expected);
        let mut answer = Vec::new();
        let end = cut.unwrap().read_to_end(&mut answer);
        assert_eq!((status(&answer), end.is_ok()), (answered, answered == 503), "{}", answer.escape_ascii());
    }
}

/// The line with `N` for how many bytes were sent, and that number.
fn without_count(line: &str) -> (String, Option<usize>) {
    let Some((before, rest)) = line.split_once(" after ") else { return (line.to_owned(), None) };
    let (count, behind) = rest.split_once(' ').expect("a sentence");
    (format!("{before} after N {behind}"), count.parse().ok())
}

/// A limit of the server's that ends an answer is a warning, which says how much of the answer was sent.
#[test]
fn a_limit_that_cuts_an_answer_is_said() {
    let rows = [
        (
            "silence=300",
            "WARN an answer was cut off after N bytes: the peer took nothing for 300 ms; set a longer write_idle, or \
             uwsgi_max_temp_file_size 0 in nginx",
        ),
        (
            "grace=300",
            "WARN an answer was cut off after N bytes: a stop was asked for, and the answer was not finished within 300 ms; \
             set a longer stop_grace",
        ),
    ];
    for kind in Kind::BOTH {
        for (option, expected) in rows {
            let (mut over_tcp, mut over_unix) = (None, None);
            // The peers take nothing, and there is more than fits on the way to them.
            let mut told = said_by(kind, "warn", &[option], |tcp, unix| {
                for (at, peer) in [(tcp, &mut over_tcp), (unix, &mut over_unix)] {
                    let mut stream = at.connect().unwrap();
                    stream.write_all(&get("/stream/65536")).unwrap();
                    *peer = Some(stream);
                }
                std::thread::sleep(Duration::from_millis(1000));
            });
            // What was sent over a Unix socket is with the peer, though the connection is over.
            let mut answer = Vec::new();
            over_unix.unwrap().read_to_end(&mut answer).unwrap();
            let body = answer.len() - answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") - 4;
            told.sort_by_key(|line| line.contains("peer="));
            let [unix, tcp] = &told[..] else { panic!("{kind:?}, {option}: {told:?}") };
            assert_eq!(without_count(unix), (expected.to_owned(), Some(body)), "{kind:?}");
            let (line, sent) = without_count(tcp);
            one_line(&[line], &format!("{expected} peer=PEER"));
            assert!(sent.is_some_and(|sent| sent > 0 && sent < 64 << 20), "{kind:?}: {tcp}");
        }
    }
}

/// A peer that goes is none of the limits: it says so at debug only, in both servers.
#[test]
fn a_peer_that_goes_is_no_warning() {
    for kind in Kind::BOTH {
        let told = said_by(kind, "warn", &[], |tcp, _| {
            let mut takes_little = tcp.connect().unwrap();
            takes_little.write_all(&get("/stream/65536")).unwrap();
            takes_little.read_exact(&mut [0; 1000]).unwrap();
        });
        assert!(told.is_empty(), "{kind:?}: {told:?}");
    }
}
