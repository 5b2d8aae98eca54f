//! How connections end: answers reach slow clients whole, or it shows that they are not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Instant;

use uwsgi::Address;
use uwsgi::{Header, Packet};
use uwsgi_gateway::{Gateway, Settings, Stop};
use uwsgi_server::Listener;

/// Starts a backend that reads the packet of each connection and then calls `serve` with the number in the query. Returns its
/// address.
fn backend(serve: fn(TcpStream, usize)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let length = read_packet(&mut stream);
                serve(stream, length);
            });
        }
    });
    address.to_string()
}

/// Reads a packet, and returns the number in its query.
fn read_packet(stream: &mut impl Read) -> usize {
    let mut packet = vec![0; Header::LEN];
    stream.read_exact(&mut packet).unwrap();
    let (header, _) = Header::decode(&packet).unwrap();
    packet.resize(Header::LEN + usize::from(header.datasize), 0);
    stream.read_exact(&mut packet[Header::LEN..]).unwrap();
    let (packet, _) = Packet::decode(&packet).unwrap();
    let query = packet.vars().unwrap().get("QUERY_STRING").unwrap();
    String::from_utf8_lossy(query).parse().unwrap_or_default()
}

/// A gateway that runs until the end of the test.
struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: thread::JoinHandle<io::Result<()>>,
}

fn start(settings: impl FnOnce(Settings) -> Settings, backend: &str) -> Running {
    let settings = settings(Settings::new(backend).unwrap().with_threads(1));
    let gateway = Gateway::new(settings).unwrap();
    let gateway = gateway.listen(Listener::bind(Address::parse("127.0.0.1:0").unwrap()).unwrap());
    let (address, stop) = (gateway.local_addrs()[0], gateway.stop_handle());
    Running { address, stop, thread: thread::spawn(move || gateway.run()) }
}

/// Sends a request. The client has little room for the answer.
fn send(gateway: &Running, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 1 << 16).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// How long it takes that all buffers between a backend and a client are full.
const FULL: Duration = Duration::from_millis(500);

/// Writes an answer without a length.
fn answer_to_the_close(mut stream: TcpStream, length: usize) {
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let _ = stream.write_all(&vec![b'x'; length]);
}

/// Writes part of an answer without a length, and goes on a long time after.
fn answer_slowly(mut stream: TcpStream, _: usize) {
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\npart").unwrap();
    thread::sleep(Duration::from_secs(20));
}

/// Refuses a request without reading its body.
fn refuse(mut stream: TcpStream, length: usize) {
    stream.write_all(format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n").as_bytes()).unwrap();
    let _ = stream.write_all(&vec![b'x'; length]);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Switches to a WebSocket, sends many bytes, and closes while the client sends.
fn switch(stream: &mut UnixStream) {
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(&vec![b'x'; 150_000]);
    let _ = stream.shutdown(Shutdown::Both);
}

/// hyper is done before it has written its last bytes: a stop must not lose them. The lengths of the answers differ by less than
/// hyper holds, so the end of one of them waits in hyper, whatever the buffers of the system take.
#[test]
fn a_stop_does_not_cut_an_answer_off() {
    for end in ["HTTP/1.0\r\n\r\n", "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"] {
        let gateway = start(|settings| settings, &backend(answer_to_the_close));
        let lengths = (1..=60_usize).map(|count| count * 80_000);
        let mut clients: Vec<_> =
            lengths.map(|length| (length, send(&gateway, &format!("GET /?{length} {end}")))).collect();
        // The backend has given its whole answers then.
        thread::sleep(FULL);
        gateway.stop.ask();
        thread::sleep(FULL);
        for (length, client) in &mut clients {
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).unwrap();
            assert_eq!(answer.iter().filter(|byte| **byte == b'x').count(), *length, "{end:?}");
        }
        drop(clients);
        gateway.thread.join().unwrap().unwrap();
    }
}

/// The backend answers before it has read the body, and the client is slow.
#[test]
fn an_early_refusal_reaches_a_slow_client_whole() {
    let gateway = start(|settings| settings.with_streamed_bodies(true), &backend(refuse));
    let head = "HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nsome";
    let lengths = (1..=60_usize).map(|count| count * 80_000);
    let mut clients: Vec<_> =
        lengths.map(|length| (length, send(&gateway, &format!("POST /?{length} {head}")))).collect();
    thread::sleep(FULL);
    for (length, client) in &mut clients {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.iter().filter(|byte| **byte == b'x').count(), *length);
    }
    drop(clients);
    gateway.stop.ask();
    gateway.thread.join().unwrap().unwrap();
}

/// A client of HTTP/1.0 would take the end of the connection for the end of the answer.
#[test]
fn what_a_stop_cuts_off_ends_with_a_reset() {
    let gateway = start(|settings| settings.with_stop_timeout(FULL), &backend(answer_slowly));
    let mut client = send(&gateway, "GET / HTTP/1.0\r\n\r\n");
    thread::sleep(FULL);
    gateway.stop.ask();
    gateway.thread.join().unwrap().unwrap();
    let mut answer = Vec::new();
    let error = client.read_to_end(&mut answer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{}", answer.escape_ascii());
}

/// The backend reads no more, but its last bytes are on their way.
#[test]
fn the_last_bytes_of_a_websocket_reach_a_client_that_sends() {
    // A TCP socket that closes with unread bytes would lose its own last bytes.
    let name = format!("uwsgi-gateway-ends-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let backend = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_packet(&mut stream);
        switch(&mut stream);
    });
    let gateway = start(|settings| settings, &format!("@{name}"));
    let head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut client = send(&gateway, head);
    let mut sender = client.try_clone().unwrap();
    let sending = thread::spawn(move || while sender.write_all(&[b'y'; 1000]).is_ok() {});
    thread::sleep(FULL);
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    assert_eq!(answer.iter().filter(|byte| **byte == b'x').count(), 150_000);
    client.shutdown(Shutdown::Both).unwrap();
    sending.join().unwrap();
    backend.join().unwrap();
    gateway.stop.ask();
    gateway.thread.join().unwrap().unwrap();
}

/// An idle connection holds up neither its slot nor a stop, even if its client does not close.
#[test]
fn an_idle_connection_ends_at_once_at_a_stop() {
    let gateway = start(|settings| settings, &backend(answer_to_the_close));
    let client = TcpStream::connect(gateway.address).unwrap();
    thread::sleep(FULL);
    let start = Instant::now();
    gateway.stop.ask();
    gateway.thread.join().unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    drop(client);
}
