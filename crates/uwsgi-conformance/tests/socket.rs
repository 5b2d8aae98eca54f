//! Cases over loopback: the same machines behind a socket must come out as they do in memory.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]
#![cfg(unix)]

mod served;

use core::time::Duration;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, ToSocketAddrs};
use std::thread;
use std::time::Instant;

use served::{Way, serve, with_server};
use uwsgi::client::Address;
use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{App, Bytes, Case, Finding, Needs, Plan, Sender, Split, Step, all, observe, play};

/// Cases that take no time to speak of, each for another reason.
const CASES: [&str; 15] = [
    "ok-get",
    "ok-post",
    "ok-head",
    "body-trickle",
    "body-short-close",
    "connect-half-close",
    "connect-reset",
    "datasize-0",
    "header-only-close",
    "http-text",
    "key-overrun-hidden",
    "keepalive-three-posts",
    "ping-bare",
    "pipelined",
    "vars-1001",
];

/// Answers that are cut off, which have to show. Over a Unix socket only a length can show it.
const ABORTED: [&str; 3] = ["app-short", "app-fails-halfway", "keepalive-short"];
const RESET: [&str; 2] = ["app-fails-open-ended", "app-fails-after-all"];

fn case(name: &str) -> &'static Case {
    all().find(|case| case.name == name).unwrap()
}

/// Plays a case against a server of its own.
fn played(name: &'static str, way: Way, split: Split) {
    with_server(way, case(name), |server| {
        let server = server.with_any_needs().with_every_app().with_patience(Duration::from_secs(2));
        if let Err(mismatch) = play(case(name), &server, split) {
            panic!("over {way:?}: {mismatch}");
        }
    });
}

#[test]
fn whole() {
    thread::scope(|scope| {
        for way in [Way::Tcp, Way::Unix] {
            for name in CASES.into_iter().chain(ABORTED) {
                scope.spawn(move || played(name, way, Split::Whole));
            }
        }
        for name in RESET {
            scope.spawn(move || played(name, Way::Tcp, Split::Whole));
        }
    });
}

#[test]
fn split_inside_the_header_and_inside_the_block() {
    thread::scope(|scope| {
        for (name, way) in CASES.into_iter().flat_map(|name| [(name, Way::Tcp), (name, Way::Unix)]) {
            scope.spawn(move || [2, 100].map(|place| played(name, way, Split::At(place))));
        }
    });
}

#[test]
fn byte_by_byte() {
    played("ok-post", Way::Tcp, Split::ByteByByte);
    played("ok-post", Way::Unix, Split::ByteByByte);
}

#[test]
fn a_reset_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap());
    for (name, reset) in [("body-short-abort", true), ("close-after-get", false)] {
        observe(case(name), &server, Split::Whole).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let read = stream.read_to_end(&mut Vec::new());
        assert_eq!(read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset), reset, "{name}");
    }
}

#[test]
fn a_sender_comes_from_where_the_case_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_any_needs();
    let from = |address: &str| Needs { sender: Sender::Address(address.parse().unwrap()), ..Needs::DEFAULT };
    for address in ["127.0.0.2", "127.0.0.1", "::ffff:127.0.0.3"] {
        let case = Case { needs: from(address), ..*case("connect-close") };
        observe(&case, &server, Split::Whole).unwrap();
        let peer = listener.accept().unwrap().1.ip();
        assert_eq!(peer, address.parse::<core::net::IpAddr>().unwrap().to_canonical());
    }
    let elsewhere = Case { needs: from("192.0.2.1"), ..*case("connect-close") };
    let error = observe(&elsewhere, &server, Split::Whole).unwrap_err();
    assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Unsupported, "nothing can be sent from 192.0.2.1"));
}

