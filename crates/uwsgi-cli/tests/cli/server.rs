//! Test servers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Starts a server that calls `serve` for each connection, until the tests end. Returns its address.
pub(crate) fn endless_server(serve: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// A server on a thread, which serves one connection after another, and collects a result for each.
pub(crate) struct Server<T> {
    pub(crate) address: String,
    thread: JoinHandle<Vec<T>>,
}

impl<T: Send + 'static> Server<T> {
    pub(crate) fn new(connections: usize, serve: impl Fn(usize, &mut TcpStream) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            (0..connections).map(|number| serve(number, &mut listener.accept().unwrap().0)).collect()
        });
        Self { address, thread }
    }

    /// Waits until all connections are served, and returns their results.
    pub(crate) fn end(self) -> Vec<T> {
        self.thread.join().unwrap()
    }
}

/// A received packet, and the body that its vars declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) packet: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let packet = packet(stream);
        let decoded = uwsgi::Packet::decode(&packet).unwrap().0;
        let length =
            decoded.vars().ok().and_then(|vars| core::str::from_utf8(vars.get("CONTENT_LENGTH")?).ok()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        Self { packet, body }
    }

    /// Returns the last value of a var.
    pub(crate) fn var(&self, key: &str) -> Option<String> {
        let packet = uwsgi::Packet::decode(&self.packet).unwrap().0;
        packet.vars().unwrap().get(key).map(|value| value.escape_ascii().to_string())
    }
}

/// Reads a packet.
pub(crate) fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 4];
    stream.read_exact(&mut packet).unwrap();
    let mut payload = vec![0; usize::from(u16::from_le_bytes([packet[1], packet[2]]))];
    stream.read_exact(&mut payload).unwrap();
    packet.extend(payload);
    packet
}

/// Returns a server that answers each request with these bytes.
pub(crate) fn answering(connections: usize, answer: &'static [u8]) -> Server<Received> {
    Server::new(connections, move |_, stream| {
        let received = Received::read(stream);
        // The client may close before it has read everything.
        let _closed = stream.write_all(answer);
        received
    })
}
