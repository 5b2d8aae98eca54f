//! `ping`, `rpc`, `cache`, `spool` and `signal`: the packets that they send, and how they report the answers.

use std::io::Write;

use crate::server::{Server, packet};
use crate::{run, run_with, scratch};

/// A command, what it sends, the answer of the server, and the result.
struct Row {
    command: &'static [&'static str],
    packet: &'static [u8],
    /// The bytes after the packet.
    value: &'static [u8],
    answer: &'static [u8],
    status: i32,
    stdout: &'static str,
    /// The error message after the address of the server.
    stderr: &'static str,
}

/// The start of the error if the server closes without an answer.
const NO_ANSWER: &str = "the server closed without an answer, as uWSGI does with what it refuses: ";
const OK: &[u8] = b"\x6f\x0c\0\x11\x06\0status\x02\0ok";
const GET: &[u8] = b"\x6f\x12\0\x11\x03\0cmd\x03\0get\x03\0key\x01\0k";

const ROWS: &[Row] = &[
    Row {
        command: &["ping"],
        packet: b"\x64\0\0\0",
        value: b"",
        answer: b"\x64\x05\0\x01a\x1b[2J",
        status: 1,
        stdout: "alive, with a warning: a\\x1b[2J\n",
        stderr: "",
    },
    Row {
        command: &["ping"],
        packet: b"\x64\0\0\0",
        value: b"",
        answer: b"",
        status: 2,
        stdout: "",
        stderr: "does it have the plugin for this?",
    },
    Row {
        command: &["rpc", "hello", "a", "-4"],
        packet: b"\xad\x0e\0\0\x05\0hello\x01\0a\x02\0-4",
        value: b"",
        answer: b"\xad\x03\0\0abc",
        status: 0,
        stdout: "abc",
        stderr: "",
    },
    Row {
        command: &["rpc", "f"],
        packet: b"\xad\x03\0\0\x01\0f",
        value: b"",
        answer: b"\xad\x13\0\x05\x0e\0CONTENT_LENGTH\x01\x003abc",
        status: 0,
        stdout: "abc",
        stderr: "",
    },
    Row {
        command: &["rpc", "f"],
        packet: b"\xad\x03\0\0\x01\0f",
        value: b"",
        answer: b"\xad\x13\0\x05\x0e\0CONTENT_LENGTH\x01\x009abc",
        status: 2,
        stdout: "abc",
        stderr: "the backend closed 6 bytes before the answer's end",
    },
    Row {
        command: &["rpc", "f"],
        packet: b"\xad\x03\0\0\x01\0f",
        value: b"",
        answer: b"",
        status: 2,
        stdout: "",
        stderr: "there is no such function, or it failed, or its result is empty",
    },
    Row {
        command: &["rpc", "f"],
        packet: b"\xad\x03\0\0\x01\0f",
        value: b"",
        answer: b"HTTP/1.1 501 Not Implemented\r\n\r\n",
        status: 2,
        stdout: "",
        stderr: "the answer is HTTP with status 501: does this server take anything but web requests?",
    },
    Row {
        command: &["cache", "get", "k"],
        packet: GET,
        value: b"",
        answer: b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x002v1",
        status: 0,
        stdout: "v1",
        stderr: "",
    },
    Row {
        command: &["cache", "get", "k"],
        packet: GET,
        value: b"",
        answer: b"",
        status: 1,
        stdout: "",
        stderr: "the key or the cache does not exist",
    },
    Row {
        command: &["cache", "set", "k", "value", "--cache", "c", "--expires", "60"],
        packet: b"\x6f\x32\0\x11\x03\0cmd\x03\0set\x03\0key\x01\0k\x04\0size\x01\x005\x07\0expires\x02\x0060\x05\0cache\x01\0c",
        value: b"value",
        answer: OK,
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["cache", "set", "k", "v", "--expires", "604800"],
        packet: b"\x6f\x2c\0\x11\x03\0cmd\x03\0set\x03\0key\x01\0k\x04\0size\x01\x001\x07\0expires\x06\x00604800",
        value: b"v",
        answer: OK,
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["cache", "set", "k", ""],
        packet: b"\x6f\x1b\0\x11\x03\0cmd\x03\0set\x03\0key\x01\0k\x04\0size\x01\x000",
        value: b"",
        answer: b"",
        status: 1,
        stdout: "",
        stderr: "the value was not stored: the key has a value, or the cache is full or does not exist",
    },
    Row {
        command: &["cache", "update", "k", "--file", "-"],
        packet: b"\x6f\x1e\0\x11\x03\0cmd\x06\0update\x03\0key\x01\0k\x04\0size\x01\x006",
        value: b"input\n",
        answer: OK,
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["cache", "update", "k", "v"],
        packet: b"\x6f\x1e\0\x11\x03\0cmd\x06\0update\x03\0key\x01\0k\x04\0size\x01\x001",
        value: b"v",
        answer: b"",
        status: 1,
        stdout: "",
        stderr: "is there such a cache, and is the value no larger than its blocks?",
    },
    Row {
        command: &["cache", "del", "k"],
        packet: b"\x6f\x12\0\x11\x03\0cmd\x03\0del\x03\0key\x01\0k",
        value: b"",
        answer: b"",
        status: 1,
        stdout: "",
        stderr: "the key or the cache does not exist",
    },
    Row {
        command: &["cache", "exists", "k"],
        packet: b"\x6f\x15\0\x11\x03\0cmd\x06\0exists\x03\0key\x01\0k",
        value: b"",
        answer: OK,
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["cache", "exists", "k"],
        packet: b"\x6f\x15\0\x11\x03\0cmd\x06\0exists\x03\0key\x01\0k",
        value: b"",
        answer: b"",
        status: 1,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["cache", "clear"],
        packet: b"\x6f\x0c\0\x11\x03\0cmd\x05\0clear",
        value: b"",
        answer: OK,
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["spool", "a=b", "c=", "--body", "-"],
        packet: b"\x11\x19\0\0\x01\0a\x01\0b\x01\0c\0\0\x04\0body\x06\0input\n",
        value: b"",
        answer: b"\xff\0\0\x01",
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["spool", "a=b"],
        packet: b"\x11\x06\0\0\x01\0a\x01\0b",
        value: b"",
        answer: b"\xff\0\0\0",
        status: 1,
        stdout: "",
        stderr: "the task was refused: was the server started with --spooler?",
    },
    Row {
        command: &["signal", "17"],
        packet: b"\x6e\0\0\x11",
        value: b"",
        answer: b"\xff\0\0\x01",
        status: 0,
        stdout: "",
        stderr: "",
    },
    Row {
        command: &["signal", "0"],
        packet: b"\x6e\0\0\0",
        value: b"",
        answer: b"\xff\0\0\0",
        status: 1,
        stdout: "",
        stderr: "the signal was refused: is the queue of signals full?",
    },
];

