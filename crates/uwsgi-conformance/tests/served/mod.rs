//! The state machines as a server on a socket.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use uwsgi::Time;
use uwsgi_conformance::Case;
use uwsgi_conformance::machine::{Connection, State};
use uwsgi_conformance::socket::Server;

/// The kind of socket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Tcp,
    Unix,
}

pub(crate) trait Stream: Read + Write + AsFd {
    fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn half_close(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(timeout)
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// Serves one connection on its own thread: each read waits until the next deadline at most.
pub(crate) fn serve(case: &Case, mut stream: impl Stream) {
    let began = Instant::now();
    let now = || Time::from_millis(began.elapsed().as_millis().try_into().unwrap());
    let mut connection = Connection::new(case, now());
    let (mut buffer, mut half_closed) = ([0; 4096], false);
    loop {
        connection.poll(now());
        if stream.write_all(&connection.take_output()).is_err() {
            return;
        }
        match connection.state() {
            State::HalfClosed if !half_closed => {
                half_closed = true;
                let _ = stream.half_close();
            }
            State::Aborted => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                return;
            }
            State::Closed | State::Gone => return,
            _ => {}
        }
        let wait = connection.deadline().map(|deadline| deadline.since(now()) + Duration::from_millis(1));
        stream.set_timeout(wait).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => connection.ended(),
            Ok(count) => connection.received(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => connection.was_reset(),
        }
    }
}

/// Starts a server for one connection, as the case needs it, and calls `then` with it.
pub(crate) fn with_server(way: Way, case: &'static Case, then: impl FnOnce(Server)) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    match way {
        Way::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let server = Server::tcp(listener.local_addr().unwrap());
            thread::scope(|scope| {
                scope.spawn(|| serve(case, listener.accept().unwrap().0));
                then(server);
            });
        }
        Way::Unix => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}.sock", std::process::id()));
            // A killed process with the same number may have left the file.
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| serve(case, listener.accept().unwrap().0));
                then(Server::unix(&path));
            });
            std::fs::remove_file(path).unwrap();
        }
    }
}
