//! How a server stops: it finishes requests that have begun, within a grace period, and leaves nothing.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{Process, ServerAddress, get, post, status};
use uwsgi_tests::ours::Kind;
use uwsgi_tests::port::Port;

use crate::{Running, TestDir, command, command_of, exists, wait_until, wait_until_at_rest};

fn hello(_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    std::io::copy(body, &mut std::io::sink())?;
    Ok(answer.whole(Head::new(200), b"hello\n")?)
}

/// How many requests had which outcome while a server stopped.
#[derive(Debug, Default)]
struct Outcomes {
    answered: AtomicUsize,
    /// The server did not listen.
    refused: AtomicUsize,
    /// The connection ended without a byte: the server read nothing of the request, or the answer was lost.
    closed: AtomicUsize,
    /// The answer was cut off, or the connection was reset.
    cut: AtomicUsize,
}

impl Outcomes {
    fn ask(&self, at: &ServerAddress, request: &[u8]) {
        let counter = match at.connect().map(|stream| exchange(stream, request)) {
            Err(_) => &self.refused,
            Ok((answer, _)) if answer.is_empty() => &self.closed,
            Ok((answer, true)) if answer.ends_with(b"hello\n") || answer.ends_with(b"5\n") => &self.answered,
            Ok(_) => &self.cut,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Checks that each request that reached the application was answered. Only connections of the very moment of the stop may
    /// be closed without an answer.
    fn lost_nothing(&self, calls: usize) {
        let [answered, closed, cut] =
            [&self.answered, &self.closed, &self.cut].map(|count| count.load(Ordering::Relaxed));
        assert!(answered > 10, "{self:?}");
        assert_eq!((answered, cut), (calls, 0), "{calls} calls, {self:?}");
        assert!(closed <= 2 * CLIENTS, "{self:?}");
    }
}

/// Returns the answer, and whether the connection ended without an error.
fn exchange(mut stream: UnixStream, request: &[u8]) -> (Vec<u8>, bool) {
    let mut answer = Vec::new();
    let sent = stream.write_all(request);
    let came = stream.read_to_end(&mut answer);
    (answer, sent.is_ok() && came.is_ok())
}

const CLIENTS: usize = 8;

/// Ends the threads of the clients when it is dropped, also where the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks over and over on several threads, stops the server in the middle, and goes on until all threads find it gone.
fn ask_while_stopping(at: &ServerAddress, stop: impl FnOnce()) -> Outcomes {
    let outcomes = Outcomes::default();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = Ends(&over);
        for thread in 0..CLIENTS {
            let (outcomes, over) = (&outcomes, &over);
            scope.spawn(move || {
                let request =
                    if thread % 2 == 0 { get("/sleep/1") } else { [post("/read", 5), b"hello".to_vec()].concat() };
                while !over.load(Ordering::Relaxed) {
                    outcomes.ask(at, &request);
                }
            });
        }
        wait_until("200 requests are answered", || outcomes.answered.load(Ordering::Relaxed) >= 200);
        let lost = outcomes.refused.load(Ordering::Relaxed) + outcomes.closed.load(Ordering::Relaxed);
        assert_eq!(lost, 0, "before the stop all are served");
        stop();
        wait_until("the server listens no longer", || outcomes.refused.load(Ordering::Relaxed) >= CLIENTS);
    });
    outcomes
}

#[test]
fn a_stop_under_load_cuts_no_answer() {
    for listen in ["tcp", "unix"] {
        let test_dir = TestDir::new();
        let (unix, bind) = test_dir.socket("a.sock");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let server = Server::new(move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| {
            counted.fetch_add(1, Ordering::Relaxed);
            hello(call, body, answer)
        });
        let server = server.unwrap();
        let (server, at) = match listen {
            "tcp" => {
                let server = server.bind("127.0.0.1:0").unwrap();
                let at = ServerAddress::Tcp(server.local_addr().unwrap());
                (server, at)
            }
            _ => (server.bind(&bind).unwrap(), unix),
        };
        let mut running = Running::start(server);
        let outcomes = ask_while_stopping(&at, || {
            let begun = Instant::now();
            running.stop();
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        });
        outcomes.lost_nothing(calls.load(Ordering::Relaxed));
    }
}

