//! The memory of a server behind nginx.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::load::{ServerAddress, is_full};
use uwsgi_tests::ours::Kind;
use uwsgi_tests::programs::{Listen, Port, Snippet, TestDir, nginx};

use crate::{run_alone, serve};

const FEW: usize = 10_000;
const CLIENTS: usize = 8;

#[test]
fn memory_stays_behind_nginx() {
    let _alone = run_alone();
    Kind::BOTH.into_iter().for_each(through_nginx);
}

fn through_nginx(kind: Kind) {
    let served = serve(kind, &[]);
    let ServerAddress::Unix(socket) = &served.at else { unreachable!() };
    let (test_dir, port) = (TestDir::new(), Port::free());
    let site = Snippet::read("nginx-unix.conf")
        .with("listen 80;", format!("listen {};", port.address()))
        .with("/run/app/app.sock", socket.display().to_string());
    let _nginx = nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]);

    let count = if is_full() { 10_000_000 } else { 40_000 };
    let begun = Instant::now();
    requests(port.address(), FEW).unwrap();
    let few = served.process.resident().unwrap();
    requests(port.address(), count - FEW).unwrap();
    let (all, took) = (served.process.resident().unwrap(), begun.elapsed());
    println!("{kind:?}: {} KiB after {FEW} requests, {} KiB after {count}, in {took:?}", few / 1024, all / 1024);
    // Threads may take more once, when they first wait for each other. A leak grows again.
    if all > few + (2 << 20) {
        requests(port.address(), count - FEW).unwrap();
        let more = served.process.resident().unwrap();
        assert!(more <= all + (2 << 20), "{few} bytes after {FEW} requests, {all} after {count}, {more} after more");
    }
}

/// Sends `count` requests with several clients on kept connections, and checks every answer.
fn requests(address: SocketAddr, count: usize) -> io::Result<()> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(move || client(address, count / CLIENTS))).collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client"))
    })
}

fn client(address: SocketAddr, count: usize) -> io::Result<()> {
    let mut left = count;
    while left > 0 {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        // nginx closes after a thousand (keepalive_requests).
        for _ in 0..left.min(900) {
            stream.write_all(b"GET /hello HTTP/1.1\r\nHost: app.example\r\n\r\n")?;
            let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
            while !answer.ends_with(b"\r\n\r\nhello\n") {
                let got = stream.read(&mut piece)?;
                answer.extend_from_slice(&piece[..got]);
                if got == 0 || answer.len() > 4096 {
                    return Err(io::Error::other(format!("{left} were left: {}", answer.escape_ascii())));
                }
            }
            if !answer.starts_with(b"HTTP/1.1 200 OK\r\n") {
                return Err(io::Error::other(answer.escape_ascii().to_string()));
            }
            left -= 1;
        }
    }
    Ok(())
}
