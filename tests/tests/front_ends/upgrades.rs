//! The examples of `uwsgi-tower` that need a front end: WebSockets through `uwsgi_pass`, and TLS to a backend.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use uwsgi_tests::http1::Connection;
use uwsgi_tests::programs::{Certificate, Listen, Port, Program, Snippet, TestDir, example, nginx};

use super::matrix::{RunningFrontEnd, TIMEOUT, nginx_plain, plain};

/// Starts an example that listens there.
fn start<'s>(test_dir: &'s TestDir, name: &str, features: &[&str], args: &[String], listen: &Listen) -> Program<'s> {
    Program::start(test_dir, name, Command::new(example(name, features)).args(args), &[listen])
}

/// The frames are those of RFC 6455 section 5.7.
#[test]
fn a_websocket_through_uwsgi_pass() {
    for snippet in ["nginx-unix.conf", "nginx-streaming.conf"] {
        let test_dir = TestDir::new();
        let listen = Listen::Unix(test_dir.path("app.sock"));
        let _server = start(&test_dir, "websocket", &[], &[listen.to_string()], &listen);
        let running = nginx_plain(&test_dir, snippet, &listen);
        let mut client: Connection = running.connect().expect("a connection");
        client.give(TIMEOUT);
        client
            .send(
                b"GET /echo HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            )
            .expect("a handshake");
        let head = client.head().expect("a head");
        assert_eq!(head.status, 101, "{snippet}: {head:?}");
        let accept: Vec<&str> = head.all("Sec-WebSocket-Accept").collect();
        assert_eq!(accept, ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "{snippet}");
        for _ in 0..3 {
            client.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").expect("a masked Hello");
            assert_eq!(client.bytes(7).expect("a Hello"), b"\x81\x05Hello", "{snippet}");
        }
    }
}

/// Starts nginx in front of the example that asks for certificates, without the directives in `without`.
fn suwsgi<'s>(
    test_dir: &'s TestDir,
    listen: &Listen,
    of_nginx: &Certificate,
    of_app: &Certificate,
    without: &[&str],
) -> RunningFrontEnd<'s> {
    let port = Port::free();
    let path = |path: &std::path::Path| path.display().to_string();
    let site = Snippet::read("nginx-suwsgi.conf")
        .with("listen 80;", format!("listen {};", port.address()))
        .with("127.0.0.1:3031", listen.to_string())
        .with("/etc/ssl/certs/nginx.pem", path(&of_nginx.file))
        .with("/etc/ssl/private/nginx.key", path(&of_nginx.key))
        .with("/etc/ssl/certs/app.pem", path(&of_app.file));
    let site = without.iter().fold(site, |site, name| site.with(name, format!("# {name}")));
    plain(nginx(test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port)
}

#[test]
fn tls_to_the_backend_with_certificates_on_both_sides() {
    let test_dir = TestDir::new();
    let (of_app, of_nginx) =
        (Certificate::in_files(&test_dir, "app", "app.example"), Certificate::in_files(&test_dir, "nginx", "nginx"));
    let listen = Listen::tcp();
    let files = [&of_app.file, &of_app.key, &of_nginx.file].map(|file| file.display().to_string());
    let args = [vec![listen.to_string()], files.to_vec()].concat();
    let _server = start(&test_dir, "suwsgi", &["tls"], &args, &listen);

    let running = suwsgi(&test_dir, &listen, &of_nginx, &of_app, &[]);
    for _ in 0..3 {
        let answer = running.get("/").expect("an answer");
        assert_eq!(answer.head.status, 200);
        assert_eq!(answer.body, b"hello, you showed 1 certificates\n");
    }
    drop(running);

    // The example does not serve a front end without a certificate, and nginx does not trust another certificate.
    let without_certificate =
        suwsgi(&test_dir, &listen, &of_nginx, &of_app, &["uwsgi_ssl_certificate ", "uwsgi_ssl_certificate_key "]);
    assert_eq!(without_certificate.get("/").expect("an answer").head.status, 502);
    drop(without_certificate);
    let trusts_another = suwsgi(&test_dir, &listen, &of_nginx, &of_nginx, &[]);
    assert_eq!(trusts_another.get("/").expect("an answer").head.status, 502);
    let begun = Instant::now();
    while !trusts_another.log().contains("upstream SSL certificate verify error") {
        assert!(begun.elapsed() < TIMEOUT, "{}", trusts_another.log());
        // A pause between two looks.
        sleep(Duration::from_millis(5));
    }
}