#[test]
fn commands_send_their_packets_and_report_the_answers() {
    for row in ROWS {
        let server = Server::new(1, |_, stream| {
            let sent = packet(stream);
            assert_eq!(sent, row.packet, "{:?}: {}", row.command, sent.escape_ascii());
            let mut value = vec![0; row.value.len()];
            std::io::Read::read_exact(stream, &mut value).unwrap();
            assert_eq!(value, row.value, "{:?}", row.command);
            let _closed = stream.write_all(row.answer);
        });
        let result = run_with(&[row.command, &["--to", &server.address]].concat(), b"input\n");
        let name = format!("{:?}", row.command);
        assert_eq!(result.status, row.status, "{name}: {}", result.stderr);
        let printed = result.text().strip_prefix(&format!("{}: ", server.address)).unwrap_or(result.text());
        assert_eq!(printed, row.stdout, "{name}");
        match result.stderr.strip_prefix(&format!("error: {}: ", server.address)) {
            Some(error) => {
                assert_eq!(error.strip_prefix(NO_ANSWER).unwrap_or(error), format!("{}\n", row.stderr), "{name}")
            }
            None => assert_eq!((&*result.stderr, row.stderr), ("", ""), "{name}"),
        }
        server.end();
    }
}

#[test]
fn ping_prints_that_the_server_is_alive() {
    let server = Server::new(1, |_, stream| {
        packet(stream);
        stream.write_all(b"\x64\0\0\x01").unwrap();
    });
    let result = run(&["ping", "--to", &server.address]);
    let prefix = format!("{}: alive, after ", server.address);
    assert!(
        result.status == 0 && result.text().starts_with(&prefix) && result.text().ends_with("s\n"),
        "{}",
        result.text()
    );
    server.end();
}

