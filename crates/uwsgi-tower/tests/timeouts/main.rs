//! The deadlines of a connection, on a paused clock that advances when all tasks wait.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

mod bodies;
mod requests;
mod responses;
mod stop;

use core::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_service::Service;
use uwsgi::server::Settings;
use uwsgi_tower::{Body, BodyError, Connection, End, Stop};

pub(crate) const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";

pub(crate) const POST: &[u8] = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010";

/// A connection that is being served, and the peer's end of it.
pub(crate) struct Served {
    pub(crate) peer: DuplexStream,
    pub(crate) task: JoinHandle<&'static str>,
    pub(crate) stop: Stop,
    pub(crate) start: Instant,
}

/// How a connection ended: the first line of the response, the seconds since the start, and the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended(pub(crate) String, pub(crate) u64, pub(crate) &'static str);

impl Served {
    /// Serves a connection whose buffers hold `room` bytes in each direction.
    pub(crate) fn with_room<S, B>(room: usize, settings: Settings, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error: Into<Box<dyn core::error::Error + Send + Sync>>>
            + Send
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
    {
        let (peer, io) = duplex(room);
        let stop = Stop::new();
        let served = Connection::new(io, service).with_settings(settings).with_stop(stop.clone()).serve();
        let task = tokio::spawn(async move {
            match served.await {
                Ok(End::Abort(_)) => "reset",
                Ok(End::Close(_)) => "closed",
                Ok(_) => "taken",
                Err(_) => "broken",
            }
        });
        Self { peer, task, stop, start: Instant::now() }
    }

    /// Reads to the end, and waits for the end of the connection.
    pub(crate) async fn end(mut self) -> Ended {
        let mut answer = Vec::new();
        self.peer.read_to_end(&mut answer).await.unwrap();
        self.ended(answer).await
    }

    /// Waits for the end of the connection without reading.
    pub(crate) async fn ended(self, answer: Vec<u8>) -> Ended {
        let way = self.task.await.unwrap();
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        Ended(line, self.start.elapsed().as_secs(), way)
    }
}

pub(crate) fn served<S, B>(service: S) -> Served
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<Box<dyn core::error::Error + Send + Sync>>>
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
{
    Served::with_room(1 << 16, Settings::default(), service)
}

pub(crate) async fn hello(_: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}

/// Answers with the body, and fails with its error.
pub(crate) async fn read_body(request: Request<Body>) -> Result<Response<Full<Bytes>>, BodyError> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(Full::new(body)))
}

pub(crate) fn closed(line: &str, secs: u64) -> Ended {
    Ended(line.to_owned(), secs, "closed")
}
