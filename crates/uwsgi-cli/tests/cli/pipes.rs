//! Closed pipes and full disks.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::{RunResult, command, run, scratch};

/// Returns a file whose output does not fit into a pipe.
fn large_file() -> String {
    let file = scratch("plenty").join("many.bin");
    std::fs::write(&file, b"\x00\x06\x00\x00\x01\x00A\x01\x00B".repeat(50_000)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_reader_that_closes_early_is_no_failure() {
    let file = large_file();
    for arguments in [&["decode", &file][..], &["decode", "--json", &file], &["man"], &["gateway", "--help"]] {
        for read_first in [0, 100] {
            let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut stdout = child.stdout.take().unwrap();
            stdout.read_exact(&mut vec![0; read_first]).unwrap();
            drop(stdout);
            let result = RunResult::from(child.wait_with_output().unwrap());
            assert_eq!((result.status, &*result.stderr), (0, ""), "{arguments:?}");
        }
    }
}

/// The dangers are found whether or not anything reads the table to its end.
#[test]
fn a_closed_pipe_does_not_change_the_result_of_a_check() {
    for arguments in [&[][..], &["--json"]] {
        // It accepts everything, malformed or not.
        let server = crate::server::Server::new(20, |_, stream| {
            crate::server::packet(stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        });
        let all = [&["check", "--to", &server.address, "ok-get", "trailing-1", "--at-once", "1"], arguments].concat();
        let mut child = command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let result = RunResult::from(child.wait_with_output().unwrap());
        assert_eq!((result.status, &*result.stderr), (1, ""), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_does_not_change_the_result_of_a_bench() {
    let absent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = command(&["bench", "--to", &absent, "-n", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    for arguments in [
        &["encode", "A=B"][..],
        &["decode", "--hex", "--json", "/dev/null"],
        &["decode", "/dev/null"],
        &["man"],
        &["--help"],
        &["--version"],
        &["help", "decode"],
        &["cache", "get", "-h"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let result = RunResult::from(command(arguments).stdout(full).output().unwrap());
        assert_eq!(result.status, 2);
        assert!(
            result.stderr.starts_with("error: cannot write to standard output: No space left"),
            "{}",
            result.stderr
        );
    }
    let result = run(&["encode", "A=B", "-o", "/dev/full"]);
    assert_eq!(result.status, 2);
    assert!(result.stderr.starts_with("error: cannot write /dev/full: No space left"), "{}", result.stderr);
}
