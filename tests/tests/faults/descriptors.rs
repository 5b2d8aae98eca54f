//! A process that has no descriptors left.

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

    // Nobody turns in circles meanwhile.
    let before = process.used().unwrap();
    thread::sleep(Duration::from_millis(1000));
    let used = process.used().unwrap() - before;
    assert!(used < Duration::from_millis(200), "{used:?} of processor time in a second of waiting");

    // Those who wait are let in when others leave.
    let mut last = idle.pop().unwrap();
    last.write_all(&get("/")).unwrap();
    drop(idle);
    answer.clear();
    last.read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
}
