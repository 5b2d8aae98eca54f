//! Three instances behind one front end, and one of them killed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::programs::{Listen, Port, Program, Snippet, Stage, apache, nginx};

use super::matrix::{Door, PATIENCE, SERVERS, Server, Settings, plain};

/// How many clients ask at once, and how often each.
const CLIENTS: usize = 6;
const TIMES: usize = 30;

fn three<'s>(server: &Server, stage: &'s Stage) -> [(Listen, Program<'s>); 3] {
    ["one", "two", "three"].map(|name| {
        let listen = Listen::tcp();
        let program = (server.start)(stage, name, &listen, Settings::default());
        (listen, program)
    })
}

/// One snippet, with the ports of a test.
fn site<'l>(
    name: &str,
    port: &Port,
    natural: &str,
    real: &str,
    instances: impl Iterator<Item = &'l Listen>,
) -> Snippet {
    let site = Snippet::read(name).with(natural, real.replace("PORT", &port.address().to_string()));
    let natural = ["127.0.0.1:3031", "127.0.0.1:3032", "127.0.0.1:3033"];
    natural.iter().zip(instances).fold(site, |site, (natural, listen)| site.with(natural, listen.to_string()))
}

/// Every request of several clients is answered with 200, whatever happens after a third of them.
fn all_are_answered(door: &Door<'_>, happens: impl FnOnce() + Send) {
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    // Long enough that the one that is killed has some of them.
                    let answer = door.get("/delay/10").expect("an answer");
                    assert_eq!(answer.head.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            let until = Instant::now() + PATIENCE;
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

/// Even those requests are answered that the killed one had: a GET is asked again elsewhere.
#[test]
fn nginx_balances_around_one_that_is_killed() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let stage = Stage::new();
        let mut instances = three(server, &stage);
        let port = Port::free();
        let site = site("nginx-balance.conf", &port, "listen 80;", "listen PORT;", instances.iter().map(|(at, _)| at));
        let door = plain(nginx(&stage, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&door, || instances[1].1.kill());
    }
}

/// What nginx asks again elsewhere, of instances that all read the request and then die, or say that they are full: not
/// what may have been done by the first.
#[test]
fn nginx_asks_again_what_changes_nothing() {
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
        let stage = Stage::new();
        let ports = [(); 3].map(|()| Port::free());
        let listeners = ports.clone().map(|port| TcpListener::bind(port.address()).expect("a free port"));
        let instances = ports.map(Listen::Tcp);
        let port = Port::free();
        let site = site("nginx-balance.conf", &port, "listen 80;", "listen PORT;", instances.iter());
        let door = plain(nginx(&stage, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        let asked = AtomicUsize::new(0);
        let answer = thread::scope(|scope| {
            for listener in &listeners {
                let asked = &asked;
                scope.spawn(move || {
                    let (mut peer, _) = listener.accept().expect("nginx, or who wakes us");
                    // Small enough to come in one piece; who wakes us says nothing.
                    let came = peer.read(&mut [0; 8192]).expect("a request");
                    asked.fetch_add(usize::from(came > 0), Ordering::Relaxed);
                    peer.write_all(if came > 0 { says } else { b"" }).expect("nginx");
                });
            }
            let head = format!("{method} / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 5\r\n\r\n");
            let answer = door.ask([head.as_bytes(), b"hello"].concat());
            for listener in &listeners {
                drop(TcpStream::connect(listener.local_addr().expect("its port")));
            }
            answer.expect("an answer")
        });
        assert_eq!((answer.head.status, asked.into_inner()), (status, times), "{method}, {}", says.escape_ascii());
    }
}

/// Apache asks nobody again what it has sent, so that one may be killed only while it has nothing to do.
#[test]
fn apache_balances_around_one_that_is_gone() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let stage = Stage::new();
        let mut instances = three(server, &stage);
        let port = Port::free();
        let site = site("apache-balance.conf", &port, "*:80", "PORT", instances.iter().map(|(at, _)| at));
        let door = plain(apache(&stage, "apache", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&door, || ());
        instances[1].1.kill();
        all_are_answered(&door, || ());
    }
}
