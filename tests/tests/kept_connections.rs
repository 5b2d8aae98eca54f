//! Our clients with our servers: many requests on kept connections, and none is lost.
#![cfg(unix)]

use std::error::Error;
use std::future::IntoFuture;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::{ServiceExt, service_fn};
use uwsgi::Address;
use uwsgi::server::Settings;
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_server::{Answer, App, AppError, Body, Call, Head, Listener, Server};
use uwsgi_tests::load::is_full;
use uwsgi_tower::serve;

/// Ten times as many with `tests/run --full`.
const REQUESTS: usize = 10_000;
const THREADS: usize = 32;
/// Longer than any successful request takes.
const TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(60);

#[test]
fn the_blocking_client_loses_no_request_to_the_blocking_server() {
    assert_none_lost(Kind::Blocking, Kind::Blocking);
}

#[test]
fn the_blocking_client_loses_no_request_to_the_asynchronous_server() {
    assert_none_lost(Kind::Blocking, Kind::Asynchronous);
}

#[test]
fn the_asynchronous_client_loses_no_request_to_the_blocking_server() {
    assert_none_lost(Kind::Asynchronous, Kind::Blocking);
}

#[test]
fn the_asynchronous_client_loses_no_request_to_the_asynchronous_server() {
    assert_none_lost(Kind::Asynchronous, Kind::Asynchronous);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Asynchronous,
    Blocking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    /// With a body that the application does not read.
    Post,
}

