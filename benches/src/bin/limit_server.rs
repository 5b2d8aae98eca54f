//! The fastest possible server with the threads of `uwsgi-server`: `limit_server PATH BYTES`.
//!
//! The threads take turns to accept. The thread that accepts a connection serves it. If no other thread is idle then, it first
//! starts another one. A thread ends if enough others are idle. The server reads as many bytes as the header announces, looks
//! only at modifier2, writes a constant, and closes. It has no stop, no deadline and no check. A body has the length BYTES,
//! which both sides know.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use uwsgi_benches::transfer::{BUFFER, HELLO, modifier2};

/// How many threads may be idle, as in `uwsgi-server`.
const IDLE: usize = 4;
const STACK: usize = 256 << 10;
const SMALL: usize = 4096;

/// Accepts the connections.
struct Acceptor {
    /// The thread that holds the lock waits for the next connection.
    listener: Mutex<UnixListener>,
    /// How many threads serve no connection.
    idle: AtomicUsize,
    /// The length of a body.
    amount: u64,
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || io::Error::other("usage: limit_server PATH BYTES");
    let path = args.next().ok_or_else(usage)?;
    let amount = args.next().and_then(|amount| amount.parse().ok()).ok_or_else(usage)?;
    let acceptor = Acceptor { listener: Mutex::new(UnixListener::bind(path)?), idle: AtomicUsize::new(0), amount };
    start_thread(&Arc::new(acceptor))?;
    loop {
        thread::park();
    }
}

/// Starts one more thread that accepts and serves.
fn start_thread(acceptor: &Arc<Acceptor>) -> io::Result<()> {
    acceptor.idle.fetch_add(1, Ordering::AcqRel);
    let acceptor = Arc::clone(acceptor);
    thread::Builder::new().stack_size(STACK).spawn(move || accept_and_serve(&acceptor)).map(|_| ())
}

fn accept_and_serve(acceptor: &Arc<Acceptor>) {
    let mut buffer = vec![0; SMALL];
    loop {
        let accepted = acceptor.listener.lock().unwrap().accept();
        let (stream, _) = accepted.unwrap();
        if acceptor.idle.fetch_sub(1, Ordering::AcqRel) == 1 {
            start_thread(acceptor).unwrap();
        }
        // This server does nothing about an error of a connection.
        let _ = serve(stream, &mut buffer, acceptor.amount);
        let next = |idle: usize| (idle < IDLE).then_some(idle + 1);
        if acceptor.idle.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_err() {
            return;
        }
    }
}

fn serve(mut stream: UnixStream, buffer: &mut Vec<u8>, amount: u64) -> io::Result<()> {
    let (mut filled, mut wanted) = (0, 4);
    while filled < wanted {
        filled += match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            count => count,
        };
        if filled >= 4 {
            wanted = 4 + usize::from(u16::from_le_bytes([buffer[1], buffer[2]]));
            if buffer.len() < wanted {
                buffer.resize(wanted, 0);
            }
        }
    }
    match buffer[3] {
        modifier2::UPLOAD => upload(&mut stream, amount - (filled - wanted) as u64)?,
        modifier2::DOWNLOAD => return download(&mut stream, amount),
        _ => {}
    }
    stream.write_all(HELLO)
}

fn upload(stream: &mut UnixStream, mut left: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    while left > 0 {
        left -= match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => count as u64,
        };
    }
    Ok(())
}

fn download(stream: &mut UnixStream, mut left: u64) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").as_bytes())?;
    let buffer = vec![b'x'; BUFFER];
    while left > 0 {
        let take = left.min(BUFFER as u64);
        stream.write_all(&buffer[..take as usize])?;
        left -= take;
    }
    Ok(())
}
