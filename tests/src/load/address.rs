//! The address of a server, and requests to it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::naive;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// The timeout of each read and write.
const TIMEOUT: Duration = Duration::from_secs(20);

impl ServerAddress {
    /// Opens a connection. Both kinds of socket become one type, since the tests call the same functions on them.
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
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }

    /// Sends these bytes, and reads to the end of the stream.
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

    /// Sends these bytes, and resets the connection.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn reset_after(&self, sent: &[u8]) -> io::Result<()> {
        let mut stream = self.connect()?;
        stream.write_all(sent)?;
        Ok(set_socket_linger(&stream, Some(Duration::ZERO))?)
    }
}

/// Returns a packet of these vars, written without the crate.
///
/// # Panics
///
/// If the vars do not fit in one packet.
pub fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<(&str, &[u8])> = vars.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    naive::encode_packet(0, 0, &naive::encode_vars(&pairs).expect("short vars")).expect("a short packet")
}

/// Returns a GET of this path.
pub fn get(path: &str) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", path)])
}

/// Returns a POST to this path with a body of `length` bytes, without the body.
pub fn post(path: &str, length: usize) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", path), ("CONTENT_LENGTH", &length.to_string())])
}

/// Returns the status of a response; 0 where there is none.
pub fn status(answer: &[u8]) -> u16 {
    let code = answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| code.parse().ok()).unwrap_or(0)
}
