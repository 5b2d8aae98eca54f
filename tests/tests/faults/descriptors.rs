//! A process that has no descriptors left, or no memory for threads.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use uwsgi_tests::load::{Process, ServerAddress, get, status};
use uwsgi_tests::ours::Kind;

use crate::{TestDir, exists, shell, shell_of, wait_for_descriptors, wait_until_at_rest};

#[test]
fn descriptors_run_out_and_come_back() {
    Kind::BOTH.into_iter().for_each(runs_out_and_recovers);
}

fn runs_out_and_recovers(kind: Kind) {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let options = [&*format!("bind={bind}")];
    let process = Process::start(&mut shell_of(kind, "ulimit -n 64;", &options), &at).unwrap();
    let mut idle: Vec<_> = (0..100).map(|_| at.connect().unwrap()).collect();
    wait_for_descriptors(&process, 64);

    // Accepted connections are served.
    idle[0].write_all(&get("/")).unwrap();
    let mut answer = Vec::new();
    idle[0].read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);

    waits_quietly(&process);

    // Connections that wait are accepted when others close.
    let mut last = idle.pop().unwrap();
    last.write_all(&get("/")).unwrap();
    drop(idle);
    answer.clear();
    last.read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(status(&at.ask(&get("/")).unwrap()), 200);
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

/// The server raises the soft limit of its process, so that no connection waits for a descriptor.
#[test]
fn connections_over_the_limit_are_refused_though_the_soft_limit_is_low() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let options = [&*format!("bind={bind}"), "max=100"];
    let process = Process::start(&mut shell("ulimit -Sn 64;", &options), &at).unwrap();
    let mut idle: Vec<_> = (0..100).map(|_| at.connect().unwrap()).collect();
    wait_for_descriptors(&process, 100);
    let mut answer = Vec::new();
    at.connect().unwrap().read_to_end(&mut answer).unwrap();
    assert_eq!(status(&answer), 503);
    for stream in &mut idle {
        stream.write_all(&get("/")).unwrap();
        answer.clear();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
    }
}

/// While a server stops, descriptors become free. It still serves the peers that connected before the stop.
#[test]
fn connections_that_wait_for_a_descriptor_are_served_at_a_stop() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let options = [&*format!("bind={bind}"), "trace=error"];
    let mut process = Process::start(&mut shell("ulimit -n 64;", &options), &at).unwrap();
    // A stop closes this one first, so that the test sees when the stop has begun.
    let mut idle = at.connect().unwrap();
    let mut begun: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = at.connect().unwrap();
            stream.write_all(&get("/")[..10]).unwrap();
            stream
        })
        .collect();
    wait_for_descriptors(&process, 64);
    process.signal(Signal::TERM).unwrap();
    let mut answer = Vec::new();
    idle.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty(), "{}", answer.escape_ascii());
    for stream in &mut begun {
        stream.write_all(&get("/")[10..]).unwrap();
        answer.clear();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(status(&answer), 200);
    }
    let (ended, took) = process.ended_within(Duration::from_secs(10)).unwrap();
    assert!(ended.success() && took < Duration::from_secs(3), "{ended} {took:?}");
    // The server has tried many times, and logs it once.
    let logged = process.stderr().unwrap();
    assert_eq!(logged.matches("ERROR cannot accept connections").count(), 1, "{logged}");
}

/// There is no memory for the thread of the second listener: the server does not start, and leaves no socket.
#[test]
fn a_server_that_cannot_start_leaves_no_socket() {
    let test_dir = TestDir::new();
    let ((first, one), (second, two)) = (test_dir.socket("a.sock"), test_dir.socket("b.sock"));
    let options = [&*format!("bind={one}"), &*format!("bind={two}"), "stack=1073741824"];
    let child = shell("ulimit -v 1500000;", &options).spawn().unwrap();
    let mut process = Process::from_child(child);
    let (ended, _) = process.ended_within(Duration::from_secs(10)).unwrap();
    assert!(!ended.success(), "{ended}");
    for at in [first, second] {
        let ServerAddress::Unix(path) = at else { unreachable!() };
        assert!(!exists(&path), "{} is left", path.display());
    }
}

#[test]
fn threads_run_out_and_come_back() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    // There is memory for about 8 stacks of 1 GiB.
    let options = [&*format!("bind={bind}"), "stack=1073741824"];
    let mut command = shell("ulimit -v 9000000;", &options);
    let process = Process::start(command.stderr(std::process::Stdio::null()), &at).unwrap();
    let idle: Vec<_> = (0..40).map(|_| at.connect().unwrap()).collect();
    wait_until_at_rest(&process);

    // A connection that comes now waits until others leave.
    let mut late = at.connect().unwrap();
    late.write_all(&get("/")).unwrap();
    // Nothing comes in this time.
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
