//! A gateway that has no descriptors left.

use std::thread;
use std::time::Duration;

use uwsgi_tests::backend::ScriptedBackend;
use uwsgi_tests::http1::Connection;
use uwsgi_tests::load::Process;

use crate::{check_healthy, check_page, get, post, start_after, wait_until};

#[test]
fn descriptors_run_out_and_come_back() {
    let backend = ScriptedBackend::start();
    let gateway = start_after("ulimit -n 64;", &backend, &["threads=2"]);
    let mut idle: Vec<Connection> = (0..100).map(|_| gateway.connect().unwrap()).collect();
    wait_until("the descriptors are used up", || gateway.process.descriptors().unwrap() >= 64);
    waits_quietly(&gateway.process);

    // Connections that were accepted are answered: there is no descriptor for the backend, and none for a temporary file.
    check_page(&idle[0].exchange(&get("/hello")).unwrap(), 503, "no descriptor for the backend");
    let body = [post("/read", 100_000), vec![b'x'; 100_000]].concat();
    check_page(&idle[1].exchange(&body).unwrap(), 503, "no descriptor for a temporary file");
    assert_eq!(backend.requests(), 0);

    // A connection that waited is accepted when others close.
    let mut last = idle.pop().unwrap();
    drop(idle);
    wait_until("descriptors come back", || gateway.process.descriptors().unwrap() < 40);
    check_healthy(&mut last, "descriptors came back");
    check_healthy(&mut gateway.connect().unwrap(), "descriptors came back");
    assert_eq!(last.exchange(&body).unwrap().body, b"100000\n");
}

/// Clients that come while the threads start do not take the descriptors that the threads need.
#[test]
fn a_flood_at_the_start_leaves_all_threads_their_descriptors() {
    let backend = ScriptedBackend::start();
    let gateway = start_after("ulimit -n 128;", &backend, &["threads=16"]);
    let idle: Vec<Connection> = (0..200).map(|_| gateway.connect().unwrap()).collect();
    wait_until("the descriptors are used up", || gateway.process.descriptors().unwrap() >= 128);
    wait_until("all threads have started", || gateway.process.threads().unwrap() >= 16);
    drop(idle);
    // The threads have five descriptors each.
    wait_until("descriptors come back", || gateway.process.descriptors().unwrap() < 110);
    check_healthy(&mut gateway.connect().unwrap(), "a flood at the start");
}

/// Checks that no thread loops while it waits. It takes the least of three seconds, since other work may count for one of them.
fn waits_quietly(process: &Process) {
    let least = (0..3).map(|_| {
        let before = process.used().unwrap();
        // The second in which the processor time is measured.
        thread::sleep(Duration::from_secs(1));
        process.used().unwrap() - before
    });
    let least = least.min().unwrap();
    assert!(least < Duration::from_millis(200), "{least:?} of processor time in a second of waiting");
}
