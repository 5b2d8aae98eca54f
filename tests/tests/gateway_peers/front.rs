//! The front end of a test: our gateway, or the HTTP router of uWSGI, which it replaces.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use uwsgi_tests::http1::{Answer, Connection};
use uwsgi_tests::programs::{Listen, Port, Program, Snippet, TestDir, uwsgi_http, uwsgictl};

/// How long an exchange may take. A small one takes milliseconds, one of 20 MB a second.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A front end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// `uwsgictl gateway`.
    Gateway,
    /// uWSGI from PyPI with `http` and `http-to`.
    Router,
}

/// A front end that runs.
#[derive(Debug)]
pub struct Running<'s> {
    program: Program<'s>,
    pub address: SocketAddr,
}

/// Starts `uwsgictl gateway` in front of the backend that listens there, with further options.
pub fn gateway<'s>(test_dir: &'s TestDir, name: &str, to: &Listen, options: &[&str]) -> Running<'s> {
    Front::Gateway.start(test_dir, name, to, options, &[])
}

impl Front {
    /// Starts it in front of the backend that listens there: the gateway with the first options, which are arguments, or the
    /// router with the second ones, which are lines of its configuration.
    pub fn start<'s>(
        self,
        test_dir: &'s TestDir,
        name: &str,
        to: &Listen,
        of_gateway: &[&str],
        of_router: &[&str],
    ) -> Running<'s> {
        let port = Port::free();
        let (address, listen) = (port.address(), Listen::Tcp(port));
        let program = match self {
            Self::Gateway => {
                let mut command = uwsgictl();
                command.arg("gateway").args(arguments(address, to)).args(of_gateway).env_remove("RUST_LOG");
                Program::start(test_dir, name, &mut command, &[&listen])
            }
            Self::Router => {
                let mut ini = format!("[uwsgi]\nmaster = true\nhttp = {address}\nhttp-to = {to}\n");
                for line in of_router {
                    writeln!(ini, "{line}").expect("a string");
                }
                uwsgi_http(test_dir, name, &Snippet::of("router", ini), &[&listen])
            }
        };
        Running { program, address }
    }
}

/// Returns the arguments of a gateway that listens at this address in front of a backend.
pub fn arguments(address: SocketAddr, to: &Listen) -> [String; 4] {
    ["--http".to_owned(), address.to_string(), "--http-to".to_owned(), to.to_string()]
}

/// Starts the gateway with this limit of open files.
pub fn gateway_with_descriptors<'s>(test_dir: &'s TestDir, name: &str, to: &Listen, limit: u32) -> Running<'s> {
    let port = Port::free();
    let (address, listen) = (port.address(), Listen::Tcp(port));
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()])
        .arg(uwsgictl().get_program())
        .arg("gateway")
        .args(arguments(address, to));
    Running { program: Program::start(test_dir, name, &mut command, &[&listen]), address }
}

impl<'s> Running<'s> {
    /// Returns another front end, as its clients use it.
    pub fn of(program: Program<'s>, address: SocketAddr) -> Self {
        Self { program, address }
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.program.id().expect("it runs")
    }

    /// Returns the log.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Waits until the log has this text.
    pub fn wait_for_log(&self, text: &str) -> Result<(), String> {
        let begun = Instant::now();
        while !self.log().contains(text) {
            if begun.elapsed() > Duration::from_secs(5) {
                return Err(format!("no {text:?} in the log: {}", self.log()));
            }
            // A pause between two looks.
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Opens a connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address, TIMEOUT).expect("a connection")
    }

    /// Sends these bytes as a request on a new connection, and returns the answer.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.connect().exchange(request.as_ref())
    }

    /// Sends a GET on a new connection, and returns the answer.
    pub fn get(&self, target: &str) -> io::Result<Answer> {
        self.ask(get(target, ""))
    }

    /// Sends a POST whose length is known on a new connection, and returns the answer.
    pub fn post(&self, target: &str, body: &[u8]) -> io::Result<Answer> {
        self.ask(post(target, body))
    }

    /// Sends a chunked POST on a new connection, and returns the answer.
    pub fn post_chunked(&self, target: &str, body: &[u8]) -> io::Result<Answer> {
        self.ask(chunked_post(target, body))
    }
}

/// Returns a request without a body, with these further header lines.
pub fn request(method: &str, target: &str, headers: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n{headers}\r\n").into_bytes()
}

/// Returns a GET with these further header lines.
pub fn get(target: &str, headers: &str) -> Vec<u8> {
    request("GET", target, headers)
}

/// Returns a POST whose length is known.
pub fn post(target: &str, body: &[u8]) -> Vec<u8> {
    [request("POST", target, &format!("Content-Length: {}\r\n", body.len())), body.to_vec()].concat()
}

/// Returns a chunked POST. The sizes of its chunks differ.
pub fn chunked_post(target: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = request("POST", target, "Transfer-Encoding: chunked\r\n");
    let mut rest = body;
    for size in [1, 2, 4095, 4096, 65_535, 300_000].into_iter().cycle() {
        let (chunk, after) = rest.split_at(rest.len().min(size));
        if chunk.is_empty() {
            break;
        }
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
        rest = after;
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}
