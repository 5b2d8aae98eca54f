//! A process that has no descriptors left, or no room for threads.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use uwsgi_tests::load::{Process, get, status};

use crate::{Place, shell};

#[test]
fn descriptors_run_out_and_come_back() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    let process = Process::start(&mut shell("ulimit -n 64;", &[&format!("bind={bind}")]), &at).unwrap();
    let mut idle: Vec<_> = (0..100).map(|_| at.connect().unwrap()).collect();
    thread::sleep(Duration::from_millis(300));

    // Those who were let in are served.
    idle[0].write_all(&get("/")).unwrap();
    let mut answer = Vec::new();
    idle[0].read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);

    waits_quietly(&process);

    // Those who wait are let in when others leave.
    let mut last = idle.pop().unwrap();
    last.write_all(&get("/")).unwrap();
    drop(idle);
    answer.clear();
    last.read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
}

/// Nobody turns in circles: the least of three seconds, since a machine may count what it takes itself.
fn waits_quietly(process: &Process) {
    let least = (0..3).map(|_| {
        let before = process.used().unwrap();
        thread::sleep(Duration::from_secs(1));
        process.used().unwrap() - before
    });
    let least = least.min().unwrap();
    assert!(least < Duration::from_millis(200), "{least:?} of processor time in a second of waiting");
}

#[test]
fn threads_run_out_and_come_back() {
    let place = Place::new();
    let (at, bind) = place.socket("a.sock");
    // Room for some 8 stacks of 1 GiB.
    let options = [&*format!("bind={bind}"), "stack=1073741824"];
    let mut command = shell("ulimit -v 9000000;", &options);
    let process = Process::start(command.stderr(std::process::Stdio::null()), &at).unwrap();
    let idle: Vec<_> = (0..40).map(|_| at.connect().unwrap()).collect();
    thread::sleep(Duration::from_millis(300));

    // Whoever comes now waits until others leave.
    let mut late = at.connect().unwrap();
    late.write_all(&get("/")).unwrap();
    late.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(late.read(&mut [0; 1]).is_err(), "there was room for all of them");
    waits_quietly(&process);

    drop(idle);
    late.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    late.read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
}
