//! Limits and timeouts.

use core::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::service_fn;
use uwsgi::Limits;
use uwsgi_tower::{Body, Timeouts, serve};

use crate::in_process::in_process;
use crate::{ALLOWED, allow};

#[tokio::test(start_paused = true)]
async fn limits_and_timeouts_hold() {
    let (listener, sender) = in_process();
    let service = service_fn(async |request: Request<Body>| {
        let response = Response::new("hello".to_owned());
        match http_body_util::BodyExt::collect(request.into_body()).await {
            Ok(_) => Ok(response),
            Err(error) => Err(error),
        }
    });
    let server = serve(listener, service)
        .with_allow_list(allow("10.0.0.1"))
        .with_limits(Limits::server().with_datasize(64))
        .with_timeouts(Timeouts {
            header: Duration::from_secs(3),
            body: Duration::from_secs(5),
            ..Timeouts::default()
        });
    tokio::spawn(server.into_future());
    for (sent, seconds, expected) in [
        (&b"\0\x41\0\0"[..], 0, "HTTP/1.1 431 Request Header Fields Too Large"),
        (&b"\0\x40\0\0"[..], 3, "HTTP/1.1 408 Request Timeout"),
        (
            b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010",
            5,
            "HTTP/1.1 408 Request Timeout",
        ),
    ] {
        let start = tokio::time::Instant::now();
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(sent).await.unwrap();
        let mut head = [0; 24];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), seconds, "{expected}");
        assert!(expected.as_bytes().starts_with(&head), "{}", head.escape_ascii());
    }
}
