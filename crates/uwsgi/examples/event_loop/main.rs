//! A server on one thread, without blocking: it drives the machines of [`uwsgi::server`] whole.
//!
//! `cargo run -p uwsgi --example event_loop -- 127.0.0.1:3031` answers GET with a line of text, `/slow` after a second. It sends
//! back the body of any other request while it comes, and after an upgrade whatever comes. A line on standard input, or its end,
//! stops it.
//!
//! An application behind nginx or Apache must read a large body before it responds: they send no more of the body once the
//! response has begun.
//!
//! - `event_loop.rs` accepts connections, waits for sockets and deadlines, and stops.
//! - `connection.rs` calls the machines, and does what they say.
//! - `buffers.rs` reads and writes without waiting.
//! - `call.rs` is what an application sees of a request.

#![allow(clippy::std_instead_of_alloc, reason = "an example for programs that have std")]

mod buffers;
pub(crate) mod call;
mod connection;
pub(crate) mod event_loop;
pub(crate) mod options;

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use socket2::{Domain, Socket, Type};
use uwsgi::response::{RefusedLine, ResponseEncoder};
use uwsgi::server::{AllowError, AllowList, ConnectionLimit, Settings};
use uwsgi::{Request, Time};

use self::call::{Application, Call, Progress, Read};
use self::event_loop::EventLoop;
use self::options::Options;

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3031").parse()?;
    let listener = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    listener.set_reuse_address(true)?;
    listener.bind(&address.into())?;
    listener.listen(ConnectionLimit::BACKLOG.into())?;
    let server = EventLoop::new(listener, options()?)?;
    let stop = server.stop_handle();
    std::thread::spawn(move || {
        let _ended = io::stdin().read_line(&mut String::new());
        stop.stop()
    });
    eprintln!("listens at {address}; a line on standard input stops it");
    server.run()?;
    Ok(())
}

pub(crate) fn options() -> Result<Options, AllowError> {
    Ok(Options {
        settings: Settings::default().with_keepalive(Duration::from_secs(60)),
        allow: AllowList::default(),
        max_connections: ConnectionLimit::DEFAULT,
        max_running: 512,
        application: Box::new(|_packet, request| Box::new(Echo::new(request))),
        log: |line| eprintln!("{line}"),
    })
}

/// Greets, or sends back what comes.
struct Echo {
    status: (u16, &'static str),
    headers: Vec<(&'static str, Vec<u8>)>,
    length: Option<u64>,
    /// How long to wait before the answer.
    delay: Duration,
    begins: Option<Time>,
    has_head: bool,
    /// The bytes that have not been taken.
    left: Vec<u8>,
    is_read: bool,
}

impl Echo {
    fn new(request: &Request<'_>) -> Self {
        let is_slow = request.path_info().is_some_and(|path| path.starts_with(b"/slow"));
        let mut echo = Self {
            status: (200, "OK"),
            headers: vec![("Content-Type", b"text/plain".to_vec())],
            length: request.content_length().ok().flatten(),
            delay: Duration::from_secs(u64::from(is_slow)),
            begins: None,
            has_head: false,
            left: Vec::new(),
            is_read: false,
        };
        if let Some(protocols) = request.upgrade() {
            echo.status = (101, "Switching Protocols");
            echo.headers = vec![("Connection", b"upgrade".to_vec()), ("Upgrade", protocols.to_vec())];
            echo.length = None;
        } else if matches!(request.method_or_get(), b"GET" | b"HEAD") {
            echo.left = format!("hello from {}\n", request.target()).into_bytes();
            echo.length = u64::try_from(echo.left.len()).ok();
            echo.is_read = true;
        }
        echo
    }

    fn head(&self, call: &mut Call<'_>) -> Result<(), RefusedLine> {
        let mut buffer = Vec::new();
        let (status, reason) = self.status;
        let mut head = ResponseEncoder::new(&mut buffer, status, reason)?;
        for (name, value) in &self.headers {
            head.push(*name, value)?;
        }
        if let Some(length) = self.length {
            head.push_length(length)?;
        }
        call.head(&head.finish()?);
        Ok(())
    }

    fn go_on(&mut self, call: &mut Call<'_>) -> Result<Progress, Box<dyn Error>> {
        let begins = *self.begins.get_or_insert(call.now().after(self.delay));
        if call.now() < begins {
            call.wait_until(begins);
            return Ok(Progress::Waiting);
        }
        if !self.has_head {
            self.head(call)?;
            // The peer of an upgrade may wait for the head before it sends.
            if self.status.0 == 101 {
                call.flush_head()?;
            }
            self.has_head = true;
        }
        loop {
            if !self.left.is_empty() {
                match call.write(&self.left)? {
                    0 => return Ok(Progress::Waiting),
                    count => drop(self.left.drain(..count)),
                }
            } else if self.is_read {
                return Ok(Progress::Finished);
            } else {
                match call.read(16 * 1024) {
                    Read::Bytes(bytes) => self.left = bytes,
                    Read::End => self.is_read = true,
                    Read::Later => return Ok(Progress::Waiting),
                    Read::Failed(refusal) => return Err(refusal.into()),
                }
            }
        }
    }
}

impl Application for Echo {
    fn poll(&mut self, call: &mut Call<'_>) -> Progress {
        self.go_on(call).unwrap_or_else(|error| {
            eprintln!("failed: {error}");
            Progress::Failed
        })
    }
}
