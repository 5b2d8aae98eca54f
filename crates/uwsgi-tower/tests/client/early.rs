//! Answers that come before the request has left.

use core::time::Duration;

use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use uwsgi_tower::ClientError;

use crate::backend::{Connection, ask, backend, post};

/// More than the kernel's buffers take.
const LENGTH: usize = 60 << 20;

/// Answers, and what they have of a body: with none at all, with a length, in chunks, up to the close.
const ANSWERS: [(&str, &str); 5] = [
    ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly", "early"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", "early"),
    ("HTTP/1.1 200 OK\r\n\r\nearly", "early"),
];

/// All of the request leaves, though the answer was there before it had: an answer that is no error does not cut an upload.
#[tokio::test]
async fn the_rest_of_the_request_leaves() {
    for (answer, expected) in ANSWERS {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let done = std::sync::Mutex::new(Some(done));
        let client = backend(move |mut connection: Connection, _| {
            let done = done.lock().unwrap().take().unwrap();
            async move {
                connection.packet().await;
                connection.say(answer).await;
                if !answer.contains("Content-Length") && !answer.contains("chunked") {
                    connection.stream.shutdown().await.unwrap();
                }
                // The client sees the answer first.
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

/// If it cannot leave, the caller is told so, with the last bytes of the answer at the latest.
#[tokio::test]
async fn a_request_that_cannot_leave_is_an_error() {
    for (answer, _) in ANSWERS {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.body(4 << 20).await;
            connection.say(answer).await;
            // The answer is there before the reset.
            connection.stream.shutdown().await.unwrap();
            sleep(Duration::from_millis(200)).await;
        })
        .await;
        let answered = async {
            let response = ask(&client, post(vec![b'x'; LENGTH])).await?;
            // A caller that knows the length reads no further.
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

/// An answer that is an error or a redirect is whole without the rest of the request: nobody reads that.
#[tokio::test]
async fn an_error_ends_the_request() {
    for status in ["413 Content Too Large", "302 Found"] {
        let client = backend(move |mut connection: Connection, _| async move {
            connection.packet().await;
            connection.say(format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nearly")).await;
            connection.stream.shutdown().await.unwrap();
            sleep(Duration::from_millis(200)).await;
        })
        .await;
        let response = ask(&client, post(vec![b'x'; LENGTH])).await.unwrap();
        assert!(status.starts_with(response.status().as_str()), "{status}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "early", "{status}");
    }
}