#[test]
fn a_signal_under_load_cuts_no_answer() {
    for (kind, signal) in Kind::BOTH.into_iter().flat_map(|kind| [(kind, Signal::TERM), (kind, Signal::INT)]) {
        let test_dir = TestDir::new();
        let (at, bind) = test_dir.socket("a.sock");
        let log = test_dir.path("log");
        let options = [&*format!("bind={bind}"), &*format!("log={}", log.display())];
        let mut process = Process::start(&mut command_of(kind, &options), &at).unwrap();
        let outcomes = ask_while_stopping(&at, || {
            process.signal(signal).unwrap();
            let (status, took) = process.ended_within(Duration::from_secs(5)).unwrap();
            assert!(status.success(), "{status}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        });
        // The log has a line for each call.
        outcomes.lost_nothing(std::fs::read_to_string(log).unwrap().lines().count());
        assert!(outcomes.refused.load(Ordering::Relaxed) > 0, "{outcomes:?}");
        let ServerAddress::Unix(path) = &at else { unreachable!() };
        assert!(!exists(path), "the socket's file is left");
    }
}

/// Each connection that was accepted and has sent a byte gets a whole answer.
#[test]
fn requests_that_have_begun_are_finished() {
    for (kind, is_tcp) in Kind::BOTH.into_iter().flat_map(|kind| [(kind, true), (kind, false)]) {
        let (test_dir, port) = (TestDir::new(), Port::free());
        let (unix, bind) = test_dir.socket("a.sock");
        let (at, bind) =
            if is_tcp { (ServerAddress::Tcp(port.address()), port.address().to_string()) } else { (unix, bind) };
        let mut process = Process::start(&mut command_of(kind, &[&format!("bind={bind}")]), &at).unwrap();
        let request = [post("/read", 5), b"hello".to_vec()].concat();
        // Each peer has sent another part of the request.
        let count = 60;
        let mut begun: Vec<_> = (0..count)
            .map(|number| {
                let sent = 1 + number * (request.len() - 2) / count;
                let mut stream = at.connect().unwrap();
                stream.write_all(&request[..sent]).unwrap();
                (stream, sent)
            })
            .collect();
        let mut idle = at.connect().unwrap();
        wait_until_at_rest(&process);
        process.signal(Signal::TERM).unwrap();
        // The server closes the idle connection, and serves no new one.
        let mut answer = Vec::new();
        idle.read_to_end(&mut answer).unwrap();
        assert!(answer.is_empty());
        let stopped = Instant::now();
        while let Ok(mut late) = at.connect() {
            assert!(!matches!(late.read(&mut [0; 1]), Ok(1..)), "{kind:?}: a connection after the stop was served");
            assert!(stopped.elapsed() < Duration::from_secs(10), "{kind:?}: the server still listens");
        }
        for (stream, sent) in &mut begun {
            stream.write_all(&request[*sent..]).unwrap();
            answer.clear();
            stream.read_to_end(&mut answer).unwrap();
            let whole = status(&answer) == 200 && answer.ends_with(b"\r\n\r\n5\n");
            assert!(whole, "{kind:?}: {}", answer.escape_ascii());
        }
        let (status, _) = process.ended_within(Duration::from_secs(10)).unwrap();
        assert!(status.success(), "{kind:?}: {status}");
    }
}

/// The server also serves connections that wait in the backlog when it stops.
#[test]
fn connections_in_the_backlog_are_served_at_a_stop() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let server = Server::new(hello).unwrap().bind(&bind).unwrap();
    let handle = server.handle();
    // The server does not accept yet.
    let mut waiting: Vec<_> = (0..20).map(|_| at.connect().unwrap()).collect();
    for stream in &mut waiting {
        stream.write_all(&get("/")).unwrap();
    }
    handle.stop();
    server.run().unwrap();
    for mut stream in waiting {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
    }
}

/// A server does not wait for an application after the grace period, and removes its socket file.
#[test]
fn a_stop_takes_no_longer_than_the_grace_period() {
    a_stop_takes_no_longer_than_the_grace_period_with("workers=8");
}

/// The same holds for a request that waits for a permit, which another request does not give back.
#[test]
fn a_stop_takes_no_longer_than_the_grace_period_though_no_permit_is_free() {
    a_stop_takes_no_longer_than_the_grace_period_with("workers=1");
}

fn a_stop_takes_no_longer_than_the_grace_period_with(workers: &str) {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let ServerAddress::Unix(path) = &at else { unreachable!() };
    let options = [&*format!("bind={bind}"), "grace=300", workers];
    let mut process = Process::start(&mut command(&options), &at).unwrap();
    let mut slow = at.connect().unwrap();
    slow.write_all(&post("/read", 5)).unwrap();
    wait_until_at_rest(&process);
    let mut stuck = at.connect().unwrap();
    stuck.write_all(&get("/sleep/60000")).unwrap();
    wait_until_at_rest(&process);
    process.signal(Signal::TERM).unwrap();
    let (status, took) = process.ended_within(Duration::from_secs(10)).unwrap();
    // The grace period, and the time that a drain may take.
    assert!(status.success() && (300..4000).contains(&took.as_millis()), "{status} {took:?}");
    assert!(!exists(path), "the socket's file is left");
    // The request whose body does not come in the grace period gets a refusal, since its answer has not begun.
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert_eq!(uwsgi_tests::load::status(&answer), 503, "{}", answer.escape_ascii());
}

/// An answer without a length ends with the connection. If the process ends first, only a reset shows that the answer is cut
/// off.
#[test]
fn an_answer_that_outlasts_the_grace_period_is_reset() {
    let test_dir = TestDir::new();
    let (unix, bind) = test_dir.socket("a.sock");
    let port = Port::free();
    let options = [&*format!("bind={}", port.address()), &*format!("bind={bind}"), "grace=300"];
    let mut process = Process::start(&mut command(&options), &unix).unwrap();
    let at = ServerAddress::Tcp(port.address());
    let mut cut = at.connect().unwrap();
    cut.write_all(&get("/begin/60000")).unwrap();
    cut.read_exact(&mut [0; 12]).unwrap();
    // This answer is whole. Its connection is not reset.
    let whole = at.ask(&get("/begin/0")).unwrap();
    assert!(whole.ends_with(b"hello\n"));
    process.signal(Signal::TERM).unwrap();
    process.ended_within(Duration::from_secs(10)).unwrap();
    let mut rest = Vec::new();
    let end = cut.read_to_end(&mut rest).unwrap_err();
    assert_eq!(end.kind(), ErrorKind::ConnectionReset, "{}", rest.escape_ascii());
}

/// After a second signal the server waits no longer.
#[test]
fn a_second_signal_ends_the_server_at_once() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let mut process = Process::start(&mut command(&[&format!("bind={bind}")]), &at).unwrap();
    let mut stuck = at.connect().unwrap();
    stuck.write_all(&get("/sleep/60000")).unwrap();
    wait_until_at_rest(&process);
    process.signal(Signal::TERM).unwrap();
    // In this time the process does not end.
    assert_eq!(process.ended_within(Duration::from_millis(500)).unwrap_err().kind(), ErrorKind::TimedOut);
    process.signal(Signal::INT).unwrap();
    let (_, took) = process.ended_within(Duration::from_secs(5)).unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let ServerAddress::Unix(path) = &at else { unreachable!() };
    assert!(!exists(path));
}

/// After the end of the server, signals end the process as they do any other.
#[test]
fn signals_have_their_default_effect_after_the_server() {
    for signal in [Signal::TERM, Signal::INT] {
        let test_dir = TestDir::new();
        let (at, bind) = test_dir.socket("a.sock");
        let mut process = Process::start(&mut command(&[&format!("bind={bind}"), "lives=60000"]), &at).unwrap();
        // A server that answers has its handlers of signals. One that only listens may not have them yet.
        assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
        process.signal(Signal::TERM).unwrap();
        // In this time the server ends, and the process does not.
        assert_eq!(process.ended_within(Duration::from_millis(500)).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(at.connect().is_err());
        process.signal(signal).unwrap();
        let (ended, _) = process.ended_within(Duration::from_secs(5)).unwrap();
        let by = std::os::unix::process::ExitStatusExt::signal(&ended);
        assert_eq!(by, Some(signal.as_raw()), "{ended}");
    }
}

#[test]
fn kept_connections_close_when_they_are_idle() {
    Kind::BOTH.into_iter().for_each(closes_kept_connections);
}

fn closes_kept_connections(kind: Kind) {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let options = [&*format!("bind={bind}"), "keepalive=30000"];
    let mut process = Process::start(&mut command_of(kind, &options), &at).unwrap();
    let request = [post("/read", 5), b"hello".to_vec()].concat();
    let mut kept: Vec<_> = (0..20).map(|_| at.connect().unwrap()).collect();
    for stream in &mut kept {
        for _ in 0..3 {
            stream.write_all(&request).unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n5\n") {
                let mut piece = [0; 100];
                match stream.read(&mut piece).unwrap() {
                    0 => panic!("the stream ends after {}", answer.escape_ascii()),
                    count => answer.extend_from_slice(&piece[..count]),
                }
            }
        }
    }
    process.signal(Signal::TERM).unwrap();
    // The grace period is 30 seconds, and no request needs it.
    let (_, took) = process.ended_within(Duration::from_secs(20)).unwrap();
    assert!(took < Duration::from_secs(10), "{kind:?}: {took:?}");
    for mut stream in kept {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }
}
