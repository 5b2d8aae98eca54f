//! Which connections are served: by the address of the peer, and by the limit on connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi::server::{AllowList, Settings};
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{ServerAddress, get, post, status};

use crate::{Running, TestDir, wait_until};

fn hello(_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    std::io::copy(body, &mut std::io::sink())?;
    Ok(answer.whole(Head::new(200), b"hello\n")?)
}

#[test]
fn a_peer_that_is_not_allowed_is_refused_before_a_byte_is_read() {
    let test_dir = TestDir::new();
    let (unix, bind) = test_dir.socket("a.sock");
    for (listen, list, expected) in [
        ("127.0.0.1:0", "192.0.2.1", 403),
        ("127.0.0.1:0", "", 403),
        ("127.0.0.1:0", "::1", 403),
        ("127.0.0.1:0", "127.0.0.0/8", 200),
        ("127.0.0.1:0", "*", 200),
        // The server sees an IPv4-mapped IPv6 address.
        ("[::]:0", "192.0.2.0/24,::1", 403),
        ("[::]:0", "127.0.0.1", 200),
    ] {
        let allow = AllowList::parse(list).unwrap();
        // Some machines have no IPv6.
        if listen.starts_with('[') && TcpListener::bind(listen).is_err() {
            continue;
        }
        let server = Server::new(hello).unwrap().bind(listen).unwrap();
        let server = server.bind(&bind).unwrap().with_allow_list(allow);
        let at = ServerAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, server.local_addr().unwrap().port())));
        let _running = Running::start(server);
        let mut stream = at.connect().unwrap();
        let mut answer = Vec::new();
        if expected == 403 {
            // The refusal comes before the client has sent a byte.
            let mut head = [0; 22];
            stream.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 403 Forbidden");
            stream.write_all(&get("/")).unwrap();
        } else {
            stream.write_all(&get("/")).unwrap();
            stream.read_to_end(&mut answer).unwrap();
            assert_eq!(status(&answer), 200, "{listen} {list}");
        }
        // The list does not apply to a Unix socket.
        assert_eq!(status(&unix.ask(&get("/")).unwrap()), 200);
    }
}

#[test]
fn connections_over_the_limit_are_refused_until_others_close() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let _running = Running::start(Server::new(hello).unwrap().bind(&bind).unwrap().with_max_connections(10));
    // The server accepts and counts connections in the order in which they came.
    let idle: Vec<_> = (0..10).map(|_| at.connect().unwrap()).collect();
    for _ in 0..3 {
        let mut answer = Vec::new();
        let mut refused = at.connect().unwrap();
        refused.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503, "{}", answer.escape_ascii());
    }
    drop(idle);
    wait_until_served(&at);
}

/// Asks until the server has room for one more connection.
fn wait_until_served(at: &ServerAddress) {
    wait_until("a request is served again", || status(&at.ask(&get("/")).unwrap()) == 200);
}

/// A refused connection does not count for the limit, also if its peer does not close it.
#[test]
fn refused_connections_do_not_count() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    // Longer than this test waits, so that the refused connections stay open.
    let mut settings = Settings::default();
    settings.drain_time = Duration::from_secs(60);
    let server = Server::new(hello).unwrap().bind(&bind).unwrap();
    let _running = Running::start(server.with_max_connections(10).with_settings(settings));
    let open = || (0..10).map(|_| at.connect().unwrap()).collect::<Vec<_>>();
    let idle = open();
    // The peers of ten more do not close after the refusal.
    let mut stay = open();
    for stream in &mut stay {
        let mut head = [0; 32];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 503 Service Unavailable");
    }
    drop(idle);
    wait_until_served(&at);
}

/// Also the connections that the server does not wait for get the refusal, and the bytes that they have sent do not destroy it.
#[test]
fn connections_are_refused_though_many_are_refused_at_once() {
    let server = Server::new(hello).unwrap().bind("127.0.0.1:0").unwrap().with_max_connections(0);
    let at = ServerAddress::Tcp(server.local_addr().unwrap());
    // All connect before the server accepts the first, and no peer closes first.
    let mut waiting: Vec<_> = (0..100).map(|_| at.connect().unwrap()).collect();
    for stream in &mut waiting {
        stream.write_all(&get("/")).unwrap();
    }
    let _running = Running::start(server);
    for stream in &mut waiting {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503);
    }
}

/// As many connections as allowed are served, though more come at the same time.
#[test]
fn as_many_connections_as_allowed_are_served() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let (limit, clients) = (20, 40);
    for _ in 0..3 {
        let server = Server::new(hello).unwrap().bind(&bind).unwrap().with_max_connections(limit).with_workers(limit);
        let _running = Running::start(server);
        let (all_start, all_refused) = (Barrier::new(clients), Barrier::new(clients + 1));
        let (statuses, received) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..clients {
                let (statuses, all_start, all_refused, at) = (statuses.clone(), &all_start, &all_refused, &at);
                scope.spawn(move || {
                    all_start.wait();
                    let mut stream = at.connect().unwrap();
                    let _sent = stream.write_all(&post("/", 1));
                    let mut reader = stream.try_clone().unwrap();
                    // The body of a request that is served is not whole until the others are refused.
                    scope.spawn(move || {
                        let mut answer = Vec::new();
                        let _got = reader.read_to_end(&mut answer);
                        statuses.send(status(&answer)).unwrap();
                    });
                    all_refused.wait();
                    let _sent = stream.write_all(b"x");
                });
            }
            // 0 stands for an answer that does not come.
            let next = |count: usize| -> Vec<_> {
                let until = Instant::now() + Duration::from_secs(20);
                let left = || until.saturating_duration_since(Instant::now());
                (0..count).map(|_| received.recv_timeout(left()).unwrap_or(0)).collect()
            };
            let first = next(clients - limit);
            all_refused.wait();
            assert_eq!((first, next(limit)), (vec![503; clients - limit], vec![200; limit]));
        });
    }
}
