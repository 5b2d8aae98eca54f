//! A uwsgi backend that does what a test says: it answers, breaks off, is silent, or sends garbage.
//!
//! It has plain threads and sockets, and no code of the servers under test.

mod mode;
mod request;

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{Shutdown, shutdown};

pub use self::mode::{Mode, Then};
use self::request::Request;
use crate::port::Port;

/// A backend on TCP. A drop closes its listener.
#[derive(Debug)]
pub struct ScriptedBackend {
    port: Port,
    state: Arc<State>,
    accepting: Option<(Arc<TcpListener>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct State {
    mode: Mutex<Mode>,
    /// The next connection is accepted only when the one before has ended.
    one_at_a_time: bool,
    /// The number of requests that were read whole.
    requests: AtomicUsize,
    /// The number of connections that are open.
    open: AtomicUsize,
    /// The number of bytes of bodies that were written.
    written: AtomicU64,
    going_on: GoingOn,
}

/// Lets requests go on that a backend holds, see [`Then`].
#[derive(Debug, Clone, Default)]
pub struct GoingOn {
    /// The paths of the requests that may go on.
    shared: Arc<(Mutex<HashSet<String>>, Condvar)>,
}

impl GoingOn {
    /// Lets the request of this path go on.
    pub fn go_on(&self, path: &str) {
        let (paths, changed) = &*self.shared;
        lock(paths).insert(path.to_owned());
        changed.notify_all();
    }

    fn wait_for(&self, path: &str) {
        let (paths, changed) = &*self.shared;
        let waits = |paths: &mut HashSet<String>| !paths.remove(path);
        drop(changed.wait_timeout_while(lock(paths), PATIENCE, waits));
    }
}

/// How long a connection waits for the test. No test waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

impl ScriptedBackend {
    /// Starts a healthy backend with a thread for each connection.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub fn start() -> Self {
        Self::with(false)
    }

    /// Starts a healthy backend that serves one connection after the other, from its accept to its close, as a synchronous
    /// worker does.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub fn one_at_a_time() -> Self {
        Self::with(true)
    }

    fn with(one_at_a_time: bool) -> Self {
        let state = State {
            mode: Mutex::new(Mode::Healthy),
            one_at_a_time,
            requests: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            going_on: GoingOn::default(),
        };
        let mut backend = Self { port: Port::free(), state: Arc::new(state), accepting: None };
        backend.listen();
        backend
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Sets what happens to connections from now on.
    pub fn set(&self, mode: Mode) {
        *lock(&self.state.mode) = mode;
    }

    /// Listens again after [`kill`](Self::kill). If it listens already, nothing changes.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub fn listen(&mut self) {
        if self.accepting.is_some() {
            return;
        }
        let listener = Arc::new(TcpListener::bind(self.port.address()).expect("a port that is held"));
        let (state, accepts) = (Arc::clone(&self.state), Arc::clone(&listener));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = accepts.accept() {
                state.open.fetch_add(1, Ordering::Relaxed);
                let connection = Connection { state: Arc::clone(&state) };
                if state.one_at_a_time {
                    connection.serve(stream);
                } else {
                    thread::spawn(move || connection.serve(stream));
                }
            }
        });
        self.accepting = Some((listener, thread));
    }

    /// Closes the listener. New connections are refused then.
    ///
    /// # Panics
    ///
    /// If the thread that accepts has panicked.
    pub fn kill(&mut self) {
        if let Some((listener, thread)) = self.accepting.take() {
            // This ends the accept (Linux), which a close does not.
            let _ended = shutdown(&*listener, Shutdown::Both);
            drop(listener);
            if !self.state.one_at_a_time {
                thread.join().expect("a thread that accepts");
            }
        }
    }

    /// Returns what lets held requests go on.
    pub fn going_on(&self) -> GoingOn {
        self.state.going_on.clone()
    }

    /// Returns the number of requests that were read whole.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of connections that are open.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes of bodies that were written.
    pub fn written(&self) -> u64 {
        self.state.written.load(Ordering::Relaxed)
    }
}

impl Drop for ScriptedBackend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection that is open.
struct Connection {
    state: Arc<State>,
}

impl Connection {
    fn serve(self, mut stream: TcpStream) {
        let _nodelay = stream.set_nodelay(true);
        let mode = lock(&self.state.mode).clone();
        let _the_peer_closed = match mode {
            Mode::Healthy => self.answer(&mut stream),
            Mode::CloseAtOnce => Ok(()),
            Mode::Send(bytes, then) => self.send(&mut stream, &bytes, then),
        };
    }

    fn answer(&self, stream: &mut TcpStream) -> io::Result<()> {
        let request = self.request(stream)?;
        let length = request.path.strip_prefix("/bytes/").and_then(|count| count.parse::<u64>().ok());
        let text = if request.path == "/read" { format!("{}\n", request.length) } else { "hello\n".to_owned() };
        let length = length.unwrap_or(text.len() as u64);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
        if !request.path.starts_with("/bytes/") {
            return stream.write_all(&[head.as_bytes(), text.as_bytes()].concat());
        }
        stream.write_all(head.as_bytes())?;
        let piece = [b'x'; 16_384];
        let mut left = length;
        while left > 0 {
            let count = left.min(piece.len() as u64);
            stream.write_all(&piece[..count as usize])?;
            self.state.written.fetch_add(count, Ordering::Relaxed);
            left -= count;
        }
        Ok(())
    }

    fn send(&self, stream: &mut TcpStream, bytes: &[u8], then: Then) -> io::Result<()> {
        let request = self.request(stream)?;
        stream.write_all(bytes)?;
        match then {
            Then::Close => {}
            Then::Reset => set_socket_linger(&*stream, Some(Duration::ZERO))?,
            Then::CloseLater => self.state.going_on.wait_for(&request.path),
            Then::ResetLater => {
                self.state.going_on.wait_for(&request.path);
                set_socket_linger(&*stream, Some(Duration::ZERO))?;
            }
            Then::Hang => {
                io::copy(stream, &mut io::sink())?;
            }
            Then::Drip => loop {
                stream.write_all(b"x")?;
                // The bytes come slowly.
                thread::sleep(Duration::from_millis(20));
            },
        }
        Ok(())
    }

    fn request(&self, stream: &mut TcpStream) -> io::Result<Request> {
        let request = Request::read(stream)?;
        self.state.requests.fetch_add(1, Ordering::Relaxed);
        Ok(request)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
