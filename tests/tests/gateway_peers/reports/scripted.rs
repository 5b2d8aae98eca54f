//! A backend that does exactly what a test says.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use uwsgi_tests::programs::Listen;

/// A backend at a Unix socket. Its thread ends when it is dropped.
#[derive(Debug)]
pub struct Scripted {
    path: PathBuf,
    thread: Option<thread::JoinHandle<()>>,
}

impl Scripted {
    /// Starts a backend that reads the packet of each request, sends these bytes, and closes.
    pub fn answering(path: &Path, answer: &'static [u8]) -> Self {
        Self::start(path, |stream| stream.write_all(answer).expect("an answer"))
    }

    /// Starts a backend that reads the packet of each request, and leaves the rest of the connection to this function.
    pub fn start(path: &Path, serve: impl Fn(&mut UnixStream) + Send + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut header = [0; 4];
                if stream.read_exact(&mut header).is_err() {
                    // A drop connects and sends nothing, and so does a test that looks whether the socket is there.
                    break;
                }
                let mut vars = vec![0; usize::from(u16::from_le_bytes([header[1], header[2]]))];
                stream.read_exact(&mut vars).expect("a packet");
                serve(&mut stream);
            }
        });
        Self { path: path.to_owned(), thread: Some(thread) }
    }

    /// Returns where it listens.
    pub fn listen(&self) -> Listen {
        Listen::Unix(self.path.clone())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Ok(stream) = UnixStream::connect(&self.path) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
