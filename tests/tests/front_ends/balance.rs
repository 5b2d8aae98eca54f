//! Three instances behind one front end, and one of them killed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uwsgi_tests::programs::{Listen, Port, Program, Snippet, Stage, apache, nginx};

use super::matrix::{Door, SERVERS, Server, Settings, plain};

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
fn site(name: &str, port: &Port, natural: &str, real: &str, instances: &[(Listen, Program<'_>)]) -> Snippet {
    let site = Snippet::read(name).with(natural, real.replace("PORT", &port.address().to_string()));
    let natural = ["127.0.0.1:3031", "127.0.0.1:3032", "127.0.0.1:3033"];
    natural.iter().zip(instances).fold(site, |site, (natural, (listen, _))| site.with(natural, listen.to_string()))
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
            while asked.load(Ordering::Relaxed) < CLIENTS * TIMES / 3 {
                thread::yield_now();
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
        let site = site("nginx-balance.conf", &port, "listen 80;", "listen PORT;", &instances);
        let door = plain(nginx(&stage, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&door, || instances[1].1.kill());
    }
}

/// Apache asks nobody again what it has sent, so that one may be killed only while it has nothing to do.
#[test]
fn apache_balances_around_one_that_is_gone() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let stage = Stage::new();
        let mut instances = three(server, &stage);
        let port = Port::free();
        let site = site("apache-balance.conf", &port, "*:80", "PORT", &instances);
        let door = plain(apache(&stage, "apache", &site, &[&Listen::Tcp(port.clone())]), &port);
        all_are_answered(&door, || ());
        instances[1].1.kill();
        all_are_answered(&door, || ());
    }
}
