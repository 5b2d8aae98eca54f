//! A Unix socket whose backlog is full, because the backend does not accept.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with};
use uwsgi_tests::http1::End;
use uwsgi_tests::load::GatewayProcess;

use crate::{check_page, get, wait_until};

#[test]
fn a_full_backlog_is_waited_for_and_then_refused() {
    let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
    let path = directory.path().join("app.sock");
    let address = SocketAddrUnix::new(&path).unwrap();
    let new = |flags| socket_with(AddressFamily::UNIX, SocketType::STREAM, flags | SocketFlags::CLOEXEC, None).unwrap();
    let listener = new(SocketFlags::empty());
    bind(&listener, &address).unwrap();
    listen(&listener, 1).unwrap();
    let listener = UnixListener::from(listener);
    let mut waiting = Vec::new();
    loop {
        let socket = new(SocketFlags::NONBLOCK);
        match connect(&socket, &address) {
            Ok(()) => waiting.push(UnixStream::from(socket)),
            Err(error) => {
                assert_eq!(error, Errno::AGAIN);
                break;
            }
        }
    }
    let program = env!("CARGO_BIN_EXE_test-gateway");
    let backend = format!("unix:{}", path.display());
    let gateway = GatewayProcess::start(program, "", &backend, &["connect=1000"]).unwrap();

    // Nobody accepts: the client hears of it after the timeout, and not before.
    let mut connection = gateway.connect().unwrap();
    let begun = Instant::now();
    let answer = connection.exchange(&get("/")).unwrap();
    let took = begun.elapsed();
    check_page(&answer, 503, "a full backlog");
    assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");

    // The backend accepts in time.
    thread::scope(|scope| {
        let served = scope.spawn(|| connection.exchange(&get("/")).unwrap());
        // A sleep, because the request must find the backlog full, and nobody can see when it has.
        thread::sleep(Duration::from_millis(300));
        assert!(!served.is_finished());
        let fillers: Vec<_> = waiting.iter().map(|_| listener.accept().unwrap()).collect();
        let (mut accepted, _) = listener.accept().unwrap();
        let _some = accepted.read(&mut [0; 4096]).unwrap();
        accepted.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").unwrap();
        drop((accepted, fillers));
        let answer = served.join().unwrap();
        assert_eq!((answer.head.status, &*answer.body, answer.end), (200, &b"yes"[..], End::Whole));
    });

    // The backend is gone, and its file is still there.
    drop(listener);
    check_page(&connection.exchange(&get("/")).unwrap(), 502, "a backend that is gone");
    std::fs::remove_file(&path).unwrap();
    check_page(&connection.exchange(&get("/")).unwrap(), 502, "a socket that is gone");
    drop(connection);
    wait_until("the gateway waits", || gateway.process.is_at_rest().unwrap());
}
