//! Servers on a thread of their own, which serve one connection after the other.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;

use uwsgi_io::Client;

/// The server's end of a connection.
pub(crate) trait Connection: Read + Write + Send {
    /// Shuts down both directions now, not when the connection is dropped.
    fn shut_down(&self);
    fn shut_down_write(&self);
}

impl Connection for TcpStream {
    fn shut_down(&self) {
        self.shutdown(Shutdown::Both).unwrap();
    }

    fn shut_down_write(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Connection for UnixStream {
    fn shut_down(&self) {
        self.shutdown(Shutdown::Both).unwrap();
    }

    fn shut_down_write(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

/// A server on a thread.
pub(crate) struct Server {
    pub(crate) address: String,
    thread: Option<JoinHandle<()>>,
    directory: Option<std::path::PathBuf>,
}

impl Server {
    /// Serves this many connections over TCP. `serve` gets the number of each, from 0.
    pub(crate) fn tcp(connections: usize, serve: impl Fn(usize, &mut dyn Connection) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            for number in 0..connections {
                serve(number, &mut listener.accept().unwrap().0);
            }
        });
        Self { address, thread: Some(thread), directory: None }
    }

    /// Serves this many connections over a Unix socket. `serve` gets the number of each, from 0.
    pub(crate) fn unix(connections: usize, serve: impl Fn(usize, &mut dyn Connection) + Send + 'static) -> Self {
        let directory = temp_directory();
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let thread = std::thread::spawn(move || {
            for number in 0..connections {
                serve(number, &mut listener.accept().unwrap().0);
            }
        });
        Self { address: path.to_str().unwrap().to_owned(), thread: Some(thread), directory: Some(directory) }
    }

    /// Serves one connection: reads `read` bytes, then writes `answer`.
    pub(crate) fn answering_once(read: usize, answer: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::tcp(1, move |_, connection| {
            read_bytes(connection, read);
            connection.write_all(answer.as_ref()).unwrap();
        })
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address).unwrap()
    }

    /// Waits until the server has served all connections. Panics if the thread of the server has panicked.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        if let Some(directory) = &self.directory {
            std::fs::remove_dir_all(directory).unwrap();
        }
    }
}

/// Reads exactly `count` bytes.
pub(crate) fn read_bytes(connection: &mut dyn Connection, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    connection.read_exact(&mut bytes).unwrap();
    bytes
}

/// Makes an empty directory. Its path is short enough for the addresses of Unix sockets.
pub(crate) fn temp_directory() -> std::path::PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("uwsgi-io-{}-{number}", std::process::id()));
    // A killed process with the same number may have left the directory.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    path
}
