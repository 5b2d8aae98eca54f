//! Who is let in: by address, and by number.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi::server::AllowList;
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};
use uwsgi_tests::load::{At, get, post, status};

use crate::{Place, Running};

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
        let Ok(server) = Server::new(hello).unwrap().bind(listen) else { continue };
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
    let idle: Vec<_> = (0..10).map(|_| at.connect().unwrap()).collect();
    // They are counted when they are accepted.
    thread::sleep(Duration::from_millis(200));
    for _ in 0..3 {
        let mut answer = Vec::new();
        let mut refused = at.connect().unwrap();
        refused.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 503, "{}", answer.escape_ascii());
    }
    drop(idle);
    let begun = Instant::now();
    while status(&at.ask(&get("/")).unwrap()) != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody is let in any more");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Who is turned away takes nobody's place, however long it stays.
#[test]
fn those_who_are_turned_away_take_no_place() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    let _running = Running::start(Server::new(hello).unwrap().bind(&bind).unwrap().with_max_connections(10));
    let open = || (0..10).map(|_| at.connect().unwrap()).collect::<Vec<_>>();
    let idle = open();
    thread::sleep(Duration::from_millis(200));
    // Ten more, which do not close when they are told to.
    let _stay = open();
    thread::sleep(Duration::from_millis(200));
    drop(idle);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
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
        let statuses: Vec<u16> = thread::scope(|scope| {
            let clients: Vec<_> = (0..come)
                .map(|_| {
                    scope.spawn(|| {
                        let mut stream = at.connect().unwrap();
                        let _sent = stream.write_all(&post("/", 1));
                        // It is there for as long as the others come.
                        thread::sleep(Duration::from_millis(300));
                        let _sent = stream.write_all(b"x");
                        let mut answer = Vec::new();
                        let _got = stream.read_to_end(&mut answer);
                        status(&answer)
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(200), count(503)), (most, come - most), "{statuses:?}");
    }
}
