//! The machines of both sides of a connection allocate nothing, and are small while they wait.

use std::fmt::{self, Write};
use std::hint::black_box;
use std::mem::size_of;

use core::time::Duration;

use uwsgi::Address;
use uwsgi::Time;
use uwsgi::chunked::{ChunkStep, Chunked};
use uwsgi::client::{self, Exchange};
use uwsgi::framing::response_framing;
use uwsgi::response::{HeadEnd, ResponseEncoder, ResponseHead};
use uwsgi::server::{
    AllowList, BodyStep, Drain, DrainStep, Ending, HeadStep, Network, Receive, Refusal, Respond, Settings, admit,
};
use uwsgi_tests::counting::{CountingAllocator, allocations};
use uwsgi_tests::vectors;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ANSWERS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/2.0 200 OK\r\nConnection: close\r\n\r\nbody",
    b"Status: 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n4;a\r\nbody\r\n0\r\nX: 1\r\n\r\nrest",
    b"Location: /\n\n",
    b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
    b"HTTP/1.1 20\r\n\r\n",
    b"cut",
    b"",
];

#[test]
fn the_client_allocates_nothing() {
    // A check that the counter counts.
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
    for answer in ANSWERS {
        for step in [1, 7, 1000] {
            let count = allocations(|| exchange(answer, step));
            assert_eq!(count, 0, "{} by {step}", answer.escape_ascii());
        }
    }
    let addresses = ["127.0.0.1:3031", "[::1]:80", "unix:/run/app.sock", "@app", "fd:3", "app:3031", "app", "::1", ""];
    for text in addresses {
        let count = allocations(|| match Address::parse(text) {
            Ok(address) => print(address),
            Err(error) => print(error),
        });
        assert_eq!(count, 0, "{text}");
    }
}

/// A response that arrives in pieces of `step` bytes.
fn exchange(bytes: &[u8], step: usize) {
    let mut exchange = Exchange::new(false);
    let (mut from, mut got) = (0, 0);
    let decoded = loop {
        let eof = got == bytes.len();
        match exchange.head(&bytes[from..got], eof) {
            client::HeadStep::Need(_) => got = bytes.len().min(got + step),
            client::HeadStep::Head { end } => {
                see((HeadEnd::default().find(&bytes[from..]), Exchange::new(false).answer(&bytes[from..], eof)));
                let decoded = exchange.response(&bytes[from..from + end]);
                from += end;
                match decoded {
                    Ok(head) if head.is_interim() => {}
                    Ok(head) => break head,
                    Err(error) => return print(error),
                }
            }
            client::HeadStep::Fail(error) => return print(error),
        }
    };
    see((decoded.headers().count(), decoded.header("x"), response_framing(&decoded, true)));
    see(ResponseHead::decode(bytes));
    loop {
        match exchange.body(&bytes[from..got], got == bytes.len()) {
            client::BodyStep::Need(_) => got = bytes.len().min(got + step),
            client::BodyStep::Body { skip, take } => from += skip + take,
            client::BodyStep::Fail(error) => return print(error),
            _ => return see(exchange.allows_another(&bytes[from..])),
        }
    }
}

#[test]
fn the_server_allocates_nothing() {
    let captures = vectors::captures();
    assert!(captures.len() > 250, "only {} captures", captures.len());
    let mut settings = Settings::default().with_keepalive(Duration::from_secs(5)).with_body_limit(1 << 20);
    settings.chunked = true;
    let mut answered = 0;
    for capture in &captures {
        for step in [1, 1000] {
            let count = allocations(|| answered += serve(settings, &capture.bytes, step));
            assert_eq!(count, 0, "{} by {step}", capture.name);
        }
    }
    assert!(answered > 100, "only {answered} answers");

    for text in ["*", "10.0.0.0/8", "::1", "", "x"] {
        let count = allocations(|| match text.parse::<Network>() {
            Ok(network) => {
                let list = AllowList::new([network, Network::EVERY_ADDRESS]);
                see((admit(&list, "10.0.0.1".parse().ok(), 1, 2), list.allows("::1".parse().unwrap())));
            }
            Err(error) => print(error),
        });
        assert_eq!(count, 0, "{text:?}");
    }
}

