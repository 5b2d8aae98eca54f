//! Cases over sockets on loopback: the state machines must do the same there as in memory.

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
use uwsgi::Address;
use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{App, Bytes, Case, Finding, Needs, Plan, Sender, Split, Step, all, observe, play};

/// Cases that take little time, each with another reason for its verdict.
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

/// Cases whose answer is cut off. Over a Unix socket only a length shows that, and these have one.
const ABORTED: [&str; 3] = ["app-short", "app-fails-halfway", "keepalive-short"];
/// Cases whose answer is cut off by a reset alone.
const RESET: [&str; 2] = ["app-fails-open-ended", "app-fails-after-all"];

fn case(name: &str) -> &'static Case {
    all().find(|case| case.name == name).unwrap()
}

/// Plays a case against a new server.
fn play_alone(name: &'static str, way: Way, split: Split) {
    with_server(way, case(name), |server| {
        let server = server.with_any_needs().with_every_app().with_patience(Duration::from_secs(2));
        if let Err(mismatch) = play(case(name), &server, split) {
            panic!("over {way:?}: {mismatch}");
        }
    });
}

#[test]
fn cases_have_the_same_outcome_whole() {
    thread::scope(|scope| {
        for way in [Way::Tcp, Way::Unix] {
            for name in CASES.into_iter().chain(ABORTED) {
                scope.spawn(move || play_alone(name, way, Split::Whole));
            }
        }
        for name in RESET {
            scope.spawn(move || play_alone(name, Way::Tcp, Split::Whole));
        }
    });
}

#[test]
fn cases_have_the_same_outcome_split_inside_the_header_or_block() {
    thread::scope(|scope| {
        for (name, way) in CASES.into_iter().flat_map(|name| [(name, Way::Tcp), (name, Way::Unix)]) {
            scope.spawn(move || [2, 100].map(|place| play_alone(name, way, Split::At(place))));
        }
    });
}

#[test]
fn a_case_has_the_same_outcome_byte_by_byte() {
    play_alone("ok-post", Way::Tcp, Split::ByteByByte);
    play_alone("ok-post", Way::Unix, Split::ByteByByte);
}

#[test]
fn the_sender_resets_only_where_the_case_says_so() {
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
fn the_sender_connects_from_the_address_of_the_case() {
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

/// A name may have addresses on which no server listens.
#[test]
fn the_first_address_that_takes_a_connection_counts() {
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
fn a_case_that_needs_another_server_is_not_played() {
    // It never accepts, but the kernel would still take a connection.
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
fn a_mismatch_says_what_was_expected_and_what_came() {
    // The server answers 200 and closes; the verdict wants 400.
    let wrong = Case { verdict: case("datasize-0").verdict, ..*case("ok-get") };
    with_server(Way::Tcp, case("ok-get"), |server| {
        let mismatch = play(&wrong, &server, Split::Whole).unwrap_err().to_string();
        for part in ["ok-get: a good GET", "status: 400", "row Served", "answer 200", "method GET", "closed"] {
            assert!(mismatch.contains(part), "{part} is not in {mismatch}");
        }
    });
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    // The kernel takes the connections, and nothing answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_patience(Duration::from_millis(300));
    let cut = Case { needs: Needs::DEFAULT, ..*case("keepalive-second-cut") };
    // A server refuses it by its header; else the sender goes on for 100 s.
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
fn a_server_that_trickles_its_answer_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_patience(Duration::from_millis(500));
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            while std::io::Write::write_all(&mut stream, b"H").is_ok() {
                // So that the answer trickles.
                thread::sleep(Duration::from_millis(20));
            }
        });
        let outcome = observe(case("ok-get"), &server, Split::Whole).unwrap();
        assert!((500..5000).contains(&outcome.took), "{} ms", outcome.took);
        assert!(outcome.answers.is_empty() && outcome.rest.starts_with(b"HHHH"));
    });
}

#[test]
fn one_server_is_played_all_quick_cases() {
    // The state machines over a socket, with the default settings that run() expects.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| serve(case("ok-get"), stream.unwrap()));
        }
    });
    // The server does not know the address of its peer.
    let quick = all().filter(|case| takes(case) < Duration::from_secs(1) && case.needs.sender == Sender::Local);
    let results = Plan::new(quick).run(&server, |_| {}).unwrap();
    assert!(results.application.reports());
    let wrong: Vec<_> = results.played.iter().filter(|played| played.finding != Finding::AsItShould).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(results.played.len() > 220 && !results.left_out.is_empty(), "{}", results.played.len());
}
