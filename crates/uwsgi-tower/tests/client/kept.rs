//! Connections that are used again, and those that are not.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};
use uwsgi_tower::{Client, ClientError};

use crate::backend::{Connection, ask, backend, get, post, text};

/// Answers each request with the connection's number, and tells when the client has closed.
async fn numbered() -> (Client, mpsc::UnboundedReceiver<usize>) {
    let (closed, told) = mpsc::unbounded_channel();
    let client = backend(move |mut connection: Connection, number| {
        let closed = closed.clone();
        async move {
            while connection.packet().await.is_some() {
                connection.answer(&number.to_string()).await;
            }
            closed.send(number).unwrap();
        }
    });
    (client.await, told)
}

async fn number(client: &Client) -> String {
    text(ask(client, get("/")).await).await.unwrap()
}

#[tokio::test]
async fn none_unless_asked_for() {
    let (client, mut closed) = numbered().await;
    assert_eq!((number(&client).await, number(&client).await), ("0".into(), "1".into()));
    assert_eq!((closed.recv().await, closed.recv().await), (Some(0), Some(1)));
}

#[tokio::test]
async fn one_after_the_other() {
    let (client, _closed) = numbered().await;
    let client = client.reusing(2);
    for _ in 0..5 {
        assert_eq!(number(&client).await, "0");
        // A clone shares what is kept.
        assert_eq!(number(&client.clone()).await, "0");
    }
}

/// Those at once have each their own, and no more are kept than asked for.
#[tokio::test]
async fn no_more_than_asked_for() {
    let (client, mut closed) = numbered().await;
    let client = client.reusing(2);
    let responses = join_all((0..5).map(|_| ask(&client, get("/")))).await;
    let mut numbers: Vec<_> = join_all(responses.into_iter().map(text)).await.into_iter().map(Result::unwrap).collect();
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"]);
    for _ in 0..3 {
        timeout(Duration::from_secs(5), closed.recv()).await.unwrap();
    }
    assert!(timeout(Duration::from_millis(200), closed.recv()).await.is_err(), "none was kept");
    drop(client);
    for _ in 0..2 {
        timeout(Duration::from_secs(5), closed.recv()).await.expect("kept by nobody");
    }
}

#[tokio::test]
async fn no_longer_than_asked_for() {
    let (client, mut closed) = numbered().await;
    let kept_for = Duration::from_secs(3);
    let client = client.reusing(2).with_kept_for(kept_for);
    assert_eq!(number(&client).await, "0");
    sleep(Duration::from_secs(1)).await;
    let used_again = Instant::now();
    assert_eq!(number(&client).await, "0");
    // Nobody has to ask for anything.
    assert_eq!(timeout(Duration::from_secs(20), closed.recv()).await.unwrap(), Some(0));
    assert!(used_again.elapsed() >= kept_for, "{:?}", used_again.elapsed());
    assert_eq!(number(&client).await, "1");
}

/// The backend closes: so does the client, at once, and though nobody asks.
#[tokio::test]
async fn the_dead_do_not_pile_up() {
    let (told, mut closed) = mpsc::unbounded_channel();
    let client = backend(move |mut connection: Connection, number| {
        let told = told.clone();
        async move {
            connection.packet().await.unwrap();
            connection.answer(&number.to_string()).await;
            connection.stream.shutdown().await.unwrap();
            connection.closed().await;
            told.send(number).unwrap();
        }
    });
    let client = client.await.reusing(8);
    join_all((0..8).map(async |_| number(&client).await)).await;
    for _ in 0..8 {
        timeout(Duration::from_secs(5), closed.recv()).await.expect("it stays open");
    }
}

/// So it is with bytes that nobody asked for.
#[tokio::test]
async fn what_speaks_unasked_is_not_used_again() {
    let (speak, said) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let both = (Arc::clone(&speak), Arc::clone(&said));
    let client = backend(move |mut connection: Connection, number| {
        let (speak, said) = both.clone();
        async move {
            connection.packet().await.unwrap();
            connection.answer(&number.to_string()).await;
            speak.notified().await;
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle").await;
            said.notify_one();
            connection.closed().await;
        }
    });
    let client = client.await.reusing(8);
    assert_eq!(number(&client).await, "0");
    speak.notify_one();
    said.notified().await;
    // It has left; that it has come takes the kernel no time to speak of.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(number(&client).await, "1");
}

