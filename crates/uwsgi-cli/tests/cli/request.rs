//! `request`, against test servers.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::server::{Received, Server, answering};
use crate::{RunResult, command, run, run_with, scratch};

pub(crate) const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n";

/// Runs `request` against a server with this answer. Returns the result, and what the server received.
pub(crate) fn ask(answer: &'static [u8], arguments: &[&str]) -> (RunResult, Received) {
    ask_with(answer, arguments, b"")
}

fn ask_with(answer: &'static [u8], arguments: &[&str], input: &[u8]) -> (RunResult, Received) {
    let server = answering(1, answer);
    let result = run_with(&[&["request", "--to", &server.address], arguments].concat(), input);
    (result, server.end().remove(0))
}

#[test]
fn the_request_is_the_one_that_encode_makes() {
    let rows: [&[&str]; 5] = [
        &["http://example.com/a%20b?x=1"],
        &["https://example.com:8443/", "-H", "X-Real-IP: 203.0.113.9", "-H", "Accept:"],
        &["http://example.com/", "-d", "a=b", "-d", "c=d"],
        &["http://example.com/", "-X", "PATCH", "--data-raw", "@x", "-H", "Content-Type: text/plain"],
        &["http://example.com/", "-I"],
    ];
    for arguments in rows {
        let (result, received) = ask(HELLO, arguments);
        assert_eq!((result.status, &*result.stderr), (0, ""), "{arguments:?}");
        let encoded = run(&[&["encode", "-o", "-"], arguments].concat()).success();
        assert_eq!([received.packet, received.body].concat(), encoded, "{arguments:?}");
    }
}

#[test]
fn a_path_and_vars_make_a_request() {
    let (result, received) = ask(HELLO, &["/a%20b?x", "--var", "REMOTE_USER=alice", "--var", "HTTP_HOST=other"]);
    assert_eq!(result.success(), b"hello\n");
    for (key, value) in
        [("PATH_INFO", "/a b"), ("REQUEST_URI", "/a%20b?x"), ("SERVER_NAME", "localhost"), ("REMOTE_USER", "alice")]
    {
        assert_eq!(received.var(key).as_deref(), Some(value));
    }
    assert_eq!(received.var("HTTP_HOST").as_deref(), Some("other"));
    let (_, received) = ask(HELLO, &["/", "--modifier1", "psgi", "--modifier2", "7"]);
    assert_eq!((received.packet[0], received.packet[3]), (5, 7));
}

