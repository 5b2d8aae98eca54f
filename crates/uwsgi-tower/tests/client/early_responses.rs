//! Responses that come before the whole request is sent.

use core::time::Duration;

use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use uwsgi_tower::ClientError;

use crate::backend::{Connection, ask, backend, post};

/// More than the buffers of the kernel hold.
const LENGTH: usize = 60 << 20;

/// Responses and their bodies: without a body, with a length, chunked, and up to the close.
const ANSWERS: [(&str, &str); 5] = [
    ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly", "early"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", "early"),
    ("HTTP/1.1 200 OK\r\n\r\nearly", "early"),
];

/// A response that is not an error does not cut an upload off.
#[tokio::test]
async fn the_rest_of_the_request_is_sent() {
    for (answer, expected) in ANSWERS {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let done = std::sync::Mutex::new(Some(done));
        let client = backend(move |mut connection: Connection, _| {
            let done = done.lock().unwrap().take().unwrap();
            async move {
                connection.packet().await;
                connection.send(answer).await;
                if !answer.contains("Content-Length") && !answer.contains("chunked") {
                    connection.stream.shutdown().await.unwrap();
                }
                // The client must read the response before it can send more. The backend cannot see when it has.
                sleep(Duration::from_millis(200)).await;
                done.send(connection.body(LENGTH).await.len()).unwrap();
            }
        })
        .await;
        let response = ask(&client, post(vec![b'x'; LENGTH])).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected, "{answer}");
        assert_eq!(is_done.await.unwrap(), LENGTH, "{answer}");
    }
}

/// The error comes in place of the last bytes of the response, or before them.
#[tokio::test]
async fn a_request_that_cannot_be_sent_is_an_error() {
    for (answer, _) in ANSWERS {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.body(4 << 20).await;
            connection.send(answer).await;
            connection.stream.shutdown().await.unwrap();
            // The client must read the response before the reset. The backend cannot see when it has.
            sleep(Duration::from_millis(200)).await;
        })
        .await;
        let answered = async {
            let response = ask(&client, post(vec![b'x'; LENGTH])).await?;
            // A caller that knows the length does not read further.
            let (mut body, mut got) = (response.into_body(), 0);
            while got < 5 {
                match body.frame().await {
                    Some(frame) => got += frame?.into_data().unwrap().len(),
                    None => break,
                }
            }
            match body.frame().await {
                Some(Err(error)) => Err(error),
                _ => Ok(got),
            }
        };
        let error = answered.await.expect_err(answer);
        assert!(matches!(error, ClientError::Io(_)), "{answer}: {error}");
    }
}

/// A response that is an error or a redirect is whole without the rest of the request, because no backend reads that.
#[tokio::test]
async fn an_error_or_a_redirect_ends_the_request() {
    for status in ["413 Content Too Large", "302 Found"] {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.send(format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nearly")).await;
            connection.stream.shutdown().await.unwrap();
            connection.hold().await;
        })
        .await;
        let response = ask(&client, post(vec![b'x'; LENGTH])).await.unwrap();
        assert!(status.starts_with(response.status().as_str()), "{status}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "early", "{status}");
    }
}
