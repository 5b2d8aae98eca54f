//! A full listen queue of the backend: the router loses requests, and nginx answers 502 at once.

use std::io;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket, socket_with};
use uwsgi_tests::http1::Answer;
use uwsgi_tests::programs::{Listen, Port, Snippet, TestDir, nginx};

use crate::application::{expect, whole};
use crate::backends::uwsgi_with;
use crate::front::{Front, Running, get};

/// The clients. nginx gets fewer, since the tests give it 512 connections.
const CLIENTS: usize = 500;
const CLIENTS_OF_NGINX: usize = 200;

/// uWSGI with a queue of one connection, and a thread that serves one request at a time.
const OPTIONS: &[&str] = &["--listen", "1", "--threads", "1"];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi_with(test_dir, "backend", &listen, OPTIONS);
    let running = front.start(test_dir, "front", &listen, &["--http-connect-timeout", "20"], &[]);
    let answers = at_once(&running, CLIENTS);
    let answered = answers.iter().filter(|answer| answer.is_ok()).count();
    expect(answered == CLIENTS, || format!("no answer for {} of {CLIENTS} clients", CLIENTS - answered))?;
    answers.into_iter().flatten().try_for_each(|answer| whole(&answer, 200))?;
    if front == Front::Gateway { refused_after_the_wait(test_dir) } else { Ok(()) }
}

/// Sends one request each from this many clients at the same time.
fn at_once(running: &Running<'_>, clients: usize) -> Vec<io::Result<Answer>> {
    let barrier = Barrier::new(clients);
    thread::scope(|scope| {
        let ask = || {
            let mut connection = running.connect();
            barrier.wait();
            connection.send(&get("/delay/1", "Connection: close\r\n"))?;
            connection.answer(false)
        };
        let threads: Vec<_> = (0..clients)
            .map(|_| thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, ask).expect("a thread"))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// A backend that accepts nothing: the client gets a 503 after the time that the option states.
fn refused_after_the_wait(test_dir: &TestDir) -> Result<(), String> {
    let path = test_dir.path("full.sock");
    let _full = full(&path).map_err(|error| error.to_string())?;
    let running = Front::Gateway.start(test_dir, "waits", &Listen::Unix(path), &["--http-connect-timeout", "1"], &[]);
    let begun = Instant::now();
    let answer = running.get("/").map_err(|error| format!("no answer: {error}"))?;
    let took = begun.elapsed();
    whole(&answer, 503)?;
    expect(answer.head.header("retry-after").is_some(), || format!("no Retry-After in {:?}", answer.head))?;
    let is_stated = (Duration::from_millis(900)..Duration::from_secs(10)).contains(&took);
    expect(is_stated, || format!("503 after {took:?} instead of a second"))?;
    running.wait_for_log("see --http-connect-timeout")
}

/// Listens at this path with a queue that is full.
fn full(path: &Path) -> io::Result<Vec<rustix::fd::OwnedFd>> {
    let address = SocketAddrUnix::new(path)?;
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    bind(&listener, &address)?;
    listen(&listener, 1)?;
    let mut held = vec![listener];
    loop {
        let client = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None)?;
        match connect(&client, &address) {
            Ok(()) => held.push(client),
            Err(rustix::io::Errno::AGAIN) => return Ok(held),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The table of the documentation says that nginx answers 502.
#[test]
fn nginx_answers_502() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi_with(&test_dir, "backend", &listen, OPTIONS);
    let port = Port::free();
    let site = format!(
        "server {{ listen {}; location / {{ include uwsgi_params; uwsgi_pass unix:{listen}; }} }}",
        port.address()
    );
    let program = nginx(&test_dir, "nginx", &Snippet::of("site", site), &[&Listen::Tcp(port.clone())]);
    let running = Running::of(program, port.address());
    let statuses: Vec<u16> =
        at_once(&running, CLIENTS_OF_NGINX).into_iter().flatten().map(|answer| answer.head.status).collect();
    assert!(statuses.contains(&502) && statuses.contains(&200), "{statuses:?}");
}
