//! The contract between a server and its application: every requirement of PEP 3333 that Rust's types do not ensure.
//!
//! The name of each test begins with its row in the table of the crate's README.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

mod beyond_the_pep;
mod body;
mod environment;
mod failures;
mod head;
mod input;
mod middleware;

use std::io::{self, IoSlice};
use std::sync::Mutex;

use uwsgi::Time;
use uwsgi::server::Settings;
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_io::{Direction, Transport};
use uwsgi_server::{Addresses, Answer, App, AppError, Body, Call, Head, serve_connection};

type AppResult = Result<(), AppError>;

/// A connection in memory that records what the server does to it.
#[derive(Default)]
struct MemoryConnection {
    incoming: Mutex<Vec<u8>>,
    /// The bytes of each write.
    outgoing: Mutex<Vec<Vec<u8>>>,
    half_closed: Mutex<bool>,
    aborted: Mutex<bool>,
}

impl Transport for MemoryConnection {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut incoming = self.incoming.lock().unwrap();
        let count = incoming.len().min(buffer.len());
        buffer[..count].copy_from_slice(&incoming[..count]);
        incoming.drain(..count);
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes = pieces.iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<_>>();
        let count = bytes.len();
        self.outgoing.lock().unwrap().push(bytes);
        Ok(count)
    }

    fn wait(&self, _: Direction, _: Option<Time>) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> Time {
        Time::ZERO
    }

    fn shut_down_write(&self) -> io::Result<()> {
        *self.half_closed.lock().unwrap() = true;
        Ok(())
    }

    fn abort(&self) -> io::Result<()> {
        *self.aborted.lock().unwrap() = true;
        Ok(())
    }
}

impl MemoryConnection {
    fn sent(&self) -> String {
        self.outgoing.lock().unwrap().concat().iter().map(|byte| char::from(*byte)).collect()
    }

    fn is_aborted(&self) -> bool {
        *self.aborted.lock().unwrap()
    }
}

fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = VarsEncoder::new(&mut bytes);
    for (key, value) in vars {
        encoder.push_raw(key, value).unwrap();
    }
    encoder.finish(Modifier1::WSGI, 0).unwrap();
    bytes
}

const GET: &[(&str, &str)] = &[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")];

/// Serves one request. Returns the connection afterwards.
fn serve(vars: &[(&str, &str)], body: &[u8], app: impl App) -> MemoryConnection {
    let connection =
        MemoryConnection { incoming: Mutex::new([&packet(vars), body].concat()), ..MemoryConnection::default() };
    serve_connection(&connection, &app, &Settings::default(), Addresses::default()).unwrap();
    connection
}

/// Serves a GET request with an application that ignores the request.
fn respond(app: fn(&mut dyn Answer) -> AppResult) -> MemoryConnection {
    serve(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| app(answer))
}

/// Serves one request. Returns what `inspect` says about it inside the application.
fn observe(vars: &[(&str, &str)], body: &[u8], inspect: fn(&Call<'_>, &mut dyn Body) -> String) -> String {
    let connection = serve(vars, body, move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| {
        let text = inspect(call, body);
        Ok(answer.whole(Head::new(200), text.as_bytes())?)
    });
    let sent = connection.sent();
    sent.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn escaped(bytes: Option<&[u8]>) -> String {
    format!("{}", bytes.unwrap_or(b"(none)").escape_ascii())
}
