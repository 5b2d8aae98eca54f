//! A running server, and how it is asked.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use uwsgi::{Modifier1, VarsEncoder};

/// A server of its own for one test, on a Unix socket in a directory of its own; it ends with the test.
pub(crate) struct Served {
    child: Child,
    pub(crate) socket: PathBuf,
    /// Where else it listens, as it says.
    pub(crate) listening: Vec<String>,
    stderr: Option<BufReader<std::process::ChildStderr>>,
    /// Removed at the end.
    _directory: Directory,
}

/// A directory with a short path, since that of a socket may have 107 bytes.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(test: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("uwsgictl-{}-{test}", std::process::id()));
        // What is there is from a process of the same number that was killed.
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

impl Served {
    pub(crate) fn new(test: &str, options: &[&str]) -> Self {
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
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {:?}", child.wait());
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

    /// The answer to one request.
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

    /// Sends SIGTERM, and gives what was printed and whether all was well.
    pub(crate) fn stop(mut self) -> (bool, String, String) {
        self.signal();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().success(), stdout, stderr)
    }

    /// The most memory that it ever had, where the system tells.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    pub(crate) fn signal(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a front end would send.
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

    /// With this var, in the place of another of that key.
    pub(crate) fn with(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.vars.retain(|(other, _)| other != key);
        self.vars.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// For another handler.
    pub(crate) fn modifier1(self, number: u8) -> Self {
        Self { modifier1: Modifier1(number), ..self }
    }

    /// With these bytes behind the packet, whatever the vars say of them.
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

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
    /// From before the request was sent to the end of the answer: whoever of the two is late, it is no less.
    pub(crate) took: Duration,
    /// How many pieces it came in.
    pub(crate) pieces: usize,
    /// Whether the connection broke in the middle.
    pub(crate) broke: bool,
}

impl Answer {
    pub(crate) fn read(mut from: impl Read) -> Self {
        let begun = Instant::now();
        let mut bytes = Vec::new();
        let mut pieces = 0;
        let mut broke = false;
        loop {
            let mut piece = [0; 65536];
            match from.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    pieces += 1;
                    bytes.extend_from_slice(&piece[..count]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    broke = true;
                    break;
                }
                Err(error) => panic!("{error}, behind {}", bytes.escape_ascii()),
            }
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {}", bytes.escape_ascii()));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 "), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes.split_off(end + 4), took: begun.elapsed(), pieces, broke }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).unwrap()
    }

    /// Its status, its length if it has one, and its text.
    pub(crate) fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text()), (status, text), "{}", self.head);
        assert_eq!(self.header("content-length"), Some(&*text.len().to_string()), "{}", self.head);
        assert!(!self.broke);
    }
}

/// A connection to the TCP address that a server says it listens at.
pub(crate) fn connect_tcp(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}
