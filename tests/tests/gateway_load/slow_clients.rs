//! Clients that send and read at 1 KiB/s.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use uwsgi_tests::backend::ScriptedBackend;

/// The length of a body. Half of the clients have sent all but a quarter of it when they connect, so that clients send and read at
/// the same time.
const BODY: usize = 16 << 10;
const ANSWER: usize = 64 << 10;
/// Each client sends or reads this much in each interval: 1 KiB a second.
const STEP: usize = 256;
const EVERY: Duration = Duration::from_millis(250);

/// Slow clients, on a thread of their own.
pub(crate) struct SlowClients {
    count: usize,
    shared: Arc<Shared>,
    thread: JoinHandle<Progress>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// How many clients have begun to read.
    reading: AtomicUsize,
}

/// How far the clients are.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) sending: usize,
    pub(crate) reading: usize,
    pub(crate) ended: usize,
}

struct Client {
    stream: TcpStream,
    sent: usize,
    read: usize,
    is_over: bool,
}

impl SlowClients {
    /// Connects the clients, and starts them.
    pub(crate) fn start(to: SocketAddr, count: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let head = format!("POST /bytes/{ANSWER} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {BODY}\r\n\r\n");
        let clients: Vec<Client> = (0..count)
            .map(|index| {
                let mut stream = TcpStream::connect(to).unwrap();
                set_socket_recv_buffer_size(&stream, 2048).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                let sent = if index % 2 == 0 { BODY * 3 / 4 } else { 0 };
                stream.write_all(&vec![b'x'; sent]).unwrap();
                stream.set_nonblocking(true).unwrap();
                Client { stream, sent, read: 0, is_over: false }
            })
            .collect();
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(clients, &shared)
        });
        Self { count, shared, thread }
    }

    /// Waits until half of the clients read their answers, and no backend is needed for them any more.
    pub(crate) fn wait_until_half_read(&self, backend: &ScriptedBackend) {
        let begun = Instant::now();
        while self.shared.reading.load(Ordering::Relaxed) < self.count / 2 || backend.open() > 0 {
            let reading = self.shared.reading.load(Ordering::Relaxed);
            assert!(begun.elapsed() < Duration::from_secs(20), "{reading} read, {} are open", backend.open());
            // A pause between two looks.
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the clients.
    pub(crate) fn stop(self) -> Progress {
        self.shared.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn run(mut clients: Vec<Client>, shared: &Shared) -> Progress {
    // In each turn only a tenth of the clients acts, so that not all bytes come at once.
    let parts = 10;
    for turn in 0_usize.. {
        if shared.over.load(Ordering::Relaxed) {
            break;
        }
        let now = Instant::now();
        clients.iter_mut().skip(turn % parts).step_by(parts).for_each(|client| client.act(shared));
        // A sleep, because each turn takes its share of the interval.
        thread::sleep((EVERY / parts as u32).saturating_sub(now.elapsed()));
    }
    let mut progress = Progress::default();
    for client in &clients {
        match client {
            Client { is_over: true, .. } => progress.ended += 1,
            Client { sent: BODY, .. } => progress.reading += 1,
            Client { .. } => progress.sending += 1,
        }
    }
    progress
}

impl Client {
    /// Sends or reads a little.
    fn act(&mut self, shared: &Shared) {
        if self.sent < BODY {
            match self.stream.write(&[b'x'; STEP]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.is_over = true,
            }
            return;
        }
        match self.stream.read(&mut [0; STEP]) {
            Ok(0) => self.is_over = true,
            Ok(count) => {
                if self.read == 0 {
                    shared.reading.fetch_add(1, Ordering::Relaxed);
                }
                self.read += count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.is_over = true,
        }
    }
}
