//! Addresses for the programs that tests start.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketType, bind, socket};

/// The first port. All ports are below those that Linux gives to clients (32768 to 60999), so that no client takes one before
/// the program listens.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// A free TCP port on loopback, reserved until it is dropped.
///
/// A test cannot hold a TCP port for a program that is about to listen there. Instead, a test holds the UDP port of the same
/// number, and every test tries to hold this UDP port first.
#[derive(Debug, Clone)]
pub struct Port {
    number: u16,
    _held: Arc<UdpSocket>,
}

impl Port {
    pub fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Processes begin at different ports, so that they seldom meet.
        let begin = (process::id() % u32::from(COUNT)) as u16;
        for _ in 0..COUNT {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + begin.wrapping_mul(37).wrapping_add(next) % COUNT;
            let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if is_free(number) {
                return Self { number, _held: Arc::new(held) };
            }
        }
        panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// Returns whether no program listens at this port. The test's socket is bound, but does not listen: a process that starts at
/// the same time has a copy of every socket for a moment, and a copy that listens would accept connections.
fn is_free(number: u16) -> bool {
    let bound = socket(AddressFamily::INET, SocketType::STREAM, None).and_then(|socket| {
        set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, number)))
    });
    bound.is_ok()
}

/// An address where a program listens or will listen.
#[derive(Debug, Clone)]
pub enum Listen {
    Tcp(Port),
    Unix(PathBuf),
}

impl Listen {
    /// Returns a free TCP port.
    pub fn tcp() -> Self {
        Self::Tcp(Port::free())
    }

    /// Returns the port as text.
    ///
    /// # Panics
    ///
    /// If the address is a Unix socket, which has no port.
    pub fn port(&self) -> String {
        match self {
            Self::Tcp(port) => port.number().to_string(),
            Self::Unix(path) => panic!("{} has no port", path.display()),
        }
    }
}

/// The form that front ends and servers use: `127.0.0.1:3031`, or a path.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => port.address().fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
