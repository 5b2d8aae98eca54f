//! Backends that are given by name.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::net::TcpListener;
use uwsgi_tower::Client;

use crate::backend::{Connection, ask, get, text};

/// The only other threads of this runtime are those that look up names.
#[test]
fn a_hundred_requests_at_once_look_up_localhost_on_one_thread() {
    let threads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&threads);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        // localhost may be ::1 too. Nobody listens there, so the client must try 127.0.0.1 after it.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(&format!("localhost:{}", listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(async move {
            loop {
                let mut connection = Connection { stream: listener.accept().await.unwrap().0 };
                tokio::spawn(async move {
                    connection.packet().await;
                    connection.answer("hello").await;
                });
            }
        });
        let requests: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { text(ask(&client, get("/")).await).await.unwrap() })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), "hello");
        }
    });
    assert_eq!(threads.load(Ordering::SeqCst), 1);
}
