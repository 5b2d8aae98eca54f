//! Peers that may connect, the limit on connections, and waiting for a worker.

use core::net::{IpAddr, Ipv4Addr};

use crate::case::{Case, Needs, Row, SMALL, Sender, Step, Verdict};
use crate::cases::sources::{ALLOW, OVERLOAD, TIMEOUT};

pub(super) const CASES: &[Case] = &[
    Case::builder("peer-not-allowed", "a good GET from 192.0.2.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the server decides before it reads a byte; its status tells the log of the front end why", ALLOW),
    Case::builder("peer-not-allowed-silent", "nothing, from 192.0.2.1")
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the server decides before it reads a byte", ALLOW),
    Case::builder("peer-not-allowed-http", "an HTTP request from 192.0.2.1")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the server decides before it reads a byte, whatever the bytes are", ALLOW),
    Case::builder("peer-empty-list", "a good GET from 127.0.0.1, the list being empty")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 1]), allow: Some(""), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("an empty list allows no peer", ALLOW),
    Case::builder("peer-outside-network", "a good GET from 11.0.0.1, the list being 10.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([11, 0, 0, 1]), allow: Some("10.0.0.0/8"), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("11.0.0.1 is not in 10.0.0.0/8", ALLOW),
    Case::builder("peer-in-network", "a good GET from 10.1.2.3, the list being 10.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([10, 1, 2, 3]), allow: Some("10.0.0.0/8"), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the address is in the network", ALLOW),
    Case::builder("peer-loopback", "a good GET from 127.0.0.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 1]), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the default list has 127.0.0.1", ALLOW),
    Case::builder("peer-mapped", "a good GET from ::ffff:127.0.0.1")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::Address(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a socket that is bound to both families sees an IPv4 peer like this", ALLOW),
    Case::builder("peer-other-loopback", "a good GET from 127.0.0.2")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the list has only 127.0.0.1", ALLOW),
    Case::builder("peer-other-loopback-silent", "nothing, from 127.0.0.2")
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the server decides before it reads a byte", ALLOW),
    Case::builder("peer-loopback-network", "a good GET from 127.0.0.2, the list being 127.0.0.0/8")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 0, 2]), allow: Some("127.0.0.0/8"), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the address is in the network", ALLOW),
    Case::builder("peer-outside-loopback-network", "a good GET from 127.0.1.1, the list being 127.0.0.0/24")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([127, 0, 1, 1]), allow: Some("127.0.0.0/24"), ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("127.0.1.1 is not in 127.0.0.0/24", ALLOW),
    Case::builder("peer-star", "a good GET from 192.0.2.1, the list being *")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), allow: Some("*"), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("* allows every peer", ALLOW),
    Case::builder("peer-unix", "a good GET over a Unix socket, the list being empty")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { allow: Some(""), ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("the permissions of the Unix socket have decided already", ALLOW),
    Case::builder("peer-not-allowed-and-too-many", "a good GET from 192.0.2.1 on the 1025th connection")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { sender: Sender::ipv4([192, 0, 2, 1]), connections: 1025, ..Needs::DEFAULT })
        .refused(403, Row::PeerNotAllowed)
        .because("the first row that applies wins: a peer that may not connect learns nothing about the load", ALLOW),
    Case::builder("too-many-connections", "a good GET on the 1025th connection of 1024")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("on a 503 a front end tries another server; on a full backlog it waits", OVERLOAD),
    Case::builder("too-many-connections-silent", "nothing, on the 1025th connection of 1024")
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("the server answers at once: a silent connection must not hold a scarce slot", OVERLOAD),
    Case::builder("too-many-connections-two", "a good GET on the second connection of one")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 2, most_connections: 1, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("a small limit works like a large one", OVERLOAD),
    Case::builder("too-many-connections-http", "an HTTP request on the 1025th connection of 1024")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("the first row that applies wins", OVERLOAD),
    Case::builder("too-many-connections-closed", "half-close at once, on the 1025th connection of 1024")
        .steps(&[Step::ShutdownWrite])
        .needs(Needs { connections: 1025, ..Needs::DEFAULT })
        .refused(503, Row::TooManyConnections)
        .because("the server decides before it sees the end of the stream", OVERLOAD),
    Case::builder("last-connection", "a good GET on the 1024th connection of 1024")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { connections: 1024, ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("a value at the limit is allowed", OVERLOAD),
    Case::builder("connect-close", "connect, close")
        .steps(&[Step::Close])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("Apache opens spare connections and drops them", TIMEOUT),
    Case::builder("connect-half-close", "connect, half-close")
        .steps(&[Step::ShutdownWrite])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("no request has begun, so that there is nothing to answer", TIMEOUT),
    Case::builder("connect-close-late", "connect, close after 5 s")
        .steps(&[Step::Wait(5000), Step::Close])
        .verdict(Verdict::Close, Row::ClosedBeforeFirstByte)
        .because("a later close is no error either", TIMEOUT),
    Case::builder("connect-reset", "connect, reset")
        .steps(&[Step::Reset])
        .verdict(Verdict::Gone, Row::ClosedBeforeFirstByte)
        .because("the peer has gone, so that no answer can reach it", TIMEOUT),
    Case::builder("no-free-worker", "a good GET; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("the front end can try another server while its client still waits", OVERLOAD),
    Case::builder("no-free-worker-post", "a good POST; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("the server drops the body, so that no reset destroys the answer", OVERLOAD),
    Case::builder("no-free-worker-head", "HEAD; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]))])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .without_body(503, Row::NoFreeWorker)
        .because("an answer to HEAD has no body", OVERLOAD),
    Case::builder("no-free-worker-half-close", "a good GET, half-close; no worker is free for 60 s")
        .steps(&[Step::packet(SMALL), Step::ShutdownWrite])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(503, Row::NoFreeWorker)
        .because("a peer that half-closes still reads", OVERLOAD),
    Case::builder("worker-after-9-seconds", "a good GET; a worker is free after 9 s")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { busy: 9000, ..Needs::DEFAULT })
        .served(&["path /m"], Row::Served)
        .because("9 s are within the 10 s that a request waits for a worker", OVERLOAD),
    Case::builder("worker-late-for-bad-request", "datasize 0; no worker is free for 60 s")
        .steps(&[Step::raw(b"\0\0\0\0")])
        .needs(Needs { busy: 60000, ..Needs::DEFAULT })
        .refused(400, Row::DatasizeZero)
        .because("a refusal needs no worker", OVERLOAD),
];
