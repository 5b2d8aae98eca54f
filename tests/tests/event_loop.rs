//! The example `event_loop` of the core as it is. The test `sockets` plays the conformance cases against its parts.
#![cfg(unix)]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use uwsgi::Modifier1;
use uwsgi::client::RequestBuilder;
use uwsgi_io::Client;
use uwsgi_tests::ours::Example;

fn client(server: &Example) -> Client {
    Client::new(&server.address.to_string()).unwrap().with_read_timeout(Duration::from_secs(20))
}

fn packet(request: &RequestBuilder<'_>, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut vars = request.encode(&mut buffer).unwrap();
    headers.iter().for_each(|(name, value)| vars.push_header(*name, *value).unwrap());
    vars.finish(Modifier1::WSGI, 0).unwrap();
    buffer
}

fn post(length: u64) -> Vec<u8> {
    packet(&RequestBuilder::new("POST", "/").with_content_length(length), &[])
}

#[test]
fn greets_on_a_kept_connection() {
    let server = Example::start().unwrap();
    let mut client = client(&server).with_keepalive(true);
    for path in ["/a%20b", "/c?d"] {
        let packet = packet(&RequestBuilder::new("GET", path), &[]);
        let mut response = client.request(&packet, io::empty()).unwrap();
        assert_eq!(response.head().header("Connection"), Some(&b"keep-alive"[..]));
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("hello from {path}\n"));
    }
    assert_eq!(client.ping().unwrap().warning, b"");
    server.stop().unwrap();
    server.join().unwrap();
}

/// A body comes back while it is sent. It is longer than what the buffers of the connection and of the server hold.
#[test]
fn sends_a_body_back_while_it_comes() {
    let server = Example::start().unwrap();
    let body: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(20 << 20).collect();
    let mut client = client(&server);
    let mut response = client.request(&post(20 << 20), &body[..]).unwrap();
    let mut back = Vec::new();
    response.read_to_end(&mut back).unwrap();
    assert!(back == body);
    server.stop().unwrap();
    drop(response);
    server.join().unwrap();
}

/// A peer that reads nothing is soon given nothing, and the server reads no more from it. Another peer is served meanwhile.
#[test]
fn a_peer_that_reads_nothing_is_held_back() {
    let server = Example::start().unwrap();
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(&post(1 << 30)).unwrap();
    slow.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut sent = 0_u64;
    let piece = vec![b'x'; 1 << 16];
    while let Ok(count) = slow.write(&piece) {
        sent += count as u64;
        // The kernel holds some megabytes for each direction of each end.
        assert!(sent < 200 << 20, "the server reads on");
    }
    let packet = packet(&RequestBuilder::new("GET", "/"), &[]);
    assert_eq!(client(&server).request(&packet, io::empty()).unwrap().status(), 200);
    // Once the peer reads, the answer goes on, with all bytes.
    let mut got = 0_u64;
    let mut buffer = vec![0; 1 << 16];
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    while got < sent {
        let count = slow.read(&mut buffer).unwrap();
        assert!(count > 0, "{got} of {sent} bytes came back");
        got += count as u64;
    }
}

#[test]
fn an_upgrade_makes_a_pipe() {
    let server = Example::start().unwrap();
    let packet = packet(&RequestBuilder::new("GET", "/"), &[("Connection", "upgrade"), ("Upgrade", "lines")]);
    let mut client = client(&server);
    let response = client.request(&packet, io::empty()).unwrap();
    assert_eq!(response.status(), 101);
    let mut pipe = response.into_pipe();
    for line in ["hello\n", "again\n"] {
        pipe.write_all(line.as_bytes()).unwrap();
        let mut back = [0; 6];
        pipe.read_exact(&mut back).unwrap();
        assert_eq!(back, line.as_bytes());
    }
}

/// A request that has begun is answered, an idle connection closes, and nobody can connect any more.
#[test]
fn a_stop_waits_for_what_has_begun() {
    let server = Example::start().unwrap();
    let mut idle = TcpStream::connect(server.address).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(&packet(&RequestBuilder::new("GET", "/slow"), &[])).unwrap();
    // The connections before this one were accepted before its answer.
    client(&server).ping().unwrap();
    let begun = Instant::now();
    server.stop().unwrap();
    assert_eq!(idle.read(&mut [0; 8]).unwrap(), 0);
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "an idle connection waits for nothing: {:?}",
        begun.elapsed()
    );
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello from /slow\n"), "{answer}");
    let address = server.address;
    server.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}
