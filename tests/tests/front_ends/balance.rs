//! Three instances of a server behind one front end. One of them is killed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::programs::{Listen, Port, Program, Snippet, TestDir, apache, nginx};

use super::matrix::{RunningFrontEnd, SERVERS, Server, Settings, TIMEOUT, plain};

/// How many clients send requests at once, and how many requests each sends.
const CLIENTS: usize = 6;
const TIMES: usize = 30;

/// Starts three instances of a server.
fn three<'s>(server: &Server, test_dir: &'s TestDir) -> [(Listen, Program<'s>); 3] {
    ["one", "two", "three"].map(|name| {
        let listen = Listen::tcp();
        let program = (server.start)(test_dir, name, &listen, Settings::default());
        (listen, program)
    })
}

/// Returns a configuration with the ports of a test.
fn site<'l>(
    name: &str,
    port: &Port,
    listen_of_page: &str,
    listen: &str,
    instances: impl Iterator<Item = &'l Listen>,
) -> Snippet {
    let site = Snippet::read(name).with(listen_of_page, listen.replace("PORT", &port.address().to_string()));
    let of_page = ["127.0.0.1:3031", "127.0.0.1:3032", "127.0.0.1:3033"];
    of_page.iter().zip(instances).fold(site, |site, (of_page, instance)| site.with(of_page, instance.to_string()))
}

/// Checks that every request of several clients is answered with 200. After a third of the requests it calls `happens`.
fn all_are_answered(running: &RunningFrontEnd<'_>, happens: impl FnOnce() + Send) {
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    // A request takes so long that the instance that is killed has some of them.
                    let answer = running.get("/delay/10").expect("an answer");
                    assert_eq!(answer.head.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let until = Instant::now() + TIMEOUT;
            while asked.load(Ordering::Relaxed) < CLIENTS * TIMES / 3 {
                assert!(Instant::now() < until, "only {} requests are answered", asked.load(Ordering::Relaxed));
                // A pause between two looks.
                thread::sleep(Duration::from_millis(1));
            }
            happens();
        });
    });
    assert_eq!(asked.into_inner(), CLIENTS * TIMES);
}

/// Also the requests of the killed instance are answered: nginx sends a GET to another instance.
#[test]
fn nginx_balances_around_one_that_is_killed() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let test_dir = TestDir::new();
        let mut instances = three(server, &test_dir);
        let port = Port::free();
        let site = site("nginx-balance.conf", &port, "listen 80;", "listen PORT;", instances.iter().map(|(at, _)| at));
        let running = plain(nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&running, || instances[1].1.kill());
    }
}

/// All instances read the request, and then close the connection or answer that they are full. nginx sends a request to another
/// instance only if its method is idempotent.
#[test]
fn nginx_repeats_only_idempotent_requests() {
    const DIES: &[u8] = b"";
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    for (method, says, status, times) in [
        ("GET", DIES, 502, 3),
        ("PUT", DIES, 502, 3),
        ("POST", DIES, 502, 1),
        ("LOCK", DIES, 502, 1),
        ("PATCH", DIES, 502, 1),
        ("GET", FULL, 503, 3),
        ("POST", FULL, 503, 1),
    ] {
        let test_dir = TestDir::new();
        let ports = [(); 3].map(|()| Port::free());
        let listeners = ports.clone().map(|port| TcpListener::bind(port.address()).expect("a free port"));
        let instances = ports.map(Listen::Tcp);
        let port = Port::free();
        let site = site("nginx-balance.conf", &port, "listen 80;", "listen PORT;", instances.iter());
        let running = plain(nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        let asked = AtomicUsize::new(0);
        let answer = thread::scope(|scope| {
            for listener in &listeners {
                let asked = &asked;
                scope.spawn(move || {
                    let (mut peer, _) = listener.accept().expect("a connection of nginx or of this test");
                    // The request is so small that it comes in one piece. A connection of this test sends nothing.
                    let came = peer.read(&mut [0; 8192]).expect("a request");
                    asked.fetch_add(usize::from(came > 0), Ordering::Relaxed);
                    peer.write_all(if came > 0 { says } else { b"" }).expect("nginx");
                });
            }
            let head = format!("{method} / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 5\r\n\r\n");
            let answer = running.ask([head.as_bytes(), b"hello"].concat());
            for listener in &listeners {
                drop(TcpStream::connect(listener.local_addr().expect("its port")));
            }
            answer.expect("an answer")
        });
        assert_eq!((answer.head.status, asked.into_inner()), (status, times), "{method}, {}", says.escape_ascii());
    }
}

/// Apache sends no request twice. So an instance may be killed only while it has nothing to do.
#[test]
fn apache_balances_around_one_that_is_gone() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let test_dir = TestDir::new();
        let mut instances = three(server, &test_dir);
        let port = Port::free();
        let site = site("apache-balance.conf", &port, "*:80", "PORT", instances.iter().map(|(at, _)| at));
        let running = plain(apache(&test_dir, "apache", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&running, || ());
        instances[1].1.kill();
        all_are_answered(&running, || ());
    }
}
