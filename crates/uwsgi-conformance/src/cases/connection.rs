//! Who may connect, how many may, and for whom there is a worker.

use core::net::{IpAddr, Ipv4Addr};

use crate::case::{Case, Needs, Row, SMALL, Sender, Step, Verdict};
use crate::cases::sources::{ALLOW, OVERLOAD, TIMEOUT};

pub(super) const CASES: &[Case] = &[
    Case::builder("peer-not-allowed", "a good GET from 192.0.2.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because(
            "who may connect is decided before a byte is read; with a status, the front end's log says why",
            ALLOW,
        ),
    Case::builder("peer-not-allowed-silent", "nothing, from 192.0.2.1")
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("before a byte is read", ALLOW),
    Case::builder("peer-not-allowed-http", "an HTTP request from 192.0.2.1")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("before a byte is read, so that it does not matter what it says", ALLOW),
    Case::builder("peer-empty-list", "a good GET from 127.0.0.1, the list being empty")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 1]), allow: "", ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("an empty list lets nobody in", ALLOW),
    Case::builder("peer-outside-network", "a good GET from 11.0.0.1, the list being 10.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([11, 0, 0, 1]), allow: "10.0.0.0/8", ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("11 is not 10", ALLOW),
    Case::builder("peer-in-network", "a good GET from 10.1.2.3, the list being 10.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([10, 1, 2, 3]), allow: "10.0.0.0/8", ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a network matches whom it holds", ALLOW),
    Case::builder("peer-loopback", "a good GET from 127.0.0.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 1]), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the list that a server comes with", ALLOW),
    Case::builder("peer-mapped", "a good GET from ::ffff:127.0.0.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::Address(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the IPv4 peer of a socket that is bound to both families", ALLOW),
    Case::builder("peer-other-loopback", "a good GET from 127.0.0.2")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the list has 127.0.0.1 alone", ALLOW),
    Case::builder("peer-other-loopback-silent", "nothing, from 127.0.0.2")
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("before a byte is read", ALLOW),
    Case::builder("peer-loopback-network", "a good GET from 127.0.0.2, the list being 127.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), allow: "127.0.0.0/8", ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a network matches whom it holds", ALLOW),
    Case::builder("peer-outside-loopback-network", "a good GET from 127.0.1.1, the list being 127.0.0.0/24")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 1, 1]), allow: "127.0.0.0/24", ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("a network ends where its prefix says", ALLOW),
    Case::builder("peer-star", "a good GET from 192.0.2.1, the list being *")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), allow: "*", ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("* is everybody", ALLOW),
    Case::builder("peer-unix", "a good GET over a Unix socket, the list being empty")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { allow: "", ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a Unix socket's permissions have decided already", ALLOW),
    Case::builder("peer-not-allowed-and-too-many", "a good GET from 192.0.2.1 on the 1025th connection")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), connections: 1025, ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the row above wins: who may not connect learns nothing of the load", ALLOW),
    Case::builder("too-many-connections", "a good GET on the 1025th connection of 1024")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("a front end goes to another server on 503, and waits on a full backlog", OVERLOAD),
    Case::builder("too-many-connections-silent", "nothing, on the 1025th connection of 1024")
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("at once: else it holds what there is too little of", OVERLOAD),
    Case::builder("too-many-connections-two", "a good GET on the second connection of one")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 2, most_connections: 1, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("a small limit is held as a large one", OVERLOAD),
    Case::builder("too-many-connections-http", "an HTTP request on the 1025th connection of 1024")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("the row above wins", OVERLOAD),
    Case::builder("too-many-connections-closed", "half-close at once, on the 1025th connection of 1024")
        .steps(&[Step::ShutdownWrite])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("decided before its end was seen", OVERLOAD),
    Case::builder("last-connection", "a good GET on the 1024th connection of 1024")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 1024, ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a limit is the last that passes", OVERLOAD),
    Case::builder("connect-close", "connect, close")
        .steps(&[Step::Close])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("Apache opens connections ahead and drops them", TIMEOUT),
    Case::builder("connect-half-close", "connect, half-close")
        .steps(&[Step::ShutdownWrite])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("no request was begun, so that none is answered", TIMEOUT),
    Case::builder("connect-close-late", "connect, close after 5 s")
        .steps(&[Step::Wait(5000), Step::Close])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("nor is it an error after a while", TIMEOUT),
    Case::builder("connect-reset", "connect, reset")
        .steps(&[Step::Reset])
        .verdict(Verdict::Gone, Row::ClosedBeforeFirstByte)
        .because("nobody is there to answer", TIMEOUT),
    Case::builder("no-free-worker", "a good GET; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("a front end can go elsewhere while its client still waits", OVERLOAD),
    Case::builder("no-free-worker-post", "a good POST; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("the body is dropped, so that the answer is not lost", OVERLOAD),
    Case::builder("no-free-worker-head", "HEAD; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .without_body(503, Row::NoFreeWorker)
        .because("an answer to HEAD has no body", OVERLOAD),
    Case::builder("no-free-worker-half-close", "a good GET, half-close; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL), Step::ShutdownWrite])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("who half-closes still reads", OVERLOAD),
    Case::builder("worker-after-9-seconds", "a good GET; a worker is free after 9 s")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { busy: 9000, ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("within 10 s", OVERLOAD),
    Case::builder("worker-late-for-bad-request", "datasize 0; no worker is free for 60 s")
        .steps(&[Step::raw(b"\0\0\0\0")])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(400, Row::DatasizeZero)
        .because("what is refused by its bytes needs no worker", OVERLOAD),
];
