//! Connections that are used again, and connections that are not.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};
use uwsgi_tower::{Client, ClientError};

use crate::backend::{Connection, ask, backend, get, post, text};

/// Starts a backend that answers each request with the number of the connection, and sends the number when the client has
/// closed.
async fn numbered() -> (Client, mpsc::UnboundedReceiver<usize>) {
    let (sender, closed) = mpsc::unbounded_channel();
    let client = backend(move |mut connection: Connection, number| {
        let sender = sender.clone();
        async move {
            while connection.packet().await.is_some() {
                connection.answer(&number.to_string()).await;
            }
            sender.send(number).unwrap();
        }
    });
    (client.await, closed)
}

async fn number(client: &Client) -> String {
    text(ask(client, get("/")).await).await.unwrap()
}

#[tokio::test]
async fn by_default_no_connection_is_kept() {
    let (client, mut closed) = numbered().await;
    assert_eq!((number(&client).await, number(&client).await), ("0".into(), "1".into()));
    assert_eq!((closed.recv().await, closed.recv().await), (Some(0), Some(1)));
}

#[tokio::test]
async fn requests_in_sequence_share_a_connection() {
    let (client, _closed) = numbered().await;
    let client = client.with_pool_max_idle(2);
    for _ in 0..5 {
        assert_eq!(number(&client).await, "0");
        // A clone shares the kept connections.
        assert_eq!(number(&client.clone()).await, "0");
    }
}

/// Requests at the same time each have a connection.
#[tokio::test]
async fn no_more_connections_are_kept_than_set() {
    let (client, mut closed) = numbered().await;
    let client = client.with_pool_max_idle(2);
    let responses = join_all((0..5).map(|_| ask(&client, get("/")))).await;
    let mut numbers: Vec<_> = join_all(responses.into_iter().map(text)).await.into_iter().map(Result::unwrap).collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"]);
    for _ in 0..3 {
        timeout(Duration::from_secs(5), closed.recv()).await.unwrap();
    }
    // Nothing happens within this time.
    assert!(timeout(Duration::from_millis(200), closed.recv()).await.is_err(), "too few were kept");
    drop(client);
    for _ in 0..2 {
        timeout(Duration::from_secs(5), closed.recv()).await.expect("the connection outlives its client");
    }
}

#[tokio::test]
async fn a_connection_is_not_kept_longer_than_set() {
    let (client, mut closed) = numbered().await;
    let kept_for = Duration::from_secs(3);
    let client = client.with_pool_max_idle(2).with_pool_idle_timeout(kept_for);
    assert_eq!(number(&client).await, "0");
    // Part of the time passes.
    sleep(Duration::from_secs(1)).await;
    let used_again = Instant::now();
    assert_eq!(number(&client).await, "0");
    // It is closed without another request.
    assert_eq!(timeout(Duration::from_secs(20), closed.recv()).await.unwrap(), Some(0));
    assert!(used_again.elapsed() >= kept_for, "{:?}", used_again.elapsed());
    assert_eq!(number(&client).await, "1");
}

/// The client closes its side at once, without another request.
#[tokio::test]
async fn connections_that_the_backend_closes_are_closed() {
    let (sender, mut closed) = mpsc::unbounded_channel();
    let client = backend(move |mut connection: Connection, number| {
        let sender = sender.clone();
        async move {
            connection.packet().await.unwrap();
            connection.answer(&number.to_string()).await;
            connection.stream.shutdown().await.unwrap();
            connection.wait_for_close().await;
            sender.send(number).unwrap();
        }
    });
    let client = client.await.with_pool_max_idle(8);
    join_all((0..8).map(async |_| number(&client).await)).await;
    for _ in 0..8 {
        timeout(Duration::from_secs(5), closed.recv()).await.expect("the connection stays open");
    }
}

/// Bytes on an idle connection belong to no request.
#[tokio::test]
async fn a_connection_with_unasked_bytes_is_not_used_again() {
    let (send, sent) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let both = (Arc::clone(&send), Arc::clone(&sent));
    let client = backend(move |mut connection: Connection, number| {
        let (send, sent) = both.clone();
        async move {
            connection.packet().await.unwrap();
            connection.answer(&number.to_string()).await;
            send.notified().await;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle").await;
            sent.notify_one();
            connection.wait_for_close().await;
        }
    });
    let client = client.await.with_pool_max_idle(8);
    assert_eq!(number(&client).await, "0");
    send.notify_one();
    sent.notified().await;
    // The bytes are sent, and arrive soon. The client shows no sign of it.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(number(&client).await, "1");
}

/// Responses without a known end, responses that end the connection, and responses with bytes after them.
#[tokio::test]
async fn responses_after_which_no_request_can_follow() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n!behind",
    ] {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let client = backend(move |mut connection: Connection, _| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                while connection.packet().await.is_some() {
                    let body = if answer.contains('!') { "" } else { "!" };
                    connection.send([answer, body].concat()).await;
                }
            }
        });
        let client = client.await.with_pool_max_idle(8);
        for expected in 1..=3 {
            assert_eq!(number(&client).await, "!");
            assert_eq!(connections.load(Ordering::Relaxed), expected, "{answer}");
        }
    }
}

