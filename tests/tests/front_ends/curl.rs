//! uwsgi_curl of uwsgi-tools as a front end: its command line sends one request, and it prints the answer.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::thread;

use uwsgi_tests::http1::{Answer, Connection};
use uwsgi_tests::programs::{Listen, uwsgi_curl};

use super::case::{Body, Case, Gets, filling};
use super::matrix::TIMEOUT;

/// Returns whether uwsgi_curl can send a case. Its command line cannot express chunks, another version, or bytes that are no
/// text, and it cannot print such bytes. Its URL always has a path. It sends only what one call of `send` takes.
pub fn can_send(case: &Case) -> bool {
    let text = |(_, value): &(&str, &str)| value.is_ascii();
    let body = matches!(case.body, Body::None | Body::Sized(1..=10_000));
    let printable = !case.expect.gets.iter().any(|gets| matches!(gets, Gets::Bytes(1..) | Gets::Cut));
    body && printable && case.version == "HTTP/1.1" && case.target.starts_with('/') && case.headers.iter().all(text)
}

/// Sends a request, and parses what uwsgi_curl prints as an answer.
pub fn exchange(at: &Listen, case: &Case) -> io::Result<Answer> {
    let mut command = uwsgi_curl();
    command.args(["--timeout", &TIMEOUT.as_secs().to_string(), "--method", case.method]);
    command.args(["--header", "Accept: application/json"]);
    for (name, value) in case.headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    if let Body::Sized(len) = case.body {
        command.args(["--data", str::from_utf8(filling(len)).expect("text")]);
    }
    let output = command.arg(at.to_string()).arg(format!("app.example{}", case.target)).output()?;
    // It exits with 1 unless the status is 2xx, and prints an additional line end.
    let mut printed = output.stdout;
    if printed.pop() != Some(b'\n') {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::new(ErrorKind::InvalidData, error));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    thread::scope(|scope| {
        scope.spawn(|| listener.accept().and_then(|(mut socket, _)| socket.write_all(&printed)));
        Connection::open(to, TIMEOUT)?.answer(case.method == "HEAD")
    })
}
