//! Temporary files: a full disk, and the limits on all bodies together.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use uwsgi_tests::backend::ScriptedBackend;
use uwsgi_tests::http1::Connection;
use uwsgi_tests::load::GatewayProcess;

use crate::{TIMEOUT, check_healthy, check_page, post, start, start_after, wait_until, wait_until_at_rest};

/// A gateway whose directory of temporary files is a disk of 1 MiB that only it can see.
struct SmallDisk {
    gateway: GatewayProcess,
    backend: ScriptedBackend,
    _directory: TempDir,
}

impl SmallDisk {
    fn start(options: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
        let backend = ScriptedBackend::start();
        let at = directory.path().display();
        // A user who is not root is root in a namespace of its own, and may mount there.
        let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user" };
        let line =
            format!("exec unshare {user} --mount sh -c 'mount -t tmpfs -o size=1m tmpfs {at}; exec \"$0\" \"$@\"'");
        let options: Vec<String> =
            options.iter().map(|option| (*option).to_owned()).chain([format!("temp_dir={at}")]).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let gateway = start_after(&format!("{line} \"$0\" \"$@\";"), &backend, &options);
        Self { gateway, backend, _directory: directory }
    }
}

fn upload(length: usize) -> Vec<u8> {
    [post("/read", length), vec![b'x'; length]].concat()
}

/// The gateway may close a connection after it has refused a body.
fn check_upload(gateway: &GatewayProcess, length: usize, expected: u16, place: &str) {
    let answer =
        gateway.connect().unwrap().exchange(&upload(length)).unwrap_or_else(|error| panic!("{place}: {error}"));
    if expected == 200 {
        assert_eq!((answer.head.status, answer.body), (200, format!("{length}\n").into_bytes()), "{place}");
    } else {
        check_page(&answer, expected, place);
    }
}

#[test]
fn a_full_disk_refuses_uploads_and_the_gateway_goes_on() {
    let SmallDisk { gateway, backend, _directory } = SmallDisk::start(&["threads=2"]);
    check_upload(&gateway, 500_000, 200, "an upload that fits");
    check_upload(&gateway, 5_000_000, 503, "an upload that does not fit");
    check_healthy(&mut gateway.connect().unwrap(), "a full disk");
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| check_upload(&gateway, 5_000_000, 503, "one of 32 uploads"));
        }
        check_healthy(&mut gateway.connect().unwrap(), "uploads to a full disk began");
    });
    // The disk is empty again.
    check_upload(&gateway, 900_000, 200, "an upload after a full disk");
    assert_eq!(backend.requests(), 4);
}

/// A long answer goes to the disk, and the backend is free. On a full disk it is read only as fast as its client takes it. It comes
/// whole in both cases.
#[test]
fn a_full_disk_slows_an_answer_down() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["threads=2"]);
    let mut stream = ask_for_long_answer(&gateway);
    wait_until("the backend is free", || backend.open() == 0 && backend.written() == LENGTH as u64);
    assert_eq!(read_body(&mut stream), LENGTH);

    let SmallDisk { gateway, backend, _directory } = SmallDisk::start(&["threads=2"]);
    let mut stream = ask_for_long_answer(&gateway);
    // The backend stops to write, because nobody takes its bytes.
    let (mut last, mut same) = (0, 0);
    wait_until("the backend has to wait", || {
        let written = backend.written();
        same = if written == last && written > 0 { same + 1 } else { 0 };
        last = written;
        same == 60
    });
    println!("the backend waits after {last} bytes");
    assert!(last < LENGTH as u64 / 2, "{last}");
    check_healthy(&mut gateway.connect().unwrap(), "a long answer waits");
    assert_eq!(read_body(&mut stream), LENGTH);
    wait_until("the backend is free", || backend.open() == 0);
}

/// Far more than all buffers of the sockets.
const LENGTH: usize = 30_000_000;

fn ask_for_long_answer(gateway: &GatewayProcess) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let request = format!("GET /bytes/{LENGTH} HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Reads an answer to the end of the stream. Returns the length of its body.
fn read_body(stream: &mut TcpStream) -> usize {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer[head..].iter().all(|byte| *byte == b'x'));
    answer.len() - head
}

/// Begins uploads that all stay open until each has sent all but its last byte.
fn begin(gateway: &GatewayProcess, count: usize, length: usize) -> Vec<Connection> {
    let begin = |_| {
        let mut connection = gateway.connect().unwrap();
        connection.send(&upload(length)[..post("/read", length).len() + length - 1]).unwrap();
        connection
    };
    (0..count).map(begin).collect()
}

/// What does not fit in memory goes to files; what does not fit there either is refused.
#[test]
fn the_limits_on_all_bodies_together() {
    let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
    let temp_dir = format!("temp_dir={}", directory.path().display());
    let backend = ScriptedBackend::start();
    // The options, the length of each upload, how many files there are while all uploads wait, and how many are refused.
    let rows = [
        ("all in memory", ["memory=67108864", "temp=67108864"], 60_000, 0..=0, 0..=0),
        ("memory for four", ["memory=262144", "temp=67108864"], 60_000, 16..=20, 0..=0),
        ("no memory", ["memory=0", "temp=67108864"], 60_000, 20..=20, 0..=0),
        ("files for some", ["memory=262144", "temp=1000000"], 200_000, 0..=8, 12..=20),
        ("neither", ["memory=0", "temp=0"], 60_000, 0..=0, 20..=20),
    ];
    for (name, [memory, temp], length, files, refused) in rows {
        let gateway = start(&backend, &[memory, temp, &temp_dir, "threads=2"]);
        let begun = begin(&gateway, 20, length);
        // A sleep, because a body that is in memory shows no sign that it was read.
        thread::sleep(Duration::from_millis(200));
        wait_until_at_rest(&gateway.process);
        let open = gateway.process.nameless_files(directory.path()).unwrap();
        let mut count = 0;
        for mut connection in begun {
            // A refused client may have been closed.
            let _gone = connection.send(b"x");
            let answer = connection.answer(false).unwrap_or_else(|error| panic!("{name}: {error}"));
            if answer.head.status == 200 {
                assert_eq!(answer.body, format!("{length}\n").into_bytes(), "{name}");
            } else {
                check_page(&answer, 503, name);
                count += 1;
            }
        }
        println!("{name}: {open} files, {count} refused");
        assert!(files.contains(&open) && refused.contains(&count), "{name}: {open} files, {count} refused");
        check_healthy(&mut gateway.connect().unwrap(), name);
        check_upload(&gateway, 5_000, 200, name);
        wait_until("the files are gone", || gateway.process.nameless_files(directory.path()).unwrap() == 0);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{name}");
    }
}
