//! Runs the examples, which `cargo test` has built.
#![cfg(unix)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command};

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketType, bind, socket};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tower::ServiceExt;
use uwsgi_tower::{Client, Incoming, upgrade};

/// A running example. It is killed when this is dropped.
struct Example {
    child: Child,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        path.set_file_name("examples");
        path.push(name);
        let child = Command::new(&path).args(args).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{}: {error}; `cargo test` builds it", path.display())) }
    }

    fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a path for a socket, where no file is, and its address.
fn socket_path() -> (PathBuf, String) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("uwsgi-tower-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    // A killed process with the same number may have left it.
    let _ = std::fs::remove_file(&path);
    let address = format!("unix:{}", path.display());
    (path, address)
}

/// A free TCP address. No other test takes it until this is dropped: each test must first bind the UDP port of the same number.
/// The kernel does not take it for connections either, because Linux uses the ports 32768 to 60999 for them.
struct Port {
    address: SocketAddr,
    _held: UdpSocket,
}

impl Port {
    fn free() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let begin = usize::try_from(std::process::id()).unwrap() * 37;
        for _ in 0..22_000 {
            let number = 10_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 22_000;
            let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(number).unwrap()));
            let Ok(held) = UdpSocket::bind(address) else { continue };
            // The socket is bound, and does not listen: a process that is started at this moment has a copy of every socket for
            // a while, and would accept connections.
            let bound = socket(AddressFamily::INET, SocketType::STREAM, None).and_then(|socket| {
                set_socket_reuseaddr(&socket, true)?;
                bind(&socket, &address)
            });
            if bound.is_ok() {
                return Self { address, _held: held };
            }
        }
        panic!("no port is free");
    }
}

fn empty(request: http::request::Builder) -> Request<Full<bytes::Bytes>> {
    request.body(Full::default()).unwrap()
}