#[test]
fn invalid_arguments_are_refused() {
    let long = "x".repeat(70_000);
    for (arguments, error) in [
        (&["rpc", "f", ""][..], "an empty array item, which uWSGI drops or refuses"),
        (&["rpc", "", "a"], "an empty array item, which uWSGI drops or refuses"),
        (&["rpc", "f", &long], "an item of 70000 bytes, a length field says at most 65535"),
        (&["spool", "=x"], "an empty key, which uWSGI refuses"),
        (&["spool", "x"], "x: not of the form KEY=VALUE"),
        (&["cache", "get", &long], "a value of 70000 bytes, a length field says at most 65535"),
        (&["subscribe", "--key", "", "--address", ":1"], "the value of key is not one that this message allows"),
        (
            &["subscribe", "--key", &"x".repeat(256), "--address", ":1"],
            "the value of key is not one that this message allows",
        ),
    ] {
        let result = run(&[arguments, &["--to", "127.0.0.1:1"]].concat());
        assert_eq!((result.status, result.text()), (2, ""), "{error}");
        assert!(result.stderr.ends_with(&format!("{error}\n")), "{}", result.stderr);
        assert_eq!(result.stderr.lines().count(), 1);
    }
    for arguments in [
        &["signal", "256"][..],
        &["signal", "-1"],
        &["signal"],
        &["spool"],
        &["spool", "x"],
        &["cache"],
        &["cache", "set", "k"],
        &["cache", "set", "k", "v", "--file", "f"],
        &["cache", "set", "k", "v", "--expires", "0"],
        &["cache", "set", "k", "v", "--expires", "0.5"],
        &["cache", "get"],
        &["rpc"],
        &["ping", "x"],
        &["subscribe", "--key", "k"],
        &["subscribe", "--key", "k", "--address", "a", "--leave", "--every", "1"],
        &["subscribe", "--key", "k", "--address", "a", "--algo", "random"],
    ] {
        assert_eq!(run(&[arguments, &["--to", "127.0.0.1:1"]].concat()).status, 2, "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let server = Server::new(2, |number, stream| {
        packet(stream);
        let answer: [&[u8]; 2] = [b"\xad\x03\0\0abc", b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x002v1"];
        stream.write_all(answer[number]).unwrap();
    });
    for arguments in [["rpc", "f"].as_slice(), &["cache", "get", "k"]] {
        let result = run(&[arguments, &["--to", &server.address, "-o", "/dev/full"]].concat());
        assert_eq!(result.status, 2);
        assert_eq!(result.stderr, "error: cannot write /dev/full: No space left on device (os error 28)\n");
    }
    server.end();
}

#[test]
fn values_come_from_files_and_go_into_files() {
    let directory = scratch("values");
    let (from, into) = (directory.join("from"), directory.join("into"));
    std::fs::write(&from, b"from a file").unwrap();
    let server = Server::new(2, |number, stream| {
        packet(stream);
        if number == 0 {
            let mut value = [0; 11];
            std::io::Read::read_exact(stream, &mut value).unwrap();
            assert_eq!(&value, b"from a file");
            stream.write_all(OK).unwrap();
        } else {
            stream.write_all(b"\xad\x04\0\0done").unwrap();
        }
    });
    run(&["cache", "set", "k", "--file", from.to_str().unwrap(), "--to", &server.address]).success();
    run(&["rpc", "f", "--to", &server.address, "-o", into.to_str().unwrap()]).success();
    assert_eq!(std::fs::read(&into).unwrap(), b"done");
    server.end();
}
