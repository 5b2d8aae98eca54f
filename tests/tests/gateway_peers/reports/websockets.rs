//! WebSockets: browsers write the header Connection in several ways, and each side can end its direction first.

use std::io::{Read, Write};
use std::process::Command;

use uwsgi_tests::programs::{Listen, Program, TestDir, example};

use super::scripted::Scripted;
use crate::application::{bytes, expect};
use crate::front::{Front, Running};

/// Chromium writes the first, Firefox the second. Names and tokens have no case (RFC 9110 sections 5.1 and 7.6.1).
const CONNECTIONS: &[&str] = &[
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket",
    "Connection: Upgrade, keep-alive\r\nUpgrade: websocket",
    "connection: upgrade\r\nupgrade: WebSocket",
    "Upgrade: websocket\r\nConnection: keep-alive,UPGRADE",
];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let router = ["http-websockets = true", "http-keepalive = 60"];
    let listen = Listen::Unix(test_dir.path("websocket.sock"));
    let mut command = Command::new(example("websocket", &[]));
    let _backend = Program::start(test_dir, "websocket", command.arg(listen.to_string()), &[&listen]);
    let running = front.start(test_dir, "front", &listen, &[], &router);
    for connection in CONNECTIONS {
        echoes(&running, connection).map_err(|error| format!("{connection:?}: {error}"))?;
    }
    half_close(test_dir, front, &router).map_err(|error| format!("half-close: {error}"))
}

fn handshake(connection: &str, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: app.example\r\n{connection}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The key and the frames are those of RFC 6455 sections 1.3 and 5.7.
fn echoes(running: &Running<'_>, connection: &str) -> Result<(), String> {
    let mut client = running.connect();
    client.send(handshake(connection, "/echo").as_bytes()).map_err(|error| error.to_string())?;
    let head = client.head().map_err(|error| format!("no head: {error}"))?;
    let accept: Vec<&str> = head.all("sec-websocket-accept").collect();
    expect(head.status == 101 && accept == ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], || format!("{head:?}"))?;
    for _ in 0..3 {
        client.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").map_err(|error| error.to_string())?;
        let echoed = client.bytes(7).map_err(|error| format!("no echo: {error}"))?;
        expect(echoed == b"\x81\x05Hello", || format!("{echoed:?}"))?;
    }
    Ok(())
}

/// A client ends its direction after a million bytes. The backend waits for that end, and then sends all of them back.
fn half_close(test_dir: &TestDir, front: Front, router: &[&str]) -> Result<(), String> {
    let backend = Scripted::start(&test_dir.path("half.sock"), |stream| {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(head).expect("a head");
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).expect("the end of a direction");
        // The router has closed its side.
        let _gone = stream.write_all(&seen);
    });
    let running = front.start(test_dir, "front-of-half", &backend.listen(), &[], router);
    let mut client = running.connect();
    client.send(handshake(CONNECTIONS[0], "/").as_bytes()).map_err(|error| error.to_string())?;
    let head = client.head().map_err(|error| format!("no head: {error}"))?;
    expect(head.status == 101, || format!("{head:?}"))?;
    client.send(bytes(1_000_000)).map_err(|error| error.to_string())?;
    client.end().map_err(|error| error.to_string())?;
    let echoed = client.rest().map_err(|error| error.to_string())?;
    expect(echoed == bytes(1_000_000), || format!("{} of 1000000 bytes came back", echoed.len()))
}
