//! Servers of one connection after the other, each on a thread.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;

use uwsgi_io::Client;

/// A connection as the server has it.
pub(crate) trait Connection: Read + Write + Send {
    /// Ends both directions now, not when it is dropped.
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

/// A server, and how many connections it has taken once it has ended.
pub(crate) struct Server {
    pub(crate) address: String,
    thread: Option<JoinHandle<()>>,
    directory: Option<std::path::PathBuf>,
}

impl Server {
    /// Serves so many connections over TCP; the function gets the number of each, from 0.
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

    /// The same over a Unix socket.
    pub(crate) fn unix(connections: usize, serve: impl Fn(usize, &mut dyn Connection) + Send + 'static) -> Self {
        let directory = directory();
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let thread = std::thread::spawn(move || {
            for number in 0..connections {
                serve(number, &mut listener.accept().unwrap().0);
            }
        });
        Self { address: path.to_str().unwrap().to_owned(), thread: Some(thread), directory: Some(directory) }
    }

    /// One connection: reads so many bytes, then answers.
    pub(crate) fn answering(read: usize, answer: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::tcp(1, move |_, connection| {
            take(connection, read);
            connection.write_all(answer.as_ref()).unwrap();
        })
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address).unwrap()
    }

    /// Waits for the thread: it has served all its connections, and none of its asserts failed.
    pub(crate) fn end(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        if let Some(directory) = &self.directory {
            std::fs::remove_dir_all(directory).unwrap();
        }
    }
}

/// Reads so many bytes.
pub(crate) fn take(connection: &mut dyn Connection, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    connection.read_exact(&mut bytes).unwrap();
    bytes
}

/// An empty directory whose name is short enough for sockets.
pub(crate) fn directory() -> std::path::PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("uwsgi-io-{}-{number}", std::process::id()));
    // What is there is from a process of the same number that was killed.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    path
}