/// A name may have addresses at which nobody listens.
#[test]
fn a_name_is_where_it_takes_a_connection() {
    let found: Vec<_> = ("localhost", 0).to_socket_addrs().unwrap().collect();
    assert!(!found.is_empty());
    for address in found {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let name = format!("localhost:{}", listener.local_addr().unwrap().port());
        let server = Server::at(&Address::parse(&name).unwrap()).unwrap();
        observe(case("connect-close"), &server, Split::Whole).unwrap();
        listener.accept().unwrap();
    }
}

#[test]
fn what_does_not_suit_is_not_played() {
    // Nobody accepts: a connection would be made all the same.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = Server::tcp(listener.local_addr().unwrap()).with_longest(Duration::from_millis(100));
    let unix = Server::unix("/nonexistent");
    let table = [
        (&tcp, "app-short", "it needs an application that does something else"),
        (&tcp, "keepalive-two", "it needs other settings, or a server in another state"),
        (&tcp.clone().with_any_needs(), "peer-unix", "it needs a Unix socket"),
        (&unix, "peer-loopback", "it needs TCP"),
        (&unix.clone().with_every_app(), "app-fails-open-ended", "a Unix socket has no reset"),
    ];
    for (server, name, why) in table {
        let error = observe(case(name), server, Split::Whole).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Unsupported, why), "{name}");
    }
    assert!(observe(case("app-short"), &tcp.clone().with_app(App::Short(10)), Split::Whole).is_ok());
    assert!(observe(case("keepalive-two"), &tcp.with_needs(Needs::KEEPALIVE), Split::Whole).is_ok());
}

#[test]
fn what_is_wrong_is_told() {
    // Another case's server: it answers 200, and closes.
    let wrong = Case { verdict: case("datasize-0").verdict, ..*case("ok-get") };
    with_server(Way::Tcp, case("ok-get"), |server| {
        let mismatch = play(&wrong, &server, Split::Whole).unwrap_err().to_string();
        for part in ["ok-get: a good GET", "status: 400", "row Served", "answer 200", "method GET", "closed"] {
            assert!(mismatch.contains(part), "{part} is not in {mismatch}");
        }
    });
}

#[test]
fn nothing_takes_longer_than_it_should() {
    // It accepts, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_patience(Duration::from_millis(300));
    let cut = Case { needs: Needs::DEFAULT, ..*case("keepalive-second-cut") };
    // Refused by its header; the sender would go on for 100 s.
    let trickle = Case {
        steps: &[Step::Send(Bytes::Raw(b"\0\0\0\0")), Step::Trickle(1000, Bytes::Times(b"a", 100))],
        ..*case("datasize-0")
    };
    for (case, least) in [(*case("ok-get"), 300), (cut, 600), (trickle, 300)] {
        let began = Instant::now();
        let outcome = observe(&case, &server.clone().with_longest(Duration::from_millis(400)), Split::Whole).unwrap();
        let took = began.elapsed().as_millis();
        assert_eq!(outcome.in_words(&case), "hangs");
        assert!((least..5000).contains(&took), "{} took {took} ms", case.name);
    }
}

#[test]
fn a_server_that_trickles_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_patience(Duration::from_millis(500));
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            while std::io::Write::write_all(&mut stream, b"H").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let outcome = observe(case("ok-get"), &server, Split::Whole).unwrap();
        assert!((500..5000).contains(&outcome.took), "{} ms", outcome.took);
        assert!(outcome.answers.is_empty() && outcome.rest.starts_with(b"HHHH"));
    });
}

#[test]
fn one_server_serves_many() {
    // The machines over a socket, as run() meets them: a server as it comes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| serve(case("ok-get"), stream.unwrap()));
        }
    });
    // It knows no addresses.
    let quick = all().filter(|case| takes(case) < Duration::from_secs(1) && case.needs.sender == Sender::Local);
    let results = Plan::new(quick).run(&server, |_| {}).unwrap();
    assert!(results.application.reports());
    let wrong: Vec<_> = results.played.iter().filter(|played| played.finding != Finding::AsItShould).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(results.played.len() > 220 && !results.left_out.is_empty(), "{}", results.played.len());
}
