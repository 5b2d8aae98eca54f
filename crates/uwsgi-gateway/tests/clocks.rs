//! The clocks of a client's connection.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has found something")]

use core::future::Future;
use core::time::Duration;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};
use uwsgi::Header;
use uwsgi_gateway::{FrontAddresses, Gateway, Settings};
use uwsgi_tower::Client;

/// Starts a gateway with this backend, and returns the client's end of a connection.
fn connect<F>(settings: Settings, backend: fn(DuplexStream) -> F) -> DuplexStream
where
    F: Future<Output = ()> + Send + 'static,
{
    let client = Client::new("backend.example:1").unwrap().with_connector(move || {
        let (near, far) = duplex(1 << 16);
        tokio::spawn(backend(far));
        async { Ok::<_, io::Error>(near) }
    });
    let server = Gateway::with_client(settings, client).unwrap().into_connection_server();
    let (near, far) = duplex(1 << 16);
    tokio::spawn(async move { server.serve(far, FrontAddresses::unix()).await });
    near
}

async fn answer(mut connection: DuplexStream) {
    let mut header = [0; Header::LEN];
    connection.read_exact(&mut header).await.unwrap();
    let (header, _) = Header::decode(&header).unwrap();
    connection.read_exact(&mut vec![0; usize::from(header.datasize)]).await.unwrap();
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
}

/// Answers each request with a head and then bytes without end, as fast as the gateway takes them.
async fn answer_without_end(mut connection: DuplexStream) {
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    while connection.write_all(&[b'x'; 1 << 16]).await.is_ok() {}
}

fn settings() -> Settings {
    Settings::new("backend.example:1").unwrap()
}

/// What a client sends, the seconds after which the connection closes, and the statuses of the answers.
const ROWS: &[(&str, &str, u64, &[&str])] = &[
    ("nothing", "", 75, &[]),
    ("one byte", "G", 10, &[]),
    ("part of a head", "GET / HTTP/1.1\r\nHost: a\r\n", 10, &[]),
    ("an idle connection", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 75, &["200"]),
    ("an idle connection after a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 75, &["200"]),
    (
        "an idle connection after Expect",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        75,
        &["100", "200"],
    ),
    ("a body that stops", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", 30, &["408"]),
    ("a chunk that stops", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nh", 30, &["408"]),
];

#[tokio::test(start_paused = true)]
async fn a_connection_closes_after_its_time() {
    for (name, sent, seconds, statuses) in ROWS {
        let (start, mut client) = (Instant::now(), connect(settings(), answer));
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut answers = String::new();
        timeout(Duration::from_secs(200), client.read_to_string(&mut answers)).await.expect(name).unwrap();
        let got: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
        assert_eq!((start.elapsed().as_secs(), got), (*seconds, statuses.to_vec()), "{name}");
    }
}

/// A client that takes no byte for the time of `with_send_timeout` loses its connection. The time begins anew with each byte.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_off() {
    let settings = settings().with_streamed_answers(true).with_send_timeout(Duration::from_secs(60));
    let mut client = connect(settings, answer_without_end);
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let start = Instant::now();
    for _ in 0..4 {
        sleep(Duration::from_secs(50)).await;
        client.read_exact(&mut [0; 1 << 16]).await.unwrap();
    }
    sleep(Duration::from_secs(70)).await;
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() < 1 << 20, "the answer has no end, so this one was cut off: {} bytes", rest.len());
    assert_eq!(start.elapsed().as_secs(), 270);
}
