//! A whole gateway on real sockets: its limit on connections, its stop, its health path and its log.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use uwsgi::Address;
use uwsgi_gateway::{AccessLog, Gateway, Settings, Stop};
use uwsgi_server::{Answer, AppError, Body, Call, Handle, Head, Listener, Server};

/// A backend, which answers a request to /wait only when it is told to.
struct Backend {
    address: SocketAddr,
    /// Gets the path of each request.
    paths: Receiver<String>,
    /// Lets one request to /wait go on.
    go: Sender<()>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Backend {
    fn start() -> Self {
        let (sender, paths) = mpsc::channel();
        let (go, wait) = mpsc::channel();
        let (sender, wait) = (Mutex::new(sender), Mutex::new(wait));
        let app = move |call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
            let path = String::from_utf8_lossy(call.request().path_info().unwrap_or_default()).into_owned();
            sender.lock().unwrap().send(path.clone())?;
            if path == "/wait" {
                wait.lock().unwrap().recv_timeout(Duration::from_secs(20))?;
            }
            Ok(answer.whole(Head::new(200).with("Content-Type", "text/plain"), path.as_bytes())?)
        };
        let server = Server::new(app).unwrap().bind("127.0.0.1:0").unwrap();
        let address = server.listeners()[0].local_addr().unwrap();
        let handle = server.handle();
        let thread = Some(thread::spawn(move || server.run()));
        Self { address, paths, go, handle, thread }
    }

    fn settings(&self) -> Settings {
        Settings::new(&self.address.to_string()).unwrap().with_threads(2)
    }

