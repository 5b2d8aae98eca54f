//! A running `uwsgictl serve`, requests to it, and its answers.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use uwsgi::{Modifier1, VarsEncoder};

/// A server for one test. It listens at a Unix socket in its own directory, and ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) socket: PathBuf,
    /// The addresses at which the server listens, as it prints them.
    pub(crate) listening: Vec<String>,
    stderr: Option<BufReader<std::process::ChildStderr>>,
    /// The directory, which is removed at the end.
    _directory: Directory,
}

/// A directory with a short path, because the path of a socket has at most 107 bytes.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(test: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("uwsgictl-{}-{test}", std::process::id()));
        // An existing directory is that of a killed process with the same number.
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Server {
    pub(crate) fn start(test: &str, options: &[&str]) -> Self {
        let directory = Directory::new(test);
        let socket = directory.0.join("s");
        let mut child = Command::new(env!("CARGO_BIN_EXE_uwsgictl"))
            .args(["serve", "--bind"])
            .arg(format!("unix:{}", socket.display()))
            .args(options)
            .current_dir(&directory.0)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut listening = Vec::new();
        let addresses = 1 + options.iter().filter(|option| **option == "--bind").count();
        while listening.len() < addresses {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the server ended: {:?}", child.wait());
            let (_, address) = line.trim_end().split_once("listening at ").unwrap_or_else(|| panic!("{line}"));
            listening.push(address.to_owned());
        }
        Self { child, socket, listening, stderr: Some(stderr), _directory: directory }
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request on a new connection, and returns the answer.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        let begun = Instant::now();
        let mut stream = self.connect();
        stream.write_all(&request.to_bytes()).unwrap();
        let answer = Answer::read(stream);
        Answer { took: begun.elapsed(), ..answer }
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask(&Request::get(target))
    }

    /// Sends SIGTERM. Returns whether the exit status is 0, and the rest of standard output and standard error.
    pub(crate) fn stop(mut self) -> (bool, String, String) {
        self.signal();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let (mut output, mut log) = (self.child.stdout.take().unwrap(), self.stderr.take().unwrap());
        // The server may wait until both are read.
        std::thread::scope(|scope| {
            scope.spawn(|| output.read_to_string(&mut stdout).unwrap());
            log.read_to_string(&mut stderr).unwrap();
        });
        (self.child.wait().unwrap().success(), stdout, stderr)
    }

    /// Returns the peak of the resident memory, if the system reports it.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Sends SIGTERM.
    pub(crate) fn signal(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A request as a front end would send it.
#[derive(Clone)]
pub(crate) struct Request {
    modifier1: Modifier1,
    vars: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let vars = [
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", target),
            ("PATH_INFO", path),
            ("QUERY_STRING", query),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REQUEST_SCHEME", "http"),
            ("REMOTE_ADDR", "192.0.2.7"),
            ("SERVER_NAME", "example.com"),
            ("SERVER_PORT", "80"),
            ("HTTP_HOST", "example.com"),
        ];
        let vars = vars.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
        Self { modifier1: Modifier1::WSGI, vars, body: Vec::new() }
    }

    pub(crate) fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let request = Self::get(target).with("REQUEST_METHOD", "POST").with("CONTENT_LENGTH", &length);
        Self { body, ..request.with("CONTENT_TYPE", "text/plain") }
    }

    /// Sets a var. It replaces the var of this key.
    pub(crate) fn with(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.vars.retain(|(other, _)| other != key);
        self.vars.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the modifier1.
    pub(crate) fn modifier1(self, number: u8) -> Self {
        Self { modifier1: Modifier1(number), ..self }
    }

    /// Sets the bytes after the packet, without a change of the vars.
    pub(crate) fn followed_by(self, bytes: &[u8]) -> Self {
        Self { body: bytes.to_vec(), ..self }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = VarsEncoder::new(&mut bytes);
        for (key, value) in &self.vars {
            encoder.push_raw(key, value).unwrap();
        }
        encoder.finish(self.modifier1, 0).unwrap();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
    /// The time from before the request was sent to the end of the answer.
    pub(crate) took: Duration,
    /// The number of reads that returned bytes.
    pub(crate) pieces: usize,
    /// Whether the connection was reset.
    pub(crate) was_reset: bool,
}

impl Answer {
    pub(crate) fn read(mut from: impl Read) -> Self {
        let begun = Instant::now();
        let mut bytes = Vec::new();
        let mut pieces = 0;
        let mut was_reset = false;
        loop {
            let mut piece = [0; 65536];
            match from.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    pieces += 1;
                    bytes.extend_from_slice(&piece[..count]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    was_reset = true;
                    break;
                }
                Err(error) => panic!("{error}, after {}", bytes.escape_ascii()),
            }
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {}", bytes.escape_ascii()));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 "), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes.split_off(end + 4), took: begun.elapsed(), pieces, was_reset }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).unwrap()
    }

    /// Checks the status, the length and the text.
    pub(crate) fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text()), (status, text), "{}", self.head);
        assert_eq!(self.header("content-length"), Some(&*text.len().to_string()), "{}", self.head);
        assert!(!self.was_reset);
    }
}

/// Connects to a TCP address at which a server listens.
pub(crate) fn connect_tcp(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}
