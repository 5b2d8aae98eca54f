//! What is waited for in vain.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi_io::{ClientError, ClientErrorKind, Timeout};

use crate::server::{Server, take};
use crate::{get, post};

const SHORT: Duration = Duration::from_millis(100);

/// Which of the timeouts it was; and that it was neither early nor late.
fn timeout<T: core::fmt::Debug>(run: impl FnOnce() -> Result<T, ClientError>) -> Timeout {
    let start = Instant::now();
    let error = run().unwrap_err();
    let after = start.elapsed();
    // The clock of the machines counts milliseconds.
    assert!(after >= SHORT - Duration::from_millis(2) && after < SHORT * 20, "{error} after {after:?}");
    let ClientErrorKind::TimedOut(timeout) = error.kind() else { panic!("{error}") };
    *timeout
}

/// Keeps the connection until the client closes it.
fn hang(connection: &mut dyn crate::server::Connection) {
    let _ = io::copy(connection, &mut io::sink());
}

#[test]
fn for_the_answer() {
    let server = Server::tcp(2, |number, connection| {
        if number == 1 {
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").unwrap();
        }
        hang(connection);
    });
    let mut client = server.client().with_read_timeout(SHORT);
    assert_eq!(timeout(|| client.request(&get(), io::empty()).map(|_| ())), Timeout::Read(SHORT));
    let read = || {
        let mut response = client.request(&get(), io::empty())?;
        let error = response.read_to_end(&mut Vec::new()).unwrap_err();
        Err::<(), _>(response.explain(error))
    };
    assert_eq!(timeout(read), Timeout::Read(SHORT));
    server.end();
}

#[test]
fn for_the_body_to_be_taken() {
    let server = Server::tcp(1, |_, connection| {
        take(connection, 10);
        // Long enough for the buffers between to fill up.
        std::thread::sleep(SHORT * 5);
        hang(connection);
    });
    let mut client = server.client().with_write_timeout(SHORT);
    let send = || client.request(&post(1 << 30), io::repeat(b'x')).map(|_| ());
    assert_eq!(timeout(send), Timeout::Write(SHORT));
    server.end();
}

/// A server that is never silent for long.
#[test]
fn for_everything_together() {
    let server = Server::tcp(1, |_, connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while connection.write_all(b"x").is_ok() {
            std::thread::sleep(SHORT / 20);
        }
    });
    let mut client = server.client().with_read_timeout(SHORT * 50).with_total_timeout(SHORT);
    let read = || {
        let mut response = client.request(&get(), io::empty())?;
        let error = response.read_to_end(&mut Vec::new()).unwrap_err();
        Err::<(), _>(response.explain(error))
    };
    assert_eq!(timeout(read), Timeout::Total(SHORT));
    server.end();
}

/// A server whose queue of connections is full; elsewhere that is an error at once.
#[cfg(target_os = "linux")]
#[test]
fn for_a_connection() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    use uwsgi_io::Client;

    let directory = crate::server::directory();
    let path = directory.join("full");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    let address = path.to_str().unwrap();
    let _first = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let mut client = Client::new(address).unwrap().with_connect_timeout(SHORT);
    assert_eq!(timeout(|| client.ping().map(|_| ())), Timeout::Connect(SHORT));
    let mut client = client.with_connect_timeout(SHORT * 2).with_total_timeout(SHORT);
    assert_eq!(timeout(|| client.ping().map(|_| ())), Timeout::Total(SHORT));
    std::fs::remove_dir_all(directory).unwrap();
}