/// Over TCP and over a Unix socket, with a server that keeps connections and one that does not; one after the other,
/// and many at once.
fn assert_none_lost(client: Kind, server: Kind) {
    let requests = if is_full() { 10 * REQUESTS } else { REQUESTS };
    let mut lost = Vec::new();
    for over_unix in [false, true] {
        for keepalive in [false, true] {
            let running = Running::start(server, over_unix, keepalive);
            for (method, threads, requests) in [
                (Method::Get, 1, requests),
                (Method::Get, THREADS, requests),
                (Method::Post, 1, requests / 10),
                (Method::Post, THREADS, requests / 10),
            ] {
                let begun = Instant::now();
                let failures = send_requests(client, &running.at, method, threads, requests);
                let socket = if over_unix { "unix" } else { "tcp" };
                let row = format!(
                    "{client:?} client, {server:?} server, {socket}, keepalive {keepalive}, {method:?} by {threads}: {} of \
                     {requests} lost in {:?}, {:?}",
                    failures.count,
                    begun.elapsed(),
                    failures.first,
                );
                println!("{row}");
                if failures.count > 0 {
                    lost.push(row);
                }
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

/// The runtime of the asynchronous servers and clients.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

struct Running {
    at: String,
    stop: Box<dyn Fn()>,
    _directory: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        (self.stop)();
    }
}

struct Hello;

impl App for Hello {
    fn call(&self, _: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        Ok(answer.whole(Head::new(200), b"hello")?)
    }
}

impl Running {
    fn start(kind: Kind, over_unix: bool, keepalive: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
        let path = directory.path().join("a.sock");
        let settings = Settings::default();
        let settings = if keepalive { settings.with_keepalive(KEEPALIVE) } else { settings };
        let (at, stop) = match kind {
            Kind::Blocking => blocking(settings, over_unix.then_some(path)),
            Kind::Asynchronous => asynchronous(settings, over_unix.then_some(path)),
        };
        Self { at, stop, _directory: directory }
    }
}

fn blocking(settings: Settings, path: Option<PathBuf>) -> (String, Box<dyn Fn()>) {
    let listener = match &path {
        Some(path) => Listener::bind(Address::Unix(path.to_str().unwrap())),
        None => Listener::bind(Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))),
    };
    let server = Server::new(Hello).unwrap().with_settings(settings).listen(listener.unwrap());
    let at = server.local_addr().map_or_else(|| path.unwrap().display().to_string(), |local| local.to_string());
    let handle = server.handle();
    thread::spawn(move || server.run());
    (at, Box::new(move || handle.stop()))
}

fn asynchronous(settings: Settings, path: Option<PathBuf>) -> (String, Box<dyn Fn()>) {
    let _entered = RUNTIME.enter();
    let hello = service_fn(async |_: Request<uwsgi_tower::Body>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let service = hello;
    let (at, served) = match path {
        Some(path) => {
            let listener = tokio::net::UnixListener::bind(&path).unwrap();
            (path.display().to_string(), RUNTIME.spawn(serve(listener, service).with_settings(settings).into_future()))
        }
        None => {
            let listener = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
            let at = listener.local_addr().unwrap().to_string();
            (at, RUNTIME.spawn(serve(listener, service).with_settings(settings).into_future()))
        }
    };
    (at, Box::new(move || served.abort()))
}

#[derive(Debug, Default)]
struct Failures {
    count: usize,
    first: Option<String>,
}

impl Failures {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    fn note(&mut self, result: Result<(), Box<dyn Error>>) {
        if let Err(error) = result {
            self.add(Self { count: 1, first: Some(error.to_string()) });
        }
    }
}

/// Sends this many requests in all.
fn send_requests(kind: Kind, at: &str, method: Method, threads: usize, requests: usize) -> Failures {
    let left = Arc::new(AtomicUsize::new(requests));
    let mut all = Failures::default();
    match kind {
        Kind::Blocking => thread::scope(|scope| {
            let senders: Vec<_> = (0..threads).map(|_| scope.spawn(|| send_blocking(at, method, &left))).collect();
            senders.into_iter().for_each(|thread| all.add(thread.join().expect("a client")));
        }),
        Kind::Asynchronous => RUNTIME.block_on(async {
            let client = uwsgi_tower::Client::new(at).unwrap().with_pool_max_idle(threads).with_idle_timeout(TIMEOUT);
            let senders =
                (0..threads).map(|_| tokio::spawn(send_asynchronously(client.clone(), method, Arc::clone(&left))));
            for task in senders.collect::<Vec<_>>() {
                all.add(task.await.expect("a client"));
            }
        }),
    }
    all
}

const BODY: &[u8] = &[b'x'; 1000];

/// Returns whether another request is to be sent.
fn next(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn send_blocking(at: &str, method: Method, left: &AtomicUsize) -> Failures {
    let mut client = uwsgi_io::Client::new(at).unwrap().with_keepalive(true).with_total_timeout(TIMEOUT);
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    vars.push("REQUEST_METHOD", if method == Method::Get { "GET" } else { "POST" }).unwrap();
    vars.push("PATH_INFO", "/").unwrap();
    if method == Method::Post {
        vars.push_number("CONTENT_LENGTH", BODY.len() as u64).unwrap();
    }
    let packet = vars.finish(Modifier1::WSGI, 0).unwrap();
    let mut failures = Failures::default();
    while next(left) {
        let body = if method == Method::Get { &[] } else { BODY };
        failures.note(send_one_blocking(&mut client, packet, body));
    }
    failures
}

fn send_one_blocking(client: &mut uwsgi_io::Client, packet: &[u8], body: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut response = client.request(packet, body)?;
    let mut text = String::new();
    response.read_to_string(&mut text)?;
    is_hello(response.status(), text.as_bytes())
}

async fn send_asynchronously(client: uwsgi_tower::Client, method: Method, left: Arc<AtomicUsize>) -> Failures {
    let mut failures = Failures::default();
    while next(&left) {
        let result = send_one_asynchronously(client.clone(), method).await;
        failures.note(result.map_err(|error| error.to_string().into()));
    }
    failures
}

async fn send_one_asynchronously(
    client: uwsgi_tower::Client,
    method: Method,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let request = match method {
        Method::Get => Request::get("/").body(Full::default())?,
        Method::Post => Request::post("/").body(Full::new(Bytes::from_static(BODY)))?,
    };
    let response = client.oneshot(request).await?;
    let status = response.status().as_u16();
    let text = response.into_body().collect().await?.to_bytes();
    is_hello(status, &text).map_err(|error| error.to_string().into())
}

fn is_hello(status: u16, text: &[u8]) -> Result<(), Box<dyn Error>> {
    if status == 200 && text == b"hello" {
        return Ok(());
    }
    Err(io::Error::other(format!("{status} {}", text.escape_ascii())).into())
}
