//! Where a server is, and what it is asked.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::naive;

/// Where a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Nobody waits for longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

impl At {
    /// A connection; of the two kinds of socket one type, since all that is done with them are the same calls.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let stream = match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                UnixStream::from(OwnedFd::from(stream))
            }
            Self::Unix(path) => UnixStream::connect(path)?,
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends this, and reads to the end of the stream.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn ask(&self, sent: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        stream.write_all(sent)?;
        let mut got = Vec::new();
        stream.read_to_end(&mut got)?;
        Ok(got)
    }

    /// Sends this, and resets the connection.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn reset_behind(&self, sent: &[u8]) -> io::Result<()> {
        let mut stream = self.connect()?;
        stream.write_all(sent)?;
        Ok(set_socket_linger(&stream, Some(Duration::ZERO))?)
    }
}

/// A packet of these vars, written without the crate.
///
/// # Panics
///
/// If they do not fit in one.
pub fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<(&str, &[u8])> = vars.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    naive::encode_packet(0, 0, &naive::encode_vars(&pairs).expect("short vars")).expect("a short packet")
}

/// A GET of this path.
pub fn get(path: &str) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", path)])
}

/// A POST to this path, up to its body of so many bytes.
pub fn post(path: &str, length: usize) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", path), ("CONTENT_LENGTH", &length.to_string())])
}

/// The status of an answer; 0 where there is none.
pub fn status(answer: &[u8]) -> u16 {
    let code = answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| code.parse().ok()).unwrap_or(0)
}
