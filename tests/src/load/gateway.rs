//! A gateway in its own process.

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Process, ServerAddress};
use crate::http1::Connection;
use crate::port::Port;

/// A gateway that runs until it is dropped.
#[derive(Debug)]
pub struct GatewayProcess {
    pub process: Process,
    port: Port,
}

impl GatewayProcess {
    /// Starts the program `test-gateway` at a free port, with this backend and these options. A shell runs `before`, and then
    /// becomes the gateway.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(program: &str, before: &str, backend: &str, options: &[&str]) -> io::Result<Self> {
        let port = Port::free();
        let address = port.address().to_string();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before} exec \"$0\" \"$@\""), program, &address, backend]);
        command.args(options).stderr(Stdio::null());
        let process = Process::start(&mut command, &ServerAddress::Tcp(port.address()))?;
        Ok(Self { process, port })
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Opens a connection, whose deadline is in 20 seconds.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.address(), Duration::from_secs(20))
    }
}