/// Starts a backend that closes a kept connection when the second request arrives, before or after it has read that request.
async fn closes_on_the_second(read: bool) -> (Client, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let client = backend(move |mut connection: Connection, number| {
        let count = Arc::clone(&count);
        async move {
            connection.packet().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            connection.answer(&number.to_string()).await;
            // The next request has arrived.
            connection.stream.readable().await.unwrap();
            if read && connection.packet().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    (client.await.with_pool_max_idle(8), requests)
}

/// With `with_idempotent_retries` an idempotent request is sent again on a new connection.
#[tokio::test]
async fn a_get_that_meets_a_close_is_sent_again_if_set() {
    for read in [false, true] {
        let (client, requests) = closes_on_the_second(read).await;
        let client = client.with_idempotent_retries();
        assert_eq!((number(&client).await, number(&client).await), ("0".into(), "1".into()));
        assert_eq!(requests.load(Ordering::Relaxed), if read { 3 } else { 2 });
    }
}

/// Without `with_idempotent_retries` a request that has left is not sent again.
#[tokio::test]
async fn a_get_that_meets_a_close_is_an_error_by_default() {
    let (client, requests) = closes_on_the_second(true).await;
    assert_eq!(number(&client).await, "0");
    let error = ask(&client, get("/")).await.unwrap_err();
    assert!(matches!(error, ClientError::Io(_) | ClientError::Answer(_)), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 2, "the request was sent again");
}

/// A POST is not idempotent.
#[tokio::test]
async fn a_post_that_meets_a_close_is_an_error() {
    for body in ["", "body"] {
        let (client, requests) = closes_on_the_second(true).await;
        let client = client.with_idempotent_retries();
        assert_eq!(number(&client).await, "0");
        let error = ask(&client, post(body)).await.unwrap_err();
        assert!(matches!(error, ClientError::Io(_) | ClientError::Answer(_)), "{error}");
        assert_eq!(requests.load(Ordering::Relaxed), 2, "the request was sent again");
    }
}

/// A PUT is idempotent, but its body was polled and is not there any more.
#[tokio::test]
async fn a_body_that_was_polled_is_not_sent_again() {
    let (client, requests) = closes_on_the_second(true).await;
    let client = client.with_idempotent_retries();
    assert_eq!(number(&client).await, "0");
    let request = http::Request::put("/").body(http_body_util::Full::new(bytes::Bytes::from("body"))).unwrap();
    ask(&client, request).await.unwrap_err();
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}

/// The client asks the kernel before it sends, whatever the method is.
#[tokio::test]
async fn a_post_after_a_known_close_takes_a_new_connection() {
    let client = backend(async |mut connection: Connection, number| {
        let packet = connection.packet().await.unwrap();
        let length = crate::backend::var(&packet, "CONTENT_LENGTH").map_or(0, |length| length.parse().unwrap());
        connection.body(length).await;
        connection.answer(&number.to_string()).await;
    });
    let client = client.await.with_pool_max_idle(8);
    for expected in 0..20 {
        let got = text(ask(&client, post("body")).await).await.unwrap();
        assert_eq!(got, expected.to_string());
        // The close must arrive, and the runtime may not report it yet.
        std::thread::sleep(Duration::from_millis(5));
        tokio::task::yield_now().await;
    }
}

/// Without a length, no server could know where the next request begins.
#[tokio::test]
async fn a_request_without_a_body_has_a_length_of_0() {
    let client = backend(async |mut connection: Connection, _| {
        let packet = connection.packet().await.unwrap();
        connection.answer(&crate::backend::var(&packet, "CONTENT_LENGTH").unwrap_or_default()).await;
    });
    let client = client.await;
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "0");
    assert_eq!(text(ask(&client, post("")).await).await.unwrap(), "0");
}

#[tokio::test]
async fn a_collected_body_is_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let client = backend(move |mut connection: Connection, number| {
        let count = Arc::clone(&count);
        async move {
            connection.packet().await.unwrap();
            if number == 0 {
                connection.answer("first").await;
                connection.packet().await.unwrap();
            }
            count.fetch_add(1, Ordering::Relaxed);
            let body = connection.body(4).await;
            if number == 1 {
                connection.answer(&String::from_utf8(body).unwrap()).await;
            }
        }
    });
    let client = client.await.with_pool_max_idle(1).with_idempotent_retries();
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "first");
    let pieces = ["bo", "dy"].map(|piece| Ok::<_, core::convert::Infallible>(http_body::Frame::data(piece.into())));
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
    let request = http::Request::put("/")
        .body(http_body_util::BodyExt::map_frame(body, |frame: http_body::Frame<bytes::Bytes>| frame))
        .unwrap();
    assert_eq!(text(ask(&client, request).await).await.unwrap(), "body");
    assert_eq!(requests.load(Ordering::Relaxed), 2);
}
