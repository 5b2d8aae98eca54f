//! What `request` has of curl: options, and the status after a closed pipe.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::request::{HELLO, ask};
use crate::server::Server;
use crate::{RunResult, command, run};

/// As curl does: a script that reads `PIPESTATUS` learns that it has not seen the whole answer.
#[test]
fn a_reader_that_closes_early_has_the_status_of_curl() {
    let closed = "error: standard output was closed before the end of the answer\n";
    for (options, message) in [(&[][..], closed), (&["-s"], ""), (&["-s", "-S"], closed)] {
        let server = Server::new(1, |_, stream| {
            crate::server::packet(stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        });
        let mut child = command(&[&["request", "--to", &server.address, "/"], options].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 100]).unwrap();
        drop(stdout);
        let result = RunResult::from(child.wait_with_output().unwrap());
        assert_eq!((result.status, &*result.stderr), (23, message), "{options:?}");
        server.end();
    }
}

/// `-s` silences what happens to the exchange, and not what is wrong with the command line.
#[test]
fn silent_leaves_the_status_alone() {
    let not_found = b"HTTP/1.1 404 Not Found\r\n\r\nwhat?";
    for (answer, options, status, has_message) in [
        (&not_found[..], &["-sf"][..], 22, false),
        (not_found, &["-sSf"], 22, true),
        (not_found, &["-s"], 0, false),
        (b"", &["--silent"], 2, false),
        (b"", &["--silent", "--show-error"], 2, true),
        (b"", &["-S"], 2, true),
    ] {
        let (result, _) = ask(answer, &[&["/"], options].concat());
        assert_eq!((result.status, !result.stderr.is_empty()), (status, has_message), "{options:?}: {}", result.stderr);
    }
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-s"]);
    assert_eq!((result.status, &*result.stderr), (2, ""));
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-s", "-H", "wrong"]);
    assert!(result.stderr.starts_with("error: -H 'wrong': "), "{}", result.stderr);
}

/// The values are those that curl 7.88 sends.
#[test]
fn a_user_and_a_password_become_a_header() {
    for (options, value) in [
        (&["-u", "a:b"][..], Some("Basic YTpi")),
        (&["--user", "alice:with:colon"], Some("Basic YWxpY2U6d2l0aDpjb2xvbg==")),
        (&["-u", "alice:"], Some("Basic YWxpY2U6")),
        (&["-u", "-a:b"], Some("Basic LWE6Yg==")),
        // -H has the last word, as in curl.
        (&["-u", "a:b", "-H", "authorization: Bearer x"], Some("Bearer x")),
        (&["-u", "a:b", "-H", "Authorization:"], None),
        (&[], None),
    ] {
        let (result, received) = ask(HELLO, &[&["/"], options].concat());
        assert_eq!(result.success(), b"hello\n");
        assert_eq!(received.var("HTTP_AUTHORIZATION").as_deref(), value, "{options:?}");
    }
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-u", "alice"]);
    assert_eq!(result.status, 2);
    assert_eq!(result.stderr, "error: -u alice: no password: write USER:PASSWORD, or USER: for an empty password\n");
}

/// A message offers only what its command takes.
#[test]
fn a_refused_header_can_be_sent_as_a_var() {
    let refused = "error: -H 'X_Y': a header name with _ would pass for the one with -; to send it all the same, ";
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-H", "X_Y: 1"]);
    assert_eq!(result.stderr, format!("{refused}write the var itself, as in --var 'HTTP_X_Y=VALUE'\n"));
    let (result, received) = ask(HELLO, &["/", "--var", "HTTP_X_Y=1"]);
    assert_eq!((result.status, received.var("HTTP_X_Y").as_deref()), (0, Some("1")));

    let result = run(&["encode", "http://a/", "-H", "X_Y: 1"]);
    assert_eq!(result.stderr, format!("{refused}write the var itself, as in 'HTTP_X_Y=VALUE'\n"));
    assert_eq!(run(&["encode", "http://a/", "HTTP_X_Y=1", "--hex"]).status, 0);

    let result = run(&["bench", "--to", "127.0.0.1:1", "-H", "X_Y: 1"]);
    let what = "give --packet FILE, and make the file by uwsgictl encode URL 'HTTP_X_Y=VALUE' -o FILE\n";
    assert_eq!(result.stderr, format!("{refused}{what}"));

    let result = run(&["request", "--to", "127.0.0.1:1", "/", "--var", "X"]);
    assert_eq!(result.stderr, "error: --var X: not of the form KEY=VALUE\n");
    // A var could not be longer either.
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-H", &format!("X: {}", "x".repeat(65536))]);
    assert!(!result.stderr.contains("--var") && result.status == 2, "{}", result.stderr);
    // The key of this var has no HTTP_.
    let result = run(&["request", "--to", "127.0.0.1:1", "/", "-H", "Content-Length: x"]);
    assert!(result.stderr.contains("--var 'CONTENT_LENGTH=VALUE'"), "{}", result.stderr);
}
