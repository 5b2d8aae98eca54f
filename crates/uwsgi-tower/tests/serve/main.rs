//! The server: listeners, refusals, settings, and the connections that wait when it stops.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

mod in_process;
mod listeners;
mod refusals;
mod settings;
mod stop;

use core::convert::Infallible;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::Write;

use http::{Request, Response};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use uwsgi::server::AllowList;
use uwsgi_tower::Body;

pub(crate) const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";

pub(crate) const ALLOWED: &str = "10.0.0.1:1000";

pub(crate) const NOT_ALLOWED: &str = "192.0.2.1:1000";

pub(crate) async fn hello(_: Request<Body>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".into()))
}

pub(crate) async fn answer(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut answer = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

pub(crate) fn line(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

pub(crate) fn allow(list: &str) -> AllowList {
    AllowList::parse(list).unwrap()
}

/// Connects and writes without an await, so that the server does not run meanwhile.
pub(crate) fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}