/// Serves a connection on which these bytes arrive, `step` at a time; returns how many responses were written.
fn serve(settings: Settings, bytes: &[u8], step: usize) -> usize {
    let now = Time::from_millis(1);
    let mut receive = Receive::new(settings, now);
    let (mut from, mut got, mut answers) = (0, 0, 0);
    let mut buffer = [0; 256];
    loop {
        see(receive.deadline());
        match receive.head(&bytes[from..got], got == bytes.len(), now) {
            HeadStep::Need(_) => {
                got = bytes.len().min(got + step);
                continue;
            }
            HeadStep::Head { end } => {
                let request = receive.request(&bytes[from..from + end]);
                from += end;
                if let Err(refusal) = request {
                    refuse(refusal);
                    return answers;
                }
            }
            HeadStep::Refuse(refusal) => {
                refuse(refusal);
                return answers;
            }
            _ => return answers,
        }
        let mut respond = Respond::queued(&receive, now);
        respond.started();
        let mut body = 0;
        loop {
            match receive.body(&bytes[from..got], got == bytes.len(), now) {
                BodyStep::Need(_) => got = bytes.len().min(got + step),
                BodyStep::Body { skip, take } => (from, body) = (from + skip + take, body + take),
                BodyStep::Fail(refusal) => {
                    refuse(refusal);
                    see(respond.failed(Some(refusal)));
                    return answers;
                }
                _ => break,
            }
        }
        let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK").unwrap();
        head.push("Content-Type", "text/plain").unwrap();
        see((head.push("Connection", "close"), head.push("X", "a\nb")));
        head.push_length(body as u64).unwrap();
        let head = head.finish().unwrap();
        respond.head(&head);
        see((respond.body(body), respond.body(1), respond.finished(), respond.deadline(), respond.time(now)));
        respond.blocked(now);
        respond.wrote(1);
        see(head.as_bytes());
        answers += 1;
        match Ending::of(receive, &respond, now) {
            Ending::Next(next) => receive = next,
            Ending::HalfClose(mut drain) => {
                see(drain.step(1, false, now) == DrainStep::Close);
                return answers;
            }
            _ => return answers,
        }
    }
}

fn refuse(refusal: Refusal) {
    see((refusal.status(), refusal.response(true), refusal.response(false)));
    print(refusal);
}

#[test]
fn chunked_bodies_allocate_nothing() {
    let count = allocations(|| {
        let (mut chunked, mut rest) = (Chunked::default(), &b"5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n"[..]);
        while let Ok(ChunkStep::Data { skip, take }) = chunked.step(rest) {
            rest = &rest[skip + take..];
        }
        assert!(chunked.is_ended());
        see((Chunked::default().step(b"x"), Chunked::default().step(b"5\n")));
    });
    assert_eq!(count, 0);
}

/// A server keeps only this for each idle connection, and no buffer.
#[test]
fn machines_are_small() {
    assert!(size_of::<Receive>() <= 256, "{}", size_of::<Receive>());
    assert!(size_of::<Respond>() <= 256, "{}", size_of::<Respond>());
    assert!(size_of::<Exchange>() <= 256, "{}", size_of::<Exchange>());
    assert!(size_of::<Ending>() <= 264, "{}", size_of::<Ending>());
    assert!(size_of::<Drain>() <= 16, "{}", size_of::<Drain>());
    assert!(size_of::<Chunked>() <= 16, "{}", size_of::<Chunked>());
    assert!(size_of::<HeadEnd>() <= size_of::<usize>());
    assert!(size_of::<Refusal>() <= 32, "{}", size_of::<Refusal>());
}

/// Makes sure that a value is computed.
fn see<T>(value: T) {
    black_box(&value);
}

/// Formats a value without storing it.
fn print(value: impl fmt::Display) {
    struct Nowhere;
    impl Write for Nowhere {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            see(text);
            Ok(())
        }
    }
    write!(Nowhere, "{value}").unwrap();
}
