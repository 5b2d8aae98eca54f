//! Simple backends, and helpers to ask them.

use core::future::Future;
use core::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::ServiceExt;
use uwsgi::{Header, Packet};
use uwsgi_tower::{Client, ClientError, Incoming};

/// Starts a backend that calls `serve` with each connection and its number, and returns a client for it.
pub(crate) async fn backend<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(Connection, usize) -> F + Send + 'static,
) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(Connection { stream }, number));
        }
    });
    client
}

/// The backend's end of a connection.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
}

impl Connection {
    /// Reads the next packet; `None` at the end of the stream.
    pub(crate) async fn packet(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![0; 4];
        self.stream.read_exact(&mut packet).await.ok()?;
        let (header, _) = Header::decode(&packet).unwrap();
        packet.resize(4 + usize::from(header.datasize), 0);
        self.stream.read_exact(&mut packet[4..]).await.ok()?;
        Some(packet)
    }

    /// Reads `length` bytes of a body.
    pub(crate) async fn body(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        body
    }

    /// Writes a response, or part of it.
    pub(crate) async fn send(&mut self, answer: impl AsRef<[u8]>) {
        self.stream.write_all(answer.as_ref()).await.unwrap();
    }

    /// Writes a response with a length, after which the connection can be kept.
    pub(crate) async fn answer(&mut self, body: &str) {
        let length = body.len();
        self.send(format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{body}")).await;
    }

    /// Keeps the connection open until the test ends, and reads nothing.
    pub(crate) async fn hold(self) {
        core::future::pending::<()>().await;
        drop(self);
    }

    /// Waits until the client has closed.
    pub(crate) async fn wait_for_close(&mut self) {
        let read =
            timeout(Duration::from_secs(5), self.stream.read(&mut [0; 1])).await.expect("the client does not close");
        assert!(read.is_err() || read.is_ok_and(|count| count == 0));
    }
}

/// Returns the value of a var.
pub(crate) fn var(packet: &[u8], key: &str) -> Option<String> {
    let vars = Packet::decode(packet).unwrap().0.vars().unwrap();
    vars.get(key).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

pub(crate) fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

pub(crate) fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/").body(Full::new(body.into())).unwrap()
}

pub(crate) async fn ask<B>(client: &Client, request: Request<B>) -> Result<Response<Incoming>, ClientError>
where
    B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
{
    client.clone().oneshot(request).await
}

/// Reads a response to its end.
pub(crate) async fn text(response: Result<Response<Incoming>, ClientError>) -> Result<String, ClientError> {
    let body = response?.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}
