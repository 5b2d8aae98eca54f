//! What the server logs. The test has a process of its own: `tracing` decides once for all threads whether a line is logged,
//! and the thread of another test would decide first.
#![allow(clippy::unwrap_used, clippy::std_instead_of_alloc, reason = "a test that panics has found something")]

#[path = "serve/in_process.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod in_process;

use core::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::service_fn;
use uwsgi::server::AllowList;
use uwsgi_tower::{Body, serve};

use in_process::in_process;

async fn hello(_: Request<Body>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".into()))
}

/// Collects the log.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `http` does not accept some targets, which are refused, and some headers, which are left out.
#[tokio::test]
async fn what_http_does_not_accept_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    // Each space is three bytes when it is encoded, and `http` takes at most 65,534 bytes.
    let long = [&b"\0\x3d\x75\0\x09\0PATH_INFO\x30\x75"[..], &[b' '; 30_000]].concat();
    let target = ["the request's target cannot be read", "10.0.0.1:1000", "status=400"];
    for (sent, status, expected) in [
        (&b"\0\x0b\0\0\x06\0HTTP_X\x01\0\x01"[..], "200 OK", &["the header x is left out"][..]),
        (&long, "400 Bad Request", &target),
    ] {
        let (listener, sender) = in_process();
        let allow = AllowList::parse("10.0.0.1").unwrap();
        tokio::spawn(serve(listener, service_fn(hello)).with_allow_list(allow).into_future());
        let mut stream = sender.connect("10.0.0.1:1000");
        stream.write_all(sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.lines().next(), Some(format!("HTTP/1.1 {status}").as_str()));
        let log = String::from_utf8(core::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        assert!(log.contains("WARN") && expected.iter().all(|expected| log.contains(expected)), "{log}");
    }
}