    fn next_path(&self) -> String {
        self.paths.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

/// A running gateway.
struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(gateway: Gateway) -> Self {
        let gateway = gateway.listen(Listener::bind(Address::parse("127.0.0.1:0").unwrap()).unwrap());
        let (address, stop) = (gateway.local_addrs()[0], gateway.stop_handle());
        Self { address, stop, thread: thread::spawn(move || gateway.run()) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Stops the gateway, and waits for its end.
    fn stop(self) {
        self.stop.ask();
        self.thread.join().unwrap().unwrap();
    }
}

fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: app.example\r\n\r\n").as_bytes()).unwrap();
}

/// Reads an answer with a length: its head and its body.
fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_stop_finishes_what_has_begun() {
    let backend = Backend::start();
    let gateway = Running::start(Gateway::new(backend.settings()).unwrap());
    let (mut idle, mut working) = (gateway.connect(), gateway.connect());
    ask(&mut idle, "/first");
    assert_eq!(answer(&mut idle).1, "/first");
    assert_eq!(backend.next_path(), "/first");
    ask(&mut working, "/wait");
    assert_eq!(backend.next_path(), "/wait");
    gateway.stop.ask();
    // The idle connection closes at once, without a byte.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    backend.go.send(()).unwrap();
    let (head, body) = answer(&mut working);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(body, "/wait");
    assert_eq!(working.read(&mut [0; 1]).unwrap(), 0);
    drop((idle, working));
    let address = gateway.address;
    gateway.stop();
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

/// Requests that have arrived when the stop begins are answered, also those of connections that wait to be accepted.
#[test]
fn a_stop_answers_what_has_arrived() {
    let backend = Backend::start();
    let gateway = Running::start(Gateway::new(backend.settings()).unwrap());
    let mut kept = gateway.connect();
    ask(&mut kept, "/first");
    assert_eq!(answer(&mut kept).1, "/first");
    let mut clients: Vec<_> = (0..20).map(|_| gateway.connect()).collect();
    clients.push(kept);
    for client in &mut clients {
        ask(client, "/second");
    }
    gateway.stop.ask();
    for client in &mut clients {
        assert_eq!(answer(client).1, "/second");
    }
    drop(clients);
    gateway.stop();
}

#[test]
fn a_stop_cuts_off_what_takes_too_long() {
    let backend = Backend::start();
    let settings = backend.settings().with_stop_timeout(Duration::from_millis(200));
    let gateway = Running::start(Gateway::new(settings).unwrap());
    let mut working = gateway.connect();
    ask(&mut working, "/wait");
    assert_eq!(backend.next_path(), "/wait");
    gateway.stop();
    assert!(matches!(working.read(&mut [0; 1]), Ok(0) | Err(_)));
    backend.go.send(()).unwrap();
}

#[test]
fn too_many_connections_get_503() {
    let backend = Backend::start();
    let gateway = Running::start(Gateway::new(backend.settings().with_max_connections(1)).unwrap());
    let mut served = gateway.connect();
    ask(&mut served, "/served");
    assert_eq!(answer(&mut served).1, "/served");
    let mut refused = gateway.connect();
    ask(&mut refused, "/refused");
    let (head, body) = answer(&mut refused);
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
    assert!(head.contains("retry-after: 5\r\n") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(body, "503 Service Unavailable: try again later\n");
    assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
    drop((served, refused));
    // The place of a connection that has ended is free again.
    loop {
        let mut next = gateway.connect();
        ask(&mut next, "/next");
        if answer(&mut next).1 == "/next" {
            break;
        }
    }
    gateway.stop();
    assert!(backend.paths.try_iter().all(|path| path != "/refused"));
}

/// The gateway answers the health path itself. While it stops, the status is 503.
#[test]
fn the_health_path_tells_of_a_stop() {
    let backend = Backend::start();
    let gateway = Running::start(Gateway::new(backend.settings().with_health_path("/health")).unwrap());
    let mut stream = gateway.connect();
    ask(&mut stream, "/health");
    let (head, body) = answer(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, "OK\n");
    // This head is not whole when the stop begins.
    let mut late = gateway.connect();
    late.write_all(b"GET /health HTTP/1.1\r\nHost: app.example\r\n").unwrap();
    let mut working = gateway.connect();
    ask(&mut working, "/wait");
    assert_eq!(backend.next_path(), "/wait");
    gateway.stop.ask();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    late.write_all(b"\r\n").unwrap();
    assert!(answer(&mut late).0.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    backend.go.send(()).unwrap();
    assert_eq!(answer(&mut working).1, "/wait");
    drop((late, working));
    gateway.stop();
    assert!(backend.paths.try_iter().next().is_none(), "the backend must not see the health path");
}

/// In /proc nobody can make a file.
#[test]
fn a_directory_that_cannot_be_written_is_found_at_the_start() {
    let settings = Settings::new("127.0.0.1:1").unwrap().with_temp_dir("/proc");
    let error = Gateway::new(settings).unwrap().run().unwrap_err();
    assert!(error.to_string().starts_with("no temporary file can be made in /proc: "), "{error}");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line of a WebSocket has the status of its answer.
#[test]
fn the_log_has_the_status_of_a_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Settings::new(&listener.local_addr().unwrap().to_string()).unwrap();
    let backend = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let lines = Lines::default();
    let gateway = Gateway::new(settings).unwrap().with_access_log(AccessLog::combined(lines.clone()));
    let gateway = Running::start(gateway);
    let mut client = gateway.connect();
    let head = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 12];
    client.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 101");
    drop(client);
    backend.join().unwrap();
    gateway.stop();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains(r#""GET /ws HTTP/1.1" 101 "#), "{text}");
}

/// Each request has a line, also one whose client left before the answer.
#[test]
fn the_log_has_a_line_for_each_request() {
    let (backend, lines) = (Backend::start(), Lines::default());
    let gateway = Gateway::new(backend.settings()).unwrap().with_access_log(AccessLog::json(lines.clone()));
    let gateway = Running::start(gateway);
    let mut stream = gateway.connect();
    ask(&mut stream, "/a%20b?c");
    assert_eq!(answer(&mut stream).1, "/a b");
    assert_eq!(backend.next_path(), "/a b");
    ask(&mut stream, "/wait");
    assert_eq!(backend.next_path(), "/wait");
    drop(stream);
    let mut bad = gateway.connect();
    bad.write_all(b"GET /bad HTTP/1.1\r\n\r\n").unwrap();
    assert!(answer(&mut bad).0.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    drop(bad);
    gateway.stop();
    backend.go.send(()).unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let mut got: Vec<(String, u64, u64)> = text
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            (line["uri"].as_str().unwrap().into(), line["status"].as_u64().unwrap(), line["bytes"].as_u64().unwrap())
        })
        .collect();
    got.sort();
    assert_eq!(got, [("/a%20b?c".into(), 200, 4), ("/bad".into(), 400, 16), ("/wait".into(), 499, 0)], "{text}");
    assert!(text.lines().all(|line| line.contains(r#""client":"127.0.0.1""#)), "{text}");
}
