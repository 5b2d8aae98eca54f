//! Refused connections.

use core::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::service_fn;
use uwsgi::server::ConnectionLimit;
use uwsgi_tower::serve;

use crate::in_process::in_process;
use crate::{ALLOWED, GET, NOT_ALLOWED, allow, answer, connect, hello, line};

/// Allowed peers are served while many others are refused.
#[tokio::test(start_paused = true)]
async fn refused_connections_do_not_count_against_the_limit() {
    let (listener, sender) = in_process();
    let server = serve(listener, service_fn(hello)).with_allow_list(allow("10.0.0.1")).with_max_connections(2);
    tokio::spawn(server.into_future());
    let mut refused = Vec::new();
    for _ in 0..ConnectionLimit::REFUSALS + 100 {
        refused.push(sender.connect(NOT_ALLOWED));
    }
    for _ in 0..10 {
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(GET).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    let mut answered = 0;
    for stream in refused {
        match line(&answer(stream).await) {
            "HTTP/1.1 403 Forbidden" => answered += 1,
            // This listener has no `say`, so that a refusal without waiting is only a close.
            other => assert_eq!(other, ""),
        }
    }
    assert_eq!(answered, ConnectionLimit::REFUSALS);
    // The connections that have ended are not counted any more.
    let (one, two) = (sender.connect(ALLOWED), sender.connect(ALLOWED));
    let mut three = sender.connect(ALLOWED);
    three.shutdown().await.unwrap();
    assert_eq!(line(&answer(three).await), "HTTP/1.1 503 Service Unavailable");
    drop((one, two));
    // The clock is paused: it goes on only when the server has seen both closes.
    sleep(Duration::from_secs(1)).await;
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
}

/// More connections are refused than have a task for it. On one thread the runtime does not know yet that their sockets are
/// writable, and they get the refusal all the same.
#[cfg(unix)]
#[tokio::test]
async fn many_connections_are_refused_without_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service_fn(hello)).with_max_connections(0).into_future());
    let mut streams = Vec::new();
    for _ in 0..ConnectionLimit::REFUSALS + 40 {
        // With and without a request; the server accepts nothing between the two.
        for bytes in [&[][..], GET] {
            streams.push(connect(address, bytes));
        }
        // Lets the server run, so that the backlog does not overflow.
        sleep(Duration::from_millis(1)).await;
    }
    for stream in streams {
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 503 Service Unavailable");
    }
}
