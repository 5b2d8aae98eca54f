//! `bench`, against test servers.

mod closed;
mod errors;
mod rate;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::{RunResult, capture, command, run, scratch};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// An answer after which the connection is kept.
const KEPT: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello";

/// A test server, and the number of its connections so far.
struct Server {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server with a thread for each connection.
    fn new(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let serve = Arc::new(serve);
        Self::one_by_one(move |number, stream| {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(number, stream));
        })
    }

    /// Starts a server that serves one connection after another.
    fn one_by_one(mut serve: impl FnMut(usize, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(count.fetch_add(1, Ordering::SeqCst), stream.unwrap());
            }
        });
        Self { address, connections }
    }

    /// Starts a server that reads a packet, writes the answer and closes.
    fn answering(answer: &'static [u8]) -> Self {
        Self::new(move |_, mut stream| {
            packet(&mut stream).unwrap();
            let _closed = stream.write_all(answer);
        })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a packet without its body; `None` at the end of the stream.
fn packet(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).ok()?;
    bytes.resize(4 + usize::from(u16::from_le_bytes([bytes[1], bytes[2]])), 0);
    stream.read_exact(&mut bytes[4..]).ok()?;
    Some(bytes)
}

fn bench(to: &str, arguments: &[&str]) -> RunResult {
    run(&[&["bench", "--to", to], arguments].concat())
}

fn bench_json(to: &str, arguments: &[&str]) -> Value {
    let result = bench(to, &[arguments, &["--json"]].concat());
    serde_json::from_str(result.text()).unwrap_or_else(|error| panic!("{error}: {} {}", result.text(), result.stderr))
}

/// Returns a latency of the report in microseconds.
fn micros(report: &Value, name: &str) -> f64 {
    report["latency_us"][name].as_f64().unwrap()
}
