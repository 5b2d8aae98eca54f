//! Pings, and what comes instead of a pong.

use core::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uwsgi_tower::ping;

/// What a backend answers before it closes, and the warning or the error of the ping.
const ROWS: [(&[u8], Result<&str, &str>); 7] = [
    (b"\x64\0\0\x01", Ok("")),
    (b"\x64\x05\0\x01tired", Ok("tired")),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", Err("the answer to the ping is a response of HTTP with status 400")),
    (b"", Err("the backend closed without an answer: does it have the plugin ping?")),
    (b"\x64\0\0\0", Err("the answer to the ping is not a pong: ")),
    (b"\x01\0\0\x01", Err("the answer to the ping is not a pong: ")),
    (b"\x64\x05\0\x01ti", Err("the answer to the ping is not a pong: ")),
];

#[tokio::test]
async fn a_ping_says_what_came_instead_of_a_pong() {
    for (answer, expected) in ROWS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let backend = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut packet = [0; 4];
            stream.read_exact(&mut packet).await.unwrap();
            assert_eq!(packet, [0x64, 0, 0, 0]);
            // One byte at a time.
            for byte in answer {
                stream.write_all(&[*byte]).await.unwrap();
            }
        });
        match (ping(&address, Duration::from_secs(20)).await, expected) {
            (Ok(warning), Ok(expected)) => assert_eq!(warning, expected),
            (Err(error), Err(expected)) => assert!(format!("{error:#}").starts_with(expected), "{error:#}"),
            (got, expected) => panic!("{got:?}, and not {expected:?}"),
        }
        backend.await.unwrap();
    }
}

#[tokio::test]
async fn a_ping_waits_no_longer_than_its_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let error = ping(&address, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.to_string(), "the backend did not answer the ping in time");
    let error = ping("unix:/nonexistent/app.sock", Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect to the backend at unix:/nonexistent/app.sock");
    assert!(ping("nonsense:address:here", Duration::from_secs(20)).await.is_err());
}
