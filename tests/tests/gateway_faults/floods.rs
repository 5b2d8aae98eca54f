//! Many clients that are idle, slow, silent or gone: the next client is served.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use uwsgi_tests::backend::{Mode, ScriptedBackend, Then};
use uwsgi_tests::load::{GatewayProcess, status};

use crate::{AtRest, TIMEOUT, check_healthy, get, post, start, wait_until, wait_until_at_rest};

/// Opens this many connections, and sends these bytes on each.
fn open(gateway: &GatewayProcess, count: usize, sent: &[u8]) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(sent).unwrap();
        stream
    };
    (0..count).map(open).collect()
}

/// 100 of 300 connections are served, and 64 more are accepted to be refused. The others wait in the queue of the kernel, and are
/// refused later. Every client gets an answer.
#[test]
fn connections_over_the_limit_are_refused_or_wait() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["max=100", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let mut served = open(&gateway, 100, b"");
    // The gateway has these before the others come.
    wait_until("100 are accepted", || gateway.process.descriptors().unwrap() >= at_rest.descriptors + 100);
    wait_until_at_rest(&gateway.process);
    let mut others = open(&gateway, 200, b"");
    wait_until("64 more are accepted", || gateway.process.descriptors().unwrap() >= at_rest.descriptors + 164);
    wait_until_at_rest(&gateway.process);
    // Each thread holds one more connection, for which there is no place yet.
    let accepted = gateway.process.descriptors().unwrap() - at_rest.descriptors;
    assert!(accepted <= 100 + 64 + 2, "{accepted} are accepted");
    let request = b"GET /hello HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n";
    for stream in &mut others {
        stream.write_all(request).unwrap();
    }
    for mut stream in others {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503, "{}", answer.escape_ascii());
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(text.contains("\r\nretry-after: "), "{text}");
    }
    for stream in &mut served {
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200, "{}", answer.escape_ascii());
    }
    drop(served);
    at_rest.wait_until_again(&gateway.process);
    check_healthy(&mut gateway.connect().unwrap(), "too many connections");
}

/// Clients that were refused and send nothing do not hold their places for as long as a connection may be idle.
#[test]
fn refused_connections_that_are_idle_end_soon() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["max=1", "keepalive=60000", "headers=1000", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let served = open(&gateway, 1, b"");
    wait_until("it is accepted", || gateway.process.descriptors().unwrap() > at_rest.descriptors);
    let begun = Instant::now();
    for mut stream in open(&gateway, 100, b"") {
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    drop(served);
    at_rest.wait_until_again(&gateway.process);
    check_healthy(&mut gateway.connect().unwrap(), "idle connections that were refused");
}

/// Heads that never end, or come at a byte in 100 ms, are closed without an answer when a head has taken too long.
#[test]
fn slow_heads_end_and_the_next_client_is_served() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["max=1000", "headers=1000", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let begun = Instant::now();
    let mut silent = open(&gateway, 150, b"GET / HTTP/1.1\r\nHost: app.ex");
    let mut slow = open(&gateway, 150, b"G");
    check_healthy(&mut gateway.connect().unwrap(), "slow heads began");
    for byte in b"ET / HTTP/1.1\r\nX-Long: xxxxxxxxxx" {
        // The clients are slow.
        thread::sleep(Duration::from_millis(100));
        // A closed connection takes no byte.
        let sent = slow.iter_mut().filter_map(|stream| stream.write_all(&[*byte]).ok()).count();
        if sent == 0 || begun.elapsed() > Duration::from_millis(1500) {
            break;
        }
    }
    for stream in &mut silent {
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
    for stream in &mut slow {
        let mut answer = Vec::new();
        // What was sent after the close makes a reset.
        let _ended = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{}", answer.escape_ascii());
    }
    let took = begun.elapsed();
    assert!((Duration::from_millis(950)..Duration::from_secs(10)).contains(&took), "{took:?}");
    check_healthy(&mut gateway.connect().unwrap(), "slow heads");
    assert_eq!(backend.requests(), 2);
    drop((silent, slow));
    at_rest.wait_until_again(&gateway.process);
}

/// Clients that read nothing of a large answer hold neither the backend nor the gateway for long.
#[test]
fn clients_that_read_nothing_are_closed() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["send=1500", "timeout=20000", "memory=4194304", "temp=16777216", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let mut clients = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(gateway.address()).unwrap();
        set_socket_recv_buffer_size(&stream, 4096).unwrap();
        stream.write_all(&get("/bytes/20000000")).unwrap();
        clients.push(stream);
    }
    wait_until("all requests have reached the backend", || backend.requests() == 32);
    check_healthy(&mut gateway.connect().unwrap(), "clients that read nothing began");
    wait_until("the gateway gives up", || backend.open() == 0);
    assert!(backend.written() < 32 * 20_000_000, "everything was buffered");
    for mut stream in clients {
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    check_healthy(&mut gateway.connect().unwrap(), "clients that read nothing");
    let resident = gateway.process.resident().unwrap();
    println!("{} KiB", resident / 1024);
    assert!(resident < 80 << 20, "{resident}");
    at_rest.wait_until_again(&gateway.process);
}

/// Clients that reset in their body never reach the backend, and leave nothing.
#[test]
fn clients_that_reset_in_a_body_leave_nothing() {
    let backend = ScriptedBackend::start();
    let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
    let temp_dir = format!("temp_dir={}", directory.path().display());
    let gateway = start(&backend, &[&*temp_dir, "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let sent = [post("/read", 1_000_000), vec![b'x'; 200_000]].concat();
    let clients = open(&gateway, 32, &sent);
    let files = || gateway.process.nameless_files(directory.path()).unwrap();
    wait_until("each body is in a file", || files() == 32);
    for stream in clients {
        set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    }
    wait_until("the files are gone", || files() == 0);
    check_healthy(&mut gateway.connect().unwrap(), "resets in a body");
    assert_eq!(backend.requests(), 1);
    at_rest.wait_until_again(&gateway.process);
}

/// Bodies that stop half-way have 408, and never reach the backend.
#[test]
fn bodies_that_stop_have_an_answer() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["body=1000", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let sent = [post("/read", 50_000), vec![b'x'; 20_000]].concat();
    let clients = open(&gateway, 150, &sent);
    check_healthy(&mut gateway.connect().unwrap(), "bodies that stop began");
    for mut stream in clients {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 408, "{}", answer.escape_ascii());
    }
    check_healthy(&mut gateway.connect().unwrap(), "bodies that stop");
    assert_eq!(backend.requests(), 2);
    at_rest.wait_until_again(&gateway.process);
}

/// When a client leaves, its backend is free at once, and not only after the timeout. Half of the clients reset, half close.
#[test]
fn the_backend_is_free_when_its_client_leaves() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["timeout=600000", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    for (name, mode) in [
        ("before a head", Mode::nothing(Then::Hang)),
        ("in a head", Mode::send(&b"HTTP/1.1 200 OK\r\nConte"[..], Then::Hang)),
        ("in a body", Mode::send(&b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart"[..], Then::Hang)),
    ] {
        backend.set(mode);
        let before = backend.requests();
        let clients = open(&gateway, 32, &get("/hello"));
        wait_until("all requests have reached the backend", || backend.requests() == before + 32);
        for (index, stream) in clients.into_iter().enumerate() {
            if index % 2 == 0 {
                set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }
        }
        wait_until(name, || backend.open() == 0);
    }
    backend.set(Mode::Healthy);
    check_healthy(&mut gateway.connect().unwrap(), "clients that left");
    at_rest.wait_until_again(&gateway.process);
}
