//! The exit status of every command: 0 success, 1 no, 2 failure, 3 not alive, 22 `--fail`, as `uwsgictl --help` and the README
//! say.

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener};

use crate::run_with;

/// The server of a command.
enum Peer {
    /// It answers every request with these bytes, and closes.
    Answers(&'static [u8]),
    /// It closes without an answer.
    Closes,
    /// Nothing listens at the address.
    Absent,
    /// The command needs no server.
    None,
}

use Peer::{Absent, Answers, Closes};

const GOOD: Peer = Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
const BAD: Peer = Answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
const STORED: Peer = Answers(b"\x6f\x0c\0\x11\x06\0status\x02\0ok");
const CACHED: Peer = Answers(b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x002v1");
const YES: Peer = Answers(b"\xff\0\0\x01");
const NO: Peer = Answers(b"\xff\0\0\0");

#[test]
fn every_command_has_the_documented_status() {
    let rows: &[(&[&str], Peer, i32)] = &[
        (&["decode", "--hex"], Peer::None, 0),
        (&["decode"], Peer::None, 1),
        (&["decode", "/nowhere/packet"], Peer::None, 2),
        (&["encode", "A=B", "--hex"], Peer::None, 0),
        (&["encode", "=B", "--hex"], Peer::None, 2),
        (&["man", "--dir", "/dev/null/x"], Peer::None, 2),
        (&["serve", "--bind", "/nowhere/at.sock"], Peer::None, 2),
        (&["request", "/"], GOOD, 0),
        (&["request", "/"], BAD, 0),
        (&["request", "/", "--fail"], BAD, 22),
        (&["request", "/"], Closes, 2),
        (&["request", "/"], Absent, 2),
        (&["ping"], Answers(b"\x64\0\0\x01"), 0),
        (&["ping"], Answers(b"\x64\x04\0\x01full"), 1),
        (&["ping"], Closes, 2),
        (&["ping"], BAD, 2),
        (&["ping"], Absent, 3),
        (&["ping", "127.0.0.1:3031"], Absent, 2),
        (&["rpc", "f"], Answers(b"\xad\x01\0\0x"), 0),
        (&["rpc", "f"], Closes, 2),
        (&["rpc", "f"], Absent, 2),
        (&["cache", "get", "k"], CACHED, 0),
        (&["cache", "get", "k"], Closes, 1),
        (&["cache", "get", "k"], BAD, 2),
        (&["cache", "get", "k"], Absent, 2),
        (&["cache", "set", "k", "v"], STORED, 0),
        (&["cache", "set", "k", "v"], Closes, 1),
        (&["cache", "set", "k", "v"], Absent, 2),
        (&["cache", "update", "k", "v"], STORED, 0),
        (&["cache", "update", "k", "v"], Closes, 1),
        (&["cache", "update", "k", "v"], Absent, 2),
        (&["cache", "del", "k"], STORED, 0),
        (&["cache", "del", "k"], Closes, 1),
        (&["cache", "del", "k"], Absent, 2),
        (&["cache", "exists", "k"], STORED, 0),
        (&["cache", "exists", "k"], Closes, 1),
        (&["cache", "exists", "k"], Absent, 2),
        (&["cache", "clear"], STORED, 0),
        (&["cache", "clear"], Closes, 1),
        (&["cache", "clear"], Absent, 2),
        (&["spool", "a=b"], YES, 0),
        (&["spool", "a=b"], NO, 1),
        (&["spool", "a=b"], Closes, 2),
        (&["spool", "a=b"], Absent, 2),
        (&["signal", "1"], YES, 0),
        (&["signal", "1"], NO, 1),
        (&["signal", "1"], Closes, 2),
        (&["signal", "1"], Absent, 2),
        (&["subscribe", "--key", "", "--address", ":1"], Absent, 2),
        (&["bench", "-n", "2"], GOOD, 0),
        (&["bench", "-n", "2"], BAD, 0),
        (&["bench", "-n", "2"], Closes, 2),
        (&["bench", "-n", "2"], Absent, 2),
        (&["check", "ok-get"], GOOD, 0),
        (&["check", "trailing-1"], GOOD, 1),
        (&["check", "ok-get"], Absent, 2),
    ];
    std::thread::scope(|scope| {
        for (command, peer, status) in rows {
            scope.spawn(move || {
                let to = peer.address();
                let mut arguments = command.to_vec();
                arguments.extend(to.iter().flat_map(|to| ["--to", to]));
                let result = run_with(&arguments, b"00 0600 00  0100 41 0100 42");
                assert_eq!(result.status, *status, "{command:?}: {}", result.stderr);
            });
        }
    });
}

impl Peer {
    /// Starts the server, and returns its address.
    fn address(&self) -> Option<String> {
        let answer = match self {
            Answers(answer) => *answer,
            Closes => b"",
            Absent => return Some(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()),
            Self::None => return None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
                    // Reads to the end of the stream, or until nothing comes for 50 ms.
                    let mut buffer = [0; 70_000];
                    while match stream.read(&mut buffer) {
                        Ok(count) => count > 0,
                        Err(error) => error.kind() == ErrorKind::Interrupted,
                    } {}
                    let _closed = stream.write_all(answer);
                    let _closed = stream.shutdown(Shutdown::Write);
                });
            }
        });
        Some(address)
    }
}