#[test]
fn heads_and_bodies_are_printed_as_asked_for() {
    let rows: [(&[&str], &'static [u8], &str); 9] = [
        (&[], HELLO, "hello\n"),
        (&["-i"], HELLO, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"),
        (&["-I"], b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"),
        // uWSGI answers with the version of the request.
        (&["-i"], b"HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello"),
        (&["-i"], b"HTTP/2.0 200 OK\r\n\r\nhello", "HTTP/2.0 200 OK\r\n\r\nhello"),
        (&["-i"], b"Status: 404 Not Here\r\nX: 1\r\n\r\ngone", "Status: 404 Not Here\r\nX: 1\r\n\r\ngone"),
        (
            &["-i"],
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        ),
        (&[], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"),
        (
            &["-H", "Connection: upgrade", "-H", "Upgrade: x"],
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nwhatever comes",
            "whatever comes",
        ),
    ];
    for (arguments, answer, printed) in rows {
        let (result, _) = ask(answer, &[&["/"], arguments].concat());
        assert_eq!((result.status, &*result.stderr, result.text()), (0, "", printed), "{arguments:?}");
    }
}

#[test]
fn verbose_lines_are_on_standard_error() {
    let answer = b"HTTP/1.0 200 OK\r\nX-Odd: \xff\r\n\r\nhello";
    let server = answering(1, answer);
    let to = server.address.clone();
    let result = run(&["request", "--to", &to, "http://a/b", "-v", "-H", "X: \u{e9}\u{9b}", "-H", "User-Agent:"]);
    assert_eq!((result.status, result.text()), (0, "hello"));
    let lines: Vec<&str> = result.stderr.lines().collect();
    assert_eq!(
        &lines[..lines.len() - 1],
        [
            &*format!("* to {to}"),
            "> modifier1 0 (wsgi), modifier2 0, datasize 240, 13 vars",
            "> QUERY_STRING=",
            "> REQUEST_METHOD=GET",
            "> REQUEST_URI=/b",
            "> PATH_INFO=/b",
            "> SERVER_PROTOCOL=HTTP/1.1",
            "> REQUEST_SCHEME=http",
            "> REMOTE_ADDR=127.0.0.1",
            "> SERVER_PORT=80",
            "> SERVER_NAME=a",
            "> HTTP_HOST=a",
            "> HTTP_ACCEPT=*/*",
            "> CONTENT_LENGTH=0",
            // No printed byte moves the cursor.
            "> HTTP_X=\u{e9}\\xc2\\x9b",
            "< HTTP/1.0 200 OK",
            "< X-Odd: \\xff",
            "<",
        ]
    );
    assert!(lines[lines.len() - 1].starts_with("* 5 bytes of body, after "));
    server.end();
}

#[test]
fn files_and_pipes_are_uploaded() {
    let directory = scratch("uploads");
    let file = directory.join("upload");
    let content: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    std::fs::write(&file, &content).unwrap();
    let path = file.to_str().unwrap();

    let (result, received) = ask(HELLO, &["/", "-T", path]);
    assert_eq!(result.success(), b"hello\n");
    assert_eq!(received.var("REQUEST_METHOD").as_deref(), Some("PUT"));
    assert_eq!((received.var("CONTENT_LENGTH").as_deref(), received.var("CONTENT_TYPE")), (Some("1000000"), None));
    assert!(received.body == content);

    // The length of a pipe is learnt from the pipe, or given.
    let (result, received) = ask_with(HELLO, &["/", "-T", "-", "-X", "POST"], &content);
    assert_eq!(result.success(), b"hello\n");
    assert_eq!(received.var("REQUEST_METHOD").as_deref(), Some("POST"));
    assert!(received.body == content);
    let (result, received) = ask_with(HELLO, &["/", "-T", "-", "-H", "content-length: 70"], &content);
    assert_eq!(result.success(), b"hello\n");
    assert!(received.body == content[..70]);

    // Standard input is a file whose first bytes were read before.
    let mut opened = std::fs::File::open(&file).unwrap();
    opened.read_exact(&mut [0; 10]).unwrap();
    let server = answering(1, HELLO);
    let output = command(&["request", "--to", &server.address, "/", "-T", "-"]).stdin(opened).output().unwrap();
    assert_eq!(RunResult::from(output).success(), b"hello\n");
    assert!(server.end().remove(0).body == content[10..]);
}

#[test]
fn invalid_uploads_are_refused() {
    let directory = scratch("uploads-wrong");
    let to = ["request", "--to", "127.0.0.1:1", "/"];
    let refused = |more: &[&str], input: &[u8]| {
        let result = run_with(&[&to[..], more].concat(), input);
        assert_eq!((result.status, result.text()), (2, ""), "{more:?}");
        assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
        result.stderr
    };
    let text = refused(&["-T", directory.join("none").to_str().unwrap()], b"");
    assert!(text.contains("cannot read") && text.contains("No such file"), "{text}");
    let text = refused(&["-T", directory.to_str().unwrap()], b"");
    assert!(text.contains("is a directory"), "{text}");
    let text = refused(&["-T", "-", "-H", "Content-Length: +5"], b"");
    assert!(text.contains("CONTENT_LENGTH is not a decimal number"), "{text}");
    let text = refused(&["-T", "-"], &vec![b'x'; (64 << 20) + 1]);
    assert!(text.contains("more than 64 MiB") && text.contains("-H 'Content-Length: N'"), "{text}");
}

#[test]
fn a_body_that_ends_before_its_length_is_an_error() {
    let server = Server::new(1, |_, stream| {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
    });
    let result =
        run_with(&["request", "--to", &server.address, "/", "-T", "-", "-H", "Content-Length: 100000"], b"hello");
    assert_eq!(result.status, 2);
    let address = &server.address;
    assert_eq!(
        result.stderr,
        format!("error: {address}: the body to be sent ended 99995 bytes before its declared length\n")
    );
    server.end();
}

/// The server refuses the body without reading it, and closes the connection.
#[test]
fn an_answer_before_the_end_of_the_body_is_printed() {
    let server = Server::new(5, |_, stream| {
        crate::server::packet(stream);
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo long\n").unwrap();
    });
    for _ in 0..5 {
        let mut child =
            command(&["request", "--to", &server.address, "/", "-T", "-", "-H", "Content-Length: 1000000000000"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || while stdin.write_all(&[b'x'; 65536]).is_ok() {});
        let result = RunResult::from(child.wait_with_output().unwrap());
        assert_eq!((result.status, &*result.stderr, result.text()), (0, "", "too long\n"));
        writer.join().unwrap();
    }
    server.end();
}

#[test]
fn fail_makes_a_status_of_400_or_above_an_error() {
    for (answer, status) in [
        (HELLO, 0),
        (b"HTTP/1.1 399 Odd\r\n\r\n", 0),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nwhat?", 22),
        (b"Status: 503 Busy\r\n\r\nlater", 22),
    ] {
        let server = answering(2, answer);
        let result = run(&["request", "--to", &server.address, "/", "--fail"]);
        assert_eq!(result.status, status);
        if status == 22 {
            assert_eq!(result.text(), "", "no body");
            let number = core::str::from_utf8(answer).unwrap().split(' ').nth(1).unwrap().to_owned();
            assert_eq!(result.stderr, format!("error: {}: the answer's status is {number}\n", server.address));
        }
        assert_eq!(run(&["request", "--to", &server.address, "/"]).status, 0, "without --fail any answer is a success");
        server.end();
    }
}

#[test]
fn missing_and_malformed_answers_are_errors() {
    let rows: [(&'static [u8], &str, &str); 4] = [
        (
            b"",
            "",
            "the server closed without an answer, as uWSGI does with what it refuses: its log says why; a packet over its \
             --buffer-size is a usual reason",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            "hello",
            "the backend closed 4 bytes before the answer's end",
        ),
        (b"hello\n", "", "the answer's head is refused: the answer ends inside its head (at byte 6)"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "",
            "the answer's head is refused: the answer's Transfer-Encoding is not chunked (at byte 17)",
        ),
    ];
    for (answer, printed, error) in rows {
        let server = answering(1, answer);
        let result = run(&["request", "--to", &server.address, "/"]);
        // The bytes before the error are printed.
        assert_eq!((result.status, result.text()), (2, printed));
        assert_eq!(result.stderr, format!("error: {}: {error}\n", server.address));
        server.end();
    }
}

#[test]
fn absent_and_silent_servers_are_errors() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let result = run(&["request", "--to", &closed, "/"]);
    assert_eq!(
        (result.status, result.stderr),
        (2, format!("error: {closed}: nobody listens there: is the server running?\n"))
    );
    let result = run(&["request", "--to", "/nowhere/at.sock", "/"]);
    assert_eq!(result.stderr, "error: unix:/nowhere/at.sock: there is no such socket: is the server running?\n");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    let result = run(&["request", "--to", &silent, "/", "--timeout", "0.1"]);
    assert_eq!((result.status, result.stderr), (2, format!("error: {silent}: not done within 100ms\n")));
}

#[test]
fn wrong_command_lines_are_refused() {
    let to = ["request", "--to", "127.0.0.1:1"];
    for more in [
        &[][..],
        &["x"],
        &["ftp://a/"],
        &["http://"],
        &["/", "-H", "X_Y: 1"],
        &["/", "-X", "GET /"],
        &["/", "--var", "x"],
        &["/", "--var", "=x"],
        &["/", "-d", "a", "-T", "b"],
        &["/", "-I", "-d", "a"],
        &["/", "--timeout", "0"],
        &["/", "--timeout", "-1"],
        &["/", "--modifier1", "nobody"],
        &["/", "--modifier2", "256"],
        &["/", "/"],
    ] {
        let result = run(&[&to[..], more].concat());
        assert_eq!((result.status, result.text()), (2, ""), "{more:?}");
        assert!(!result.stderr.is_empty() && !result.stderr.contains("nobody listens"), "{more:?}: {}", result.stderr);
    }
    for address in ["127.0.0.1", "fd:3", "http://127.0.0.1/", "::1:3031", ""] {
        assert_eq!(run(&["request", "--to", address, "/"]).status, 2, "{address}");
    }
    assert_eq!(run(&["request", "/"]).status, 2);
}

#[test]
fn the_answer_goes_into_a_file() {
    let file = scratch("into-a-file").join("answer");
    let path = file.to_str().unwrap();
    let (result, _) = ask(HELLO, &["/", "-o", path, "-i"]);
    assert!(result.success().is_empty());
    assert!(std::fs::read(&file).unwrap().ends_with(b"\r\n\r\nhello\n"));
    // Without an answer the file keeps its content.
    let result = run(&["request", "--to", "/nowhere/at.sock", "/", "-o", path]);
    assert_eq!(result.status, 2);
    assert!(std::fs::read(&file).unwrap().ends_with(b"hello\n"));
    let (result, _) = ask(b"HTTP/1.1 500 Oh\r\n\r\noh", &["/", "-o", path, "--fail"]);
    assert_eq!(result.status, 22);
    assert!(std::fs::read(&file).unwrap().ends_with(b"hello\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_one_line() {
    static LARGE: [u8; 200_000] = {
        let mut answer = [b'x'; 200_000];
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut at = 0;
        while at < head.len() {
            answer[at] = head[at];
            at += 1;
        }
        answer
    };
    for answer in [HELLO, &LARGE] {
        let server = answering(2, answer);
        let result = run(&["request", "--to", &server.address, "/", "-o", "/dev/full"]);
        let full = std::fs::File::create("/dev/full").unwrap();
        let other = RunResult::from(command(&["request", "--to", &server.address, "/"]).stdout(full).output().unwrap());
        for (result, what) in [(result, "/dev/full"), (other, "to standard output")] {
            assert_eq!(result.status, 23, "as curl's");
            assert_eq!(result.stderr, format!("error: cannot write {what}: No space left on device (os error 28)\n"));
        }
        server.end();
    }
}

#[test]
fn an_answer_is_printed_as_it_arrives() {
    let (go, going) = std::sync::mpsc::channel::<()>();
    let server = Server::new(1, move |_, stream| {
        crate::server::packet(stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nfirst\n").unwrap();
        going.recv().unwrap();
        stream.write_all(b"second\n").unwrap();
    });
    let mut child = command(&["request", "--to", &server.address, "/"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut line = [0; 6];
    stdout.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"first\n");
    go.send(()).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second\n");
    assert!(child.wait().unwrap().success());
    server.end();
}