/// Answers that do not say where they end, or say that the connection does, or have something behind them.
#[tokio::test]
async fn answers_behind_which_nothing_can_follow() {
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
                    connection.say([answer, body].concat()).await;
                }
            }
        });
        let client = client.await.reusing(8);
        for asked in 1..=3 {
            assert_eq!(number(&client).await, "!");
            assert_eq!(connections.load(Ordering::Relaxed), asked, "{answer}");
        }
    }
}

/// Closes a kept connection when another request comes on it, having read so much of it.
async fn closes_on_the_second(read: bool) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let client = backend(move |mut connection: Connection, number| {
        let count = Arc::clone(&count);
        async move {
            connection.packet().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            connection.answer(&number.to_string()).await;
            // Readable: the next request has come.
            connection.stream.readable().await.unwrap();
            if read && connection.packet().await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    (client.await.reusing(8), asked)
}

/// A request that does no harm twice is asked again on a new connection, if that is asked for.
#[tokio::test]
async fn a_get_that_meets_a_close_may_be_asked_again() {
    for read in [false, true] {
        let (client, asked) = closes_on_the_second(read).await;
        let client = client.retrying_idempotent();
        assert_eq!((number(&client).await, number(&client).await), ("0".into(), "1".into()));
        assert_eq!(asked.load(Ordering::Relaxed), if read { 3 } else { 2 });
    }
}

/// Unless it is, nothing that has left is sent twice.
#[tokio::test]
async fn a_get_that_meets_a_close_is_an_error() {
    let (client, asked) = closes_on_the_second(true).await;
    assert_eq!(number(&client).await, "0");
    let error = ask(&client, get("/")).await.unwrap_err();
    assert!(matches!(error, ClientError::Io(_) | ClientError::Answer(_)), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 2, "asked twice");
}

/// One that might is not, once a byte of it has left.
#[tokio::test]
async fn a_post_that_meets_a_close_is_an_error() {
    for body in ["", "body"] {
        let (client, asked) = closes_on_the_second(true).await;
        let client = client.retrying_idempotent();
        assert_eq!(number(&client).await, "0");
        let error = ask(&client, post(body)).await.unwrap_err();
        assert!(matches!(error, ClientError::Io(_) | ClientError::Answer(_)), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 2, "asked twice");
    }
}

/// A PUT does no harm twice, but its body was touched, and there is no other.
#[tokio::test]
async fn a_body_that_was_touched_is_not_sent_twice() {
    let (client, asked) = closes_on_the_second(true).await;
    let client = client.retrying_idempotent();
    assert_eq!(number(&client).await, "0");
    let request = http::Request::put("/").body(http_body_util::Full::new(bytes::Bytes::from("body"))).unwrap();
    ask(&client, request).await.unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// A close that the kernel knows of is seen before anything is sent, whatever the method.
#[tokio::test]
async fn a_post_behind_a_close_that_was_seen_goes_to_another() {
    let client = backend(async |mut connection: Connection, number| {
        let packet = connection.packet().await.unwrap();
        let length = crate::backend::var(&packet, "CONTENT_LENGTH").map_or(0, |length| length.parse().unwrap());
        connection.body(length).await;
        connection.answer(&number.to_string()).await;
    });
    let client = client.await.reusing(8);
    for expected in 0..20 {
        let got = text(ask(&client, post("body")).await).await.unwrap();
        assert_eq!(got, expected.to_string());
        // The close is on its way, or is there; the runtime need not have told.
        std::thread::sleep(Duration::from_millis(5));
        tokio::task::yield_now().await;
    }
}

/// Where there is no body, the packet says so: else no server could tell where the next request begins.
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

/// A body that was collected can be sent from its first byte again.
#[tokio::test]
async fn a_collected_body_may_be_sent_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
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
    let client = client.await.reusing(1).retrying_idempotent();
    assert_eq!(text(ask(&client, get("/")).await).await.unwrap(), "first");
    let pieces = ["bo", "dy"].map(|piece| Ok::<_, core::convert::Infallible>(http_body::Frame::data(piece.into())));
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
    let request = http::Request::put("/")
        .body(http_body_util::BodyExt::map_frame(body, |frame: http_body::Frame<bytes::Bytes>| frame))
        .unwrap();
    assert_eq!(text(ask(&client, request).await).await.unwrap(), "body");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}
