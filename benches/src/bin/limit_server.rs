//! The fastest that a server with these threads can be: `limit_server PATH BYTES`.
//!
//! Its threads are those of `uwsgi-server`: they take turns to accept, whoever accepts serves, whoever leaves nobody
//! waiting starts another thread first, and those who are too many end. It reads as many bytes as the header announces,
//! looks at none of them but modifier2, writes a constant, and closes. There is no stop, no deadline, no check, no body
//! but one whose length both sides know beforehand.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use uwsgi_benches::transfer::{BUFFER, HELLO, modifier2};

/// As in `uwsgi-server`.
const IDLE: usize = 4;
const STACK: usize = 256 << 10;
const SMALL: usize = 4096;

struct Door {
    turn: Mutex<UnixListener>,
    idle: AtomicUsize,
    amount: u64,
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || io::Error::other("usage: limit_server PATH BYTES");
    let path = args.next().ok_or_else(usage)?;
    let amount = args.next().and_then(|amount| amount.parse().ok()).ok_or_else(usage)?;
    let door = Door { turn: Mutex::new(UnixListener::bind(path)?), idle: AtomicUsize::new(0), amount };
    attend(&Arc::new(door))?;
    loop {
        thread::park();
    }
}

fn attend(door: &Arc<Door>) -> io::Result<()> {
    door.idle.fetch_add(1, Ordering::AcqRel);
    let theirs = Arc::clone(door);
    thread::Builder::new().stack_size(STACK).spawn(move || accept_and_serve(&theirs)).map(|_| ())
}

fn accept_and_serve(door: &Arc<Door>) {
    let mut buffer = vec![0; SMALL];
    loop {
        let accepted = door.turn.lock().unwrap().accept();
        let (stream, _) = accepted.unwrap();
        if door.idle.fetch_sub(1, Ordering::AcqRel) == 1 {
            attend(door).unwrap();
        }
        // A peer that has gone is no concern of a limit.
        let _ = serve(stream, &mut buffer, door.amount);
        let next = |idle: usize| (idle < IDLE).then_some(idle + 1);
        if door.idle.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_err() {
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
