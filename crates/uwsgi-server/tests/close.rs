//! How a connection ends on real sockets: at once where nothing can be lost, and with care where something can.

#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

extern crate alloc;

use alloc::sync::Arc;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Barrier;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use uwsgi::server::Settings;
use uwsgi_io::Socket;
use uwsgi_server::{Addresses, Answer, Body, Call, Head, serve_connection};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, client)
}

/// Serves a connection on a thread of its own. The application passes the barrier twice: when it is called, and before it
/// answers.
fn serve(socket: impl Into<OwnedFd>, barrier: &Arc<Barrier>) -> JoinHandle<()> {
    let (socket, barrier) = (Socket::new(socket).unwrap(), Arc::clone(barrier));
    thread::spawn(move || {
        let app = |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| {
            barrier.wait();
            barrier.wait();
            Ok(answer.whole(Head::new(200), b"hello")?)
        };
        serve_connection(&socket, &app, &Settings::default(), Addresses::default()).unwrap();
    })
}

/// A front end keeps its end open until it has read the close; waiting for that would cost more than the request did.
#[test]
fn nobody_waits_for_a_peer_that_has_sent_all() {
    let (unix, tcp) = (UnixStream::pair().unwrap(), tcp());
    let connections: [(OwnedFd, OwnedFd); 2] = [(unix.0.into(), unix.1.into()), (tcp.0.into(), tcp.1.into())];
    for (server, client) in connections {
        let barrier = Arc::new(Barrier::new(2));
        let serving = serve(server, &barrier);
        let mut client = std::fs::File::from(client);
        client.write_all(GET).unwrap();
        barrier.wait();
        barrier.wait();
        let begun = Instant::now();
        serving.join().unwrap();
        assert!(begun.elapsed() < Settings::default().drain_time / 2, "it took {:?}", begun.elapsed());
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(got, ANSWER);
    }
}

/// What nobody asked for is read and dropped before the close, which would be a reset otherwise.
#[test]
fn bytes_behind_the_request_do_not_cost_the_answer() {
    let unasked = vec![b'x'; 40_000];
    let (server, mut client) = tcp();
    let barrier = Arc::new(Barrier::new(2));
    let serving = serve(server, &barrier);
    client.write_all(GET).unwrap();
    barrier.wait();
    // The request has been read by now, and nothing else.
    client.write_all(&unasked).unwrap();
    thread::sleep(Duration::from_millis(100));
    barrier.wait();
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert_eq!(got, ANSWER);
    drop(client);
    serving.join().unwrap();
}
