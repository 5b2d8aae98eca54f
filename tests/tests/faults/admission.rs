//! Who is let in: by address, and by number.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi::server::{AllowList, Settings};
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{At, get, post, status};

use crate::{Place, Running, wait_until};

fn hello(_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    std::io::copy(body, &mut std::io::sink())?;
    Ok(answer.whole(Head::new(200), b"hello\n")?)
}

#[test]
fn a_peer_that_is_not_allowed_is_refused_before_a_byte_is_read() {
    let place = Place::new();
    let (unix, bind) = place.socket("a.sock");
    for (listen, list, expected) in [
        ("127.0.0.1:0", "192.0.2.1", 403),
        ("127.0.0.1:0", "", 403),
        ("127.0.0.1:0", "::1", 403),
        ("127.0.0.1:0", "127.0.0.0/8", 200),
        ("127.0.0.1:0", "*", 200),
        // IPv4 in the clothes of IPv6.
        ("[::]:0", "192.0.2.0/24,::1", 403),
        ("[::]:0", "127.0.0.1", 200),
    ] {
        let allow = AllowList::parse(list.into()).unwrap();
        // Not every machine has IPv6.
        if listen.starts_with('[') && TcpListener::bind(listen).is_err() {
            continue;
        }
        let server = Server::new(hello).unwrap().bind(listen).unwrap();
        let server = server.bind(&bind).unwrap().with_allow(allow);
        let at = At::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, server.local().unwrap().port())));
        let _running = Running::start(server);
        let mut stream = at.connect().unwrap();
        let mut answer = Vec::new();
        if expected == 403 {
            // Not a byte is sent.
            let mut head = [0; 22];
            stream.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 403 Forbidden");
            stream.write_all(&get("/")).unwrap();
        } else {
            stream.write_all(&get("/")).unwrap();
            stream.read_to_end(&mut answer).unwrap();
            assert_eq!(status(&answer), 200, "{listen} {list}");
        }
        // A Unix socket has decided already.
        assert_eq!(status(&unix.ask(&get("/")).unwrap()), 200);
    }
}

#[test]
fn more_connections_than_allowed_are_told_so_and_let_in_later() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    let _running = Running::start(Server::new(hello).unwrap().bind(&bind).unwrap().with_max_connections(10));
    // They are accepted, and counted, in the order in which they came.
    let idle: Vec<_> = (0..10).map(|_| at.connect().unwrap()).collect();
    for _ in 0..3 {
        let mut answer = Vec::new();
        let mut refused = at.connect().unwrap();
        refused.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503, "{}", answer.escape_ascii());
    }
    drop(idle);
    until_let_in(&at);
}

/// Asks until the server has room for one more connection.
fn until_let_in(at: &At) {
    wait_until("a request is served again", || status(&at.ask(&get("/")).unwrap()) == 200);
}

/// Who is turned away takes nobody's place, however long it stays.
#[test]
fn those_who_are_turned_away_take_no_place() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    // Longer than is waited for below, so that those who are turned away are there for all of it.
    let mut settings = Settings::default();
    settings.drain_time = Duration::from_secs(60);
    let server = Server::new(hello).unwrap().bind(&bind).unwrap();
    let _running = Running::start(server.with_max_connections(10).with_settings(settings));
    let open = || (0..10).map(|_| at.connect().unwrap()).collect::<Vec<_>>();
    let idle = open();
    // Ten more, which do not close when they are told to.
    let mut stay = open();
    for stream in &mut stay {
        let mut head = [0; 32];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 503 Service Unavailable");
    }
    drop(idle);
    until_let_in(&at);
}

/// Those who cannot be told with care are told all the same, and what they have sent costs nobody the answer.
#[test]
fn who_comes_when_many_are_turned_away_is_told_so() {
    let server = Server::new(hello).unwrap().bind("127.0.0.1:0").unwrap().with_max_connections(0);
    let at = At::Tcp(server.local().unwrap());
    // All wait before any is accepted, and none closes by itself.
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

/// As many as are allowed are served, though more come at the same time.
#[test]
fn as_many_as_are_allowed_are_served() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    let (most, come) = (20, 40);
    for _ in 0..3 {
        let server = Server::new(hello).unwrap().bind(&bind).unwrap().with_max_connections(most).with_workers(most);
        let _running = Running::start(server);
        let (all, turned_away) = (Barrier::new(come), Barrier::new(come + 1));
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..come {
                let (tell, all, turned_away, at) = (tell.clone(), &all, &turned_away, &at);
                scope.spawn(move || {
                    all.wait();
                    let mut stream = at.connect().unwrap();
                    let _sent = stream.write_all(&post("/", 1));
                    let mut takes = stream.try_clone().unwrap();
                    // Whoever was let in is there until the others have been turned away.
                    scope.spawn(move || {
                        let mut answer = Vec::new();
                        let _got = takes.read_to_end(&mut answer);
                        tell.send(status(&answer)).unwrap();
                    });
                    turned_away.wait();
                    let _sent = stream.write_all(b"x");
                });
            }
            // 0 stands for one that does not come.
            let next = |count: usize| -> Vec<_> {
                let until = Instant::now() + Duration::from_secs(20);
                let left = || until.saturating_duration_since(Instant::now());
                (0..count).map(|_| told.recv_timeout(left()).unwrap_or(0)).collect()
            };
            let first = next(come - most);
            turned_away.wait();
            assert_eq!((first, next(most)), (vec![503; come - most], vec![200; most]));
        });
    }
}
