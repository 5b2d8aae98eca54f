//! A running `uwsgictl gateway` with `uwsgictl serve` as its backend, requests to it, and its answers.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Instant;

/// A gateway and its backend for one test. They end with the test.
pub(crate) struct Gateway {
    gateway: Running,
    backend: Running,
    /// What the gateway printed at its start.
    pub(crate) notes: Vec<String>,
    pub(crate) directory: PathBuf,
}

/// A process that is killed at the end.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(directory: &PathBuf, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_uwsgictl"))
            .args(arguments)
            .current_dir(directory)
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Returns the next message, which must be a note.
    fn note(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "it ended: {:?}", self.child.wait());
        line.trim_end().strip_prefix("note: ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Gateway {
    /// Starts a gateway that listens at a TCP port, and also where the options say.
    pub(crate) fn start(test: &str, options: &[&str]) -> Self {
        // A short path, because the path of a socket has at most 107 bytes.
        let directory = std::env::temp_dir().join(format!("uwsgictl-gateway-{}-{test}", std::process::id()));
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir(&directory).unwrap();
        let mut backend = Running::start(&directory, &["serve", "--bind", "unix:backend"]);
        assert_eq!(backend.note(), "listening at backend");
        let first = ["gateway", "--http", "127.0.0.1:0", "--http-to", "unix:backend"];
        let mut gateway = Running::start(&directory, &[&first, options].concat());
        let mut notes = Vec::new();
        while notes.last() != Some(&"requests go to unix:backend".to_owned()) {
            notes.push(gateway.note());
        }
        Self { gateway, backend, notes, directory }
    }

    /// Returns the TCP address.
    pub(crate) fn address(&self) -> &str {
        self.notes[0].strip_prefix("listening at http://").unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request with these headers on a new connection, and returns the answer: its status, and all of its text.
    pub(crate) fn get(&self, target: &str, headers: &str) -> (u16, String) {
        ask(
            self.connect(),
            &format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n{headers}Connection: close\r\n\r\n"),
        )
    }

    /// Sends a request to a Unix socket of the gateway.
    pub(crate) fn get_unix(&self, socket: &str, target: &str, headers: &str) -> (u16, String) {
        let stream = UnixStream::connect(self.directory.join(socket)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        ask(stream, &format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n{headers}Connection: close\r\n\r\n"))
    }

    /// Ends the backend. Its socket stays, but refuses connections.
    pub(crate) fn end_backend(&mut self) {
        self.backend.child.kill().unwrap();
        self.backend.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.gateway.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &*id]).status().unwrap().success());
    }

    /// Waits for the end. Returns the exit status, standard output, and the rest of standard error.
    pub(crate) fn wait(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let mut output = self.gateway.child.stdout.take().unwrap();
        // The gateway may wait until both are read.
        thread::scope(|scope| {
            scope.spawn(|| output.read_to_string(&mut stdout).unwrap());
            self.gateway.stderr.read_to_string(&mut stderr).unwrap();
        });
        (self.gateway.child.wait().unwrap().code(), stdout, stderr)
    }

    /// Waits for the end, and does not read standard error. Returns the exit status and standard output.
    pub(crate) fn wait_without_the_log(&mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        while self.gateway.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(20), "the gateway does not end");
            // `Child` has no wait with a timeout.
            thread::sleep(Duration::from_millis(10));
        }
        let mut stdout = String::new();
        self.gateway.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        (self.gateway.child.wait().unwrap().code(), stdout)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Sends bytes, and reads the answer to the end of the connection.
pub(crate) fn ask(mut stream: impl Read + Write, request: &str) -> (u16, String) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("{answer:?}"));
    (status.split(' ').next().unwrap().parse().unwrap(), answer)
}
