//! The end of a connection on real sockets: at once if no bytes can be lost, after a drain otherwise.

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

/// Serves a connection on a thread of its own. The application waits at the barrier twice: when it is called, and before it
/// responds.
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

/// A front end keeps its end open until it has read the close. A server that waited for that would need more time than for the
/// request.
#[test]
fn the_server_does_not_wait_for_a_peer_that_has_sent_everything() {
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

/// The server drops bytes after the request before it closes. Otherwise the close would be a reset, and the peer would lose the
/// response.
#[test]
fn bytes_after_the_request_do_not_cost_the_response() {
    let unexpected = vec![b'x'; 40_000];
    let (server, mut client) = tcp();
    let received = server.try_clone().unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let serving = serve(server, &barrier);
    client.write_all(GET).unwrap();
    barrier.wait();
    // The server has read the request, and no byte after it.
    client.write_all(&unexpected).unwrap();
    let begun = Instant::now();
    while rustix::io::ioctl_fionread(&received).unwrap() != 40_000 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the bytes have not arrived");
        thread::sleep(Duration::from_millis(1));
    }
    drop(received);
    barrier.wait();
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert_eq!(got, ANSWER);
    drop(client);
    serving.join().unwrap();
}
