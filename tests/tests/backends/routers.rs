//! Announces backends to uWSGI's routers. They route requests to backends that have joined, and not to those that have left.

use std::io::{self, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use uwsgi::Address;
use uwsgi::message::{Subscription, SubscriptionCommand};
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_io::{Client, subscribe};
use uwsgi_tests::http1::Connection;
use uwsgi_tests::programs::{Listen, Program, TestDir};

use crate::server::{TIMEOUT, Uwsgi};

const KEY: &str = "example.com";

/// A router that runs.
struct Router<'s> {
    _program: Program<'s>,
    subscriptions: SocketAddr,
    /// Sends a request for the key, and returns the name of the node that answered, if one did.
    ask: Box<dyn Fn() -> Option<String>>,
}

/// Returns a free UDP port. Tests that reserve a TCP port hold the UDP port of the same number.
fn free_udp_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts the HTTP router.
fn http(test_dir: &TestDir, uwsgi: Uwsgi) -> Router<'_> {
    let (listen, subscriptions) = (Listen::tcp(), free_udp_port());
    let mut command = uwsgi.command("http");
    command.args(["--master", "--die-on-term", "--http", &listen.to_string()]);
    let program = start(test_dir, command, "http", &listen, subscriptions);
    let address = listen.to_string().parse().unwrap();
    let ask = move || {
        let mut connection = Connection::open(address, TIMEOUT).unwrap();
        let request = format!("GET /key HTTP/1.1\r\nHost: {KEY}\r\nConnection: close\r\n\r\n");
        connection.send(request.as_bytes()).ok()?;
        // The router closes without a byte if it knows no node.
        let answer = connection.answer(false).ok()?;
        Some(String::from_utf8(answer.body).unwrap())
    };
    Router { _program: program, subscriptions, ask: Box::new(ask) }
}

/// Starts the router that speaks uwsgi on both sides. Our client sends requests to it.
fn fastrouter(test_dir: &TestDir, uwsgi: Uwsgi) -> Router<'_> {
    let (listen, subscriptions) = (Listen::Unix(test_dir.path("fastrouter.sock")), free_udp_port());
    let mut command = uwsgi.command("fastrouter");
    command.args(["--master", "--die-on-term", "--fastrouter", &listen.to_string()]);
    let program = start(test_dir, command, "fastrouter", &listen, subscriptions);
    let address = listen.to_string();
    let ask = move || {
        let mut packet = Vec::new();
        let mut vars = VarsEncoder::new(&mut packet);
        for (key, value) in [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/key"), ("HTTP_HOST", KEY)] {
            vars.push_raw(key, value).unwrap();
        }
        vars.finish(Modifier1::WSGI, 0).unwrap();
        let mut client = Client::new(&address).unwrap().with_total_timeout(TIMEOUT);
        let mut response = client.request(&packet, io::empty()).ok()?;
        let mut node = String::new();
        response.read_to_string(&mut node).unwrap();
        Some(node)
    };
    Router { _program: program, subscriptions, ask: Box::new(ask) }
}

fn start<'s>(
    test_dir: &'s TestDir,
    mut command: Command,
    name: &str,
    listen: &Listen,
    server: SocketAddr,
) -> Program<'s> {
    command.arg(format!("--{name}-subscription-server")).arg(server.to_string());
    Program::start(test_dir, name, &mut command, &[listen])
}

impl Router<'_> {
    fn announce(&self, command: SubscriptionCommand, node: &Listen) {
        let node = node.to_string();
        subscribe(Address::Tcp(self.subscriptions), &Subscription::new(command, KEY.as_bytes(), node.as_bytes()))
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Sends requests until this node answers, or no node.
    fn wait_for(&self, node: Option<&str>) {
        let want = node.map(|node| format!("{node} {KEY}"));
        let start = Instant::now();
        loop {
            let got = (self.ask)();
            if got == want {
                return;
            }
            assert!(start.elapsed() < TIMEOUT, "expected {want:?}, got {got:?}");
            // A pause between two looks.
            sleep(Duration::from_millis(5));
        }
    }
}

fn nodes_come_and_go(router: fn(&TestDir, Uwsgi) -> Router<'_>) {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let router = router(&test_dir, uwsgi);
        let (one, two) = (Listen::tcp(), Listen::Unix(test_dir.path("two.sock")));
        let _one = uwsgi.start(&test_dir, "one", &one, &[]);
        let _two = uwsgi.start(&test_dir, "two", &two, &[]);
        assert_eq!((router.ask)(), None, "no node has joined");

        router.announce(SubscriptionCommand::Join, &one);
        router.wait_for(Some("one"));
        router.announce(SubscriptionCommand::Join, &two);
        router.wait_for(Some("two"));
        router.announce(SubscriptionCommand::Leave, &one);
        router.wait_for(Some("two"));
        for _ in 0..4 {
            assert_eq!((router.ask)().as_deref(), Some("two example.com"));
        }
        router.announce(SubscriptionCommand::Leave, &two);
        router.wait_for(None);
    }
}

#[test]
fn http_router() {
    nodes_come_and_go(http);
}

#[test]
fn fast_router() {
    nodes_come_and_go(fastrouter);
}
