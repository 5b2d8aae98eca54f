//! Many applications panic and many peers reset at once: the server goes on, and loses nothing.

use std::io::Read;
use std::thread;
use std::time::Duration;

use uwsgi_tests::load::{Process, ServerAddress, get, post, status};
use uwsgi_tests::ours::Kind;
use uwsgi_tests::port::Port;

use crate::{TestDir, command_of, wait_until};

fn start(kind: Kind, test_dir: &TestDir, options: &[&str]) -> (Process, ServerAddress) {
    let (at, bind) = test_dir.socket("a.sock");
    let bind = format!("bind={bind}");
    let options: Vec<&str> = options.iter().copied().chain([&*bind]).collect();
    let mut command = command_of(kind, &options);
    // Each panic prints lines.
    command.stderr(std::process::Stdio::null());
    (Process::start(&mut command, &at).unwrap(), at)
}

/// Calls `act` on several threads, several times on each.
fn each(threads: usize, times: usize, act: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for thread in 0..threads {
            let act = &act;
            scope.spawn(move || (0..times).for_each(|time| act(thread * times + time)));
        }
    });
}

#[test]
fn applications_that_panic_under_load() {
    Kind::BOTH.into_iter().for_each(panics_under_load);
}

fn panics_under_load(kind: Kind) {
    let test_dir = TestDir::new();
    let (process, at) = start(kind, &test_dir, &["workers=2"]);
    each(8, 50, |number| {
        let (path, expected) = match number % 4 {
            0 => ("/panic", 500),
            1 => ("/fail", 500),
            2 => ("/halfway", 200),
            _ => ("/", 200),
        };
        let answer = at.ask(&get(path)).unwrap();
        assert_eq!(status(&answer), expected, "{path}: {}", answer.escape_ascii());
        match path {
            "/halfway" => assert!(answer.ends_with(b"\r\n\r\n12345")),
            "/" => assert!(answer.ends_with(b"hello\n")),
            _ => {}
        }
    });
    // Both permits were given back.
    each(2, 5, |_| assert_eq!(status(&at.ask(&get("/sleep/10")).unwrap()), 200));
    assert!(process.resident().is_ok(), "the process has ended");
}

#[test]
fn peers_that_reset_in_the_middle() {
    Kind::BOTH.into_iter().for_each(resets_in_the_middle);
}

fn resets_in_the_middle(kind: Kind) {
    let test_dir = TestDir::new();
    let (unix, bind) = test_dir.socket("a.sock");
    let port = Port::free();
    let tcp = ServerAddress::Tcp(port.address());
    let options = [format!("bind={bind}"), format!("bind={}", port.address()), "workers=2".into()];
    let mut command = command_of(kind, &options.each_ref().map(String::as_str));
    command.stderr(std::process::Stdio::null());
    let process = Process::start(&mut command, &tcp).unwrap();
    let whole = [post("/read", 5), b"hello".to_vec()].concat();
    each(4, 100, |number| {
        let at = if number % 2 == 0 { &tcp } else { &unix };
        match number % 5 {
            // A reset within the header, within the block, within the body, before the answer.
            0 => at.reset_after(&whole[..2]).unwrap(),
            1 => at.reset_after(&whole[..30]).unwrap(),
            2 => at.reset_after(&whole[..whole.len() - 2]).unwrap(),
            3 => at.reset_after(&whole).unwrap(),
            // A reset within an answer that does not fit into the socket.
            _ => {
                let mut stream = at.connect().unwrap();
                std::io::Write::write_all(&mut stream, &get("/stream/4096")).unwrap();
                stream.read_exact(&mut [0; 1000]).unwrap();
                rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }
        }
    });
    for at in [&tcp, &unix] {
        each(2, 5, |_| assert_eq!(status(&at.ask(&get("/sleep/10")).unwrap()), 200));
    }
    // All connections are closed in the end, and only what listens stays open.
    wait_until("at most 20 descriptors are open", || process.descriptors().unwrap() <= 20);
}