/// Asks a backend, and tries again until it listens.
async fn ask(client: &Client, target: &str) -> Response<Incoming> {
    for _ in 0..200 {
        match client.clone().oneshot(empty(Request::get(format!("http://example.com{target}")))).await {
            // The pause between two tries.
            Err(uwsgi_tower::ClientError::Connect { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            answer => return answer.unwrap(),
        }
    }
    panic!("the example does not listen");
}

async fn text<B: http_body::Body<Error: core::fmt::Debug>>(response: Response<B>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_serves_its_routes() {
    let (path, address) = socket_path();
    let _example = Example::start("axum", &[path.to_str().unwrap()]);
    let client = Client::new(&address).unwrap();
    assert_eq!(text(ask(&client, "/").await).await, "hello\n");
    assert_eq!(text(ask(&client, "/hello/you%20there").await).await, "hello, you there\n");
    assert_eq!(ask(&client, "/peer").await.status(), StatusCode::NOT_FOUND);
    let vars = text(ask(&client, "/vars?a=b").await).await;
    assert!(vars.contains("QUERY_STRING=a=b\n") && vars.contains("HTTP_HOST=example.com\n"), "{vars}");
    let mut request = empty(Request::get("/me"));
    request.extensions_mut().insert(uwsgi_tower::RemoteAddr::new("2001:db8::1".parse().unwrap()));
    assert_eq!(text(client.clone().oneshot(request).await.unwrap()).await, "2001:db8::1\n");
    let request = Request::post("/echo").body(Full::new(bytes::Bytes::from("some bytes"))).unwrap();
    assert_eq!(text(client.oneshot(request).await.unwrap()).await, "some bytes");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_over_tcp_knows_the_peer() {
    let port = Port::free();
    let address = port.address.to_string();
    let _example = Example::start("axum", &[&address]);
    let peer: SocketAddr = text(ask(&Client::new(&address).unwrap(), "/peer").await).await.trim_end().parse().unwrap();
    assert!(peer.ip().is_loopback());
}

#[tokio::test]
async fn graceful_finishes_a_slow_request() {
    let (path, address) = socket_path();
    // A killed server leaves its socket file.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut example = Example::start("graceful", &[path.to_str().unwrap()]);
    let client = Client::new(&address).unwrap();
    assert_eq!(text(ask(&client, "/").await).await, "hello\n");
    let slow = tokio::spawn({
        let client = client.clone();
        async move { text(ask(&client, "/delay/3000").await).await }
    });
    // The request must have reached the service. Its delay is three times as long.
    tokio::time::sleep(Duration::from_secs(1)).await;
    example.terminate();
    assert_eq!(slow.await.unwrap(), "after 3000 ms\n");
    let status = tokio::task::spawn_blocking(move || example.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert!(!path.exists());
}

#[tokio::test]
async fn websocket_echoes_messages() {
    let (path, address) = socket_path();
    let _example = Example::start("websocket", &[path.to_str().unwrap()]);
    let client = Client::new(&address).unwrap();
    assert_eq!(ask(&client, "/echo").await.status(), StatusCode::BAD_REQUEST);
    // The key and the answer are those of RFC 6455 section 1.3.
    let request = Request::get("/echo").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let request = empty(request.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
    let mut response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let connection = upgrade::on(&mut response).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Client, None).await;
    for message in [Message::text("hello"), Message::binary(vec![7; 100_000])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(message) = socket.next().await {
        assert!(message.unwrap().is_close());
    }
}

/// Connects to an HTTP server, and tries again until it listens.
async fn http_to(address: SocketAddr) -> hyper::client::conn::http1::SendRequest<Full<bytes::Bytes>> {
    for _ in 0..200 {
        if let Ok(stream) = TcpStream::connect(address).await {
            let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection.with_upgrades());
            return sender;
        }
        // The pause between two tries.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the example does not listen");
}

fn http(target: &str) -> http::request::Builder {
    Request::get(target).header("Host", "example.com")
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn proxy_forwards_requests() {
    let (path, address) = socket_path();
    let front = Port::free();
    let _example = Example::start("proxy", &[&front.address.to_string(), &address]);
    let mut sender = http_to(front.address).await;
    assert_eq!(sender.send_request(empty(http("/"))).await.unwrap().status(), StatusCode::BAD_GATEWAY);

    let _backend = Example::start("axum", &[path.to_str().unwrap()]);
    while tokio::net::UnixStream::connect(&path).await.is_err() {
        // The pause between two tries.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(text(sender.send_request(empty(http("/hello/world"))).await.unwrap()).await, "hello, world\n");
    assert_eq!(text(sender.send_request(empty(http("/me"))).await.unwrap()).await, "127.0.0.1\n");
    let hop = http("/vars").header("Connection", "X-Hop").header("X-Hop", "1").header("X-End", "2");
    let vars = text(sender.send_request(empty(hop)).await.unwrap()).await;
    assert!(vars.contains("HTTP_X_END=2\n") && !vars.contains("X_HOP"), "{vars}");
    let body = vec![b'x'; 3_000_000];
    let post =
        Request::post("/echo").header("Host", "example.com").body(Full::new(bytes::Bytes::from(body.clone()))).unwrap();
    let response = sender.send_request(post).await.unwrap();
    assert!(response.into_body().collect().await.unwrap().to_bytes() == body);
}

#[tokio::test]
async fn proxy_forwards_a_websocket() {
    let (path, address) = socket_path();
    let front = Port::free();
    let _backend = Example::start("websocket", &[path.to_str().unwrap()]);
    ask(&Client::new(&address).unwrap(), "/").await;
    let _example = Example::start("proxy", &[&front.address.to_string(), &address]);
    let request = http("/echo").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let request = request.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let mut response = http_to(front.address).await.send_request(empty(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let connection = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Client, None).await;
    socket.send(Message::text("through and back")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("through and back"));
}

#[tokio::test]
async fn both_answers_over_http_and_uwsgi() {
    let (web, app) = (Port::free(), Port::free());
    let (http_address, uwsgi_address) = (web.address, app.address);
    let _example = Example::start("both", &[&http_address.to_string(), &uwsgi_address.to_string()]);
    let response = http_to(http_address).await.send_request(empty(http("/"))).await.unwrap();
    assert_eq!(text(response).await, "hello over HTTP\n");
    let client = Client::new(&uwsgi_address.to_string()).unwrap();
    assert_eq!(text(ask(&client, "/").await).await, "hello over uwsgi\n");
}

/// A stream of events ends with a last event when the server stops, which then ends at once.
#[cfg(feature = "axum")]
#[tokio::test]
async fn events_end_at_a_stop() {
    let (path, address) = socket_path();
    let mut example = Example::start("events", &[path.to_str().unwrap()]);
    let response = ask(&Client::new(&address).unwrap(), "/events").await;
    assert_eq!(response.headers().get("X-Accel-Buffering").unwrap(), "no");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: 0\n\n");
    example.terminate();
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"event: stop\ndata: the server stops\n\n"), "{}", rest.escape_ascii());
    let ended = tokio::task::spawn_blocking(move || example.child.wait());
    let status = tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap().unwrap();
    assert!(status.success(), "{status}");
}
