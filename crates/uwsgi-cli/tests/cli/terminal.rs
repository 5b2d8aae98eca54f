//! What is different on a terminal: the progress bar, the width of tables, and binary output, which is refused.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::{RunResult, command};

/// The stream of a command that is a terminal. The other streams are not.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Stdout,
    Stderr,
}

/// Runs a command on a terminal of so many columns. Returns the result, and the bytes that the terminal got.
fn run_on_terminal(on: On, columns: u16, arguments: &[&str]) -> (RunResult, String) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = ioctl_tiocgptpeer(&ours, flags).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let (stdout, stderr) = match on {
        On::Stdout => (Stdio::from(theirs), Stdio::piped()),
        On::Stderr => (Stdio::piped(), Stdio::from(theirs)),
    };
    let child =
        command(arguments).env("TERM", "xterm").env_remove("COLUMNS").stdout(stdout).stderr(stderr).spawn().unwrap();
    let reader = std::thread::spawn(move || {
        // After the last writer has closed the terminal, a read fails.
        let (mut terminal, mut seen, mut buffer) = (File::from(ours), Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = terminal.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(seen).unwrap()
    });
    let result = RunResult::from(child.wait_with_output().unwrap());
    (result, reader.join().unwrap())
}

/// Starts a server that answers every request with `hello`.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _closed = stream.read(&mut [0; 4096]);
            let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    address
}

/// Whether the line of the progress bar is erased at the end.
fn is_cleared(seen: &str) -> bool {
    // ECMA-48, ERASE IN LINE.
    let mut parts = seen.rsplit("\x1b[2K");
    parts.next().is_some_and(|last| !last.contains(char::is_alphanumeric)) && parts.next().is_some()
}

#[test]
fn bench_shows_its_progress() {
    let to = server();
    let (result, seen) = run_on_terminal(On::Stderr, 100, &["bench", "--to", &to, "-c", "2", "-d", "0.7", "--json"]);
    assert!(seen.contains(" requests, ") && seen.contains(" per second"), "{seen:?}");
    assert!(seen.contains(" %  "), "{seen:?}");
    assert!(is_cleared(&seen), "{seen:?}");
    let report: serde_json::Value = serde_json::from_str(result.text()).unwrap();
    assert_eq!((result.status, &report["requests"]["failed"]), (0, &0.into()));

    // Failures are shown during the run.
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (result, seen) = run_on_terminal(On::Stderr, 100, &["bench", "--to", &absent, "--json"]);
    assert!(seen.contains(" failed"), "{seen:?}");
    assert!(result.status == 2 && !result.text().contains('\x1b'), "{}", result.text());
}

#[test]
fn check_shows_its_progress() {
    let (result, seen) = run_on_terminal(On::Stderr, 100, &["check", "--to", &server(), "--row", "served"]);
    assert!(seen.contains(" of ") && seen.contains(" cases"), "{seen:?}");
    assert!(is_cleared(&seen), "{seen:?}");
    assert!(!result.stdout.contains(&0x1b) && !result.stdout.contains(&b'\r'), "{}", result.text());
}

#[test]
fn binary_output_is_refused_on_a_terminal() {
    let binary =
        "error: the output is binary and may upset the terminal: use --output FILE, or --output - to write it anyway\n";
    let in_head = b"HTTP/1.1 200 OK\r\n\r\na\0b";
    let value: &[u8] = b"\xad\x03\0\0a\0b";
    let cached: &[u8] = b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x003a\0b";
    for (command, answer) in
        [(&["request", "/"][..], &in_head[..]), (&["rpc", "f"], value), (&["cache", "get", "k"], cached)]
    {
        let server = crate::server::answering(2, answer);
        let arguments = [command, &["--to", &*server.address]].concat();
        let (result, seen) = run_on_terminal(On::Stdout, 80, &arguments);
        assert_eq!((result.status, &*result.stderr, &*seen), (2, binary, ""), "{command:?}");
        let (result, seen) = run_on_terminal(On::Stdout, 80, &[&arguments[..], &["--output", "-"]].concat());
        assert_eq!((result.status, &*result.stderr, &*seen), (0, "", "a\0b"), "{command:?}");
        server.end();
    }
    // Text is not refused, and a pipe takes everything.
    let server = crate::server::answering(1, b"HTTP/1.1 200 OK\r\n\r\nh\xc3\xa9llo");
    let (result, seen) = run_on_terminal(On::Stdout, 80, &["request", "/", "--to", &server.address]);
    assert_eq!((result.status, &*result.stderr, &*seen), (0, "", "h\u{e9}llo"));
    server.end();
    let (result, seen) = run_on_terminal(On::Stdout, 80, &["encode", "A=B"]);
    assert!(result.status == 2 && result.stderr.contains("a packet is binary") && seen.is_empty(), "{}", result.stderr);
}

/// Removes the styles from what a terminal got.
fn without_styles(seen: &str) -> String {
    // ECMA-48, SELECT GRAPHIC RENDITION.
    seen.split("\x1b[")
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect()
}

#[test]
fn check_fits_on_80_columns() {
    let to = server();
    let length = ["check", "--to", &to, "--row", "invalid-length", "--row", "served"];
    let (result, seen) = run_on_terminal(On::Stdout, 80, &length);
    assert_eq!((result.status, &*result.stderr), (1, ""));
    let text = without_styles(&seen);
    assert!(
        text.contains("\r\n!   length-plus ") && text.contains("uWSGI: 200 (body 0); gunicorn: 200 (body 5) | gthread")
    );
    for (arguments, columns) in [(&length[..], 80), (&["check", "--list"], 80), (&length, 300)] {
        let (_, seen) = run_on_terminal(On::Stdout, columns, arguments);
        for line in without_styles(&seen).lines() {
            assert!(line.chars().count() <= usize::from(columns), "{columns} columns: {line}");
        }
    }
    // A wide terminal and a file get the same lines.
    let (_, seen) = run_on_terminal(On::Stdout, 300, &length);
    assert_eq!(without_styles(&seen).replace('\r', ""), crate::run(&length).text());
}
