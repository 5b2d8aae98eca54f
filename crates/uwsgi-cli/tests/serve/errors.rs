//! Wrong options: status 2, and a line that says what to do.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::server::{Directory, Request};

fn error_of(arguments: &[&str]) -> String {
    crate::program::error_of("serve", arguments)
}

#[test]
fn an_address_that_is_not_available_is_an_error() {
    let directory = Directory::new("wrong");
    let path = |name: &str| directory.0.join(name).display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let socket = path("taken");
    let _listening = UnixListener::bind(&socket).unwrap();
    let file = path("file");
    std::fs::write(&file, "precious").unwrap();
    let nowhere = path("no/such/directory/s");
    let below = path("file/s");
    for (address, line) in [
        (&*port, format!("{port} is in use: stop the server that listens there, or choose another address")),
        (&socket, format!("{socket} is in use: stop the server that listens there, or choose another path")),
        (&file, format!("{file} is there and is no socket: move it away, or choose another path")),
        ("/tmp", "/tmp is a directory: write the path of a socket in it".into()),
        (&nowhere, format!("cannot listen at {nowhere}: the directory does not exist: make it, or choose another path")),
        (&below, format!("cannot listen at {below}: the directory does not exist: make it, or choose another path")),
        (
            "192.0.2.1:3031",
            "cannot listen at 192.0.2.1:3031: this machine does not have that address: choose one that `ip address` lists, \
             or 0.0.0.0"
                .into(),
        ),
        (
            "fd:9",
            "descriptor 9 was not handed over: LISTEN_FDS has to count it, and LISTEN_PID to name this process".into(),
        ),
    ] {
        assert_eq!(error_of(&["--bind", address]), format!("error: {line}\n"));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let name = error_of(&["--bind", "no-such-host.invalid:3031"]);
    assert!(name.starts_with("error: cannot listen at no-such-host.invalid:3031: the name"), "{name}");
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error() {
    let error = error_of(&["--bind", "127.0.0.1:0", "--access-log", "/no/such/directory/log"]);
    assert!(error.starts_with("error: cannot write /no/such/directory/log: "), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn invalid_values_are_errors() {
    for (option, value, what) in [
        ("--allow-from", "10.0.0.0/33", "entry 1 is no address and no network: write 127.0.0.1, 10.0.0.0/8, ::1 or *"),
        ("--allow-from", "127.0.0.1,localhost", "entry 2 is no address and no network"),
        ("--bind", "127.0.0.1", "no port from 0 to 65535: write host:port, or a path with a / in it"),
        ("--bind", "http://localhost:3031/", "a URL, not an address: leave out http:// or uwsgi://, and the path"),
        ("--max-body", "10T", "not a number of bytes: write 512, 64k, 10M or 1G"),
        ("--header-timeout", "1m", "not a time in seconds: write 10 or 0.5"),
        ("--keepalive", "0", "the time must be more than 0 and at most 86400 seconds"),
        ("--socket-mode", "rw", "not a file mode: write three digits from 0 to 7, such as 660"),
        ("--workers", "0", "0 is not in 1..=65535"),
        ("--max-vars", "70000", "70000 is not in 1..=65535"),
    ] {
        let error = error_of(&[option, value]);
        let first = error.lines().next().unwrap();
        assert!(first.starts_with(&format!("error: invalid value '{value}' for '{option} <")), "{error}");
        assert!(first.contains(what), "{error}");
    }
}

/// On a full disk neither the access log nor the other log can be written. Requests are answered all the same.
#[test]
#[cfg(target_os = "linux")]
fn logs_that_cannot_be_written_stop_no_request() {
    let directory = Directory::new("full");
    let socket = directory.0.join("s");
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_uwsgictl"))
        .args(["serve", "--max-connections", "5", "--access-log", "/dev/full", "--bind"])
        .arg(format!("unix:{}", socket.display()))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(full())
        .stderr(full())
        .spawn()
        .unwrap();
    let ask = |request: &[u8]| -> io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map(|_| answer)
    };
    let begun = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server does not listen");
        thread::sleep(Duration::from_millis(5));
    }
    let good = Request::get("/").to_bytes();
    for _ in 0..20 {
        // A refusal is logged on standard error.
        assert!(ask(&[0; 4]).unwrap().starts_with(b"HTTP/1.1 400 "));
        assert!(ask(&good).unwrap().starts_with(b"HTTP/1.1 200 "));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
