//! The timeouts of a client.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi_io::{ClientError, ClientErrorKind, Timeout};

use crate::server::{Server, read_bytes};
use crate::{get, post};

const SHORT: Duration = Duration::from_millis(100);

/// Returns the timeout that has ended the call. Checks that it came neither early nor late.
fn timeout_of<T: core::fmt::Debug>(run: impl FnOnce() -> Result<T, ClientError>) -> Timeout {
    let start = Instant::now();
    let error = run().unwrap_err();
    let after = start.elapsed();
    // The clocks of the state machines count milliseconds.
    assert!(after >= SHORT - Duration::from_millis(2) && after < SHORT * 20, "{error} after {after:?}");
    let ClientErrorKind::TimedOut(timeout) = error.kind() else { panic!("{error}") };
    *timeout
}

/// Keeps the connection open until the client closes it.
fn hold_open(connection: &mut dyn crate::server::Connection) {
    let _ = io::copy(connection, &mut io::sink());
}

#[test]
fn read_timeout() {
    let server = Server::tcp(2, |number, connection| {
        if number == 1 {
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").unwrap();
        }
        hold_open(connection);
    });
    let mut client = server.client().with_read_timeout(SHORT);
    assert_eq!(timeout_of(|| client.request(&get(), io::empty()).map(|_| ())), Timeout::Read(SHORT));
    let read = || {
        let mut response = client.request(&get(), io::empty())?;
        let error = response.read_to_end(&mut Vec::new()).unwrap_err();
        Err::<(), _>(response.explain(error))
    };
    assert_eq!(timeout_of(read), Timeout::Read(SHORT));
    server.join();
}

#[test]
fn write_timeout() {
    let (gave_up, has_given_up) = std::sync::mpsc::channel();
    let server = Server::tcp(1, move |_, connection| {
        read_bytes(connection, 10);
        has_given_up.recv_timeout(Duration::from_secs(60)).unwrap();
        hold_open(connection);
    });
    let mut client = server.client().with_write_timeout(SHORT);
    let send = || client.request(&post(1 << 30), io::repeat(b'x')).map(|_| ());
    assert_eq!(timeout_of(send), Timeout::Write(SHORT));
    gave_up.send(()).unwrap();
    server.join();
}

/// The server is never silent for long.
#[test]
fn total_timeout() {
    let server = Server::tcp(1, |_, connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while connection.write_all(b"x").is_ok() {
            // A slow server.
            std::thread::sleep(SHORT / 20);
        }
    });
    let mut client = server.client().with_read_timeout(SHORT * 50).with_total_timeout(SHORT);
    let read = || {
        let mut response = client.request(&get(), io::empty())?;
        let error = response.read_to_end(&mut Vec::new()).unwrap_err();
        Err::<(), _>(response.explain(error))
    };
    assert_eq!(timeout_of(read), Timeout::Total(SHORT));
    server.join();
}

/// The backlog of the server is full. Only Linux waits then; other systems fail at once.
#[cfg(target_os = "linux")]
#[test]
fn connect_timeout() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    use uwsgi_io::Client;

    let directory = crate::server::temp_directory();
    let path = directory.join("full");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    let address = path.to_str().unwrap();
    let _first = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let mut client = Client::new(address).unwrap().with_connect_timeout(SHORT);
    assert_eq!(timeout_of(|| client.ping().map(|_| ())), Timeout::Connect(SHORT));
    let mut client = client.with_connect_timeout(SHORT * 2).with_total_timeout(SHORT);
    assert_eq!(timeout_of(|| client.ping().map(|_| ())), Timeout::Total(SHORT));
    std::fs::remove_dir_all(directory).unwrap();
}
