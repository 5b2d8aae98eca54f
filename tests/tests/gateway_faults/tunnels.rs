//! WebSocket connections whose backend or client breaks off.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use uwsgi_tests::backend::{Mode, ScriptedBackend, Then};
use uwsgi_tests::load::GatewayProcess;

use crate::{AtRest, TIMEOUT, check_healthy, start, wait_until};

const CLIENTS: usize = 32;
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\npart";

/// Opens a WebSocket connection, and reads what the backend sends at once.
fn open(gateway: &GatewayProcess, index: usize) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let head = format!("GET /{index} HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
    let rest = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\npart") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).unwrap();
        answer.extend_from_slice(&piece[..count]);
        assert!(count > 0, "{}", answer.escape_ascii());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
    stream
}

#[test]
fn a_tunnel_ends_when_one_side_breaks_off() {
    let backend = ScriptedBackend::start();
    let gateway = start(&backend, &["timeout=600000", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    for (name, then) in [("closes", Then::CloseLater), ("resets", Then::ResetLater)] {
        backend.set(Mode::send(SWITCHED, then));
        let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|index| open(&gateway, index)).collect();
        for (index, client) in clients.iter_mut().enumerate() {
            backend.going_on().go_on(&format!("/{index}"));
            let mut rest = Vec::new();
            // After a reset there may be an error.
            let _ended = client.read_to_end(&mut rest);
            assert!(rest.is_empty(), "the backend {name}: {}", rest.escape_ascii());
        }
        drop(clients);
        wait_until(name, || backend.open() == 0);
    }
    backend.set(Mode::send(SWITCHED, Then::Hang));
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|index| open(&gateway, index)).collect();
    for (index, client) in clients.into_iter().enumerate() {
        if index % 2 == 0 {
            set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
        }
    }
    wait_until("the clients have left, and the backend is free", || backend.open() == 0);
    backend.set(Mode::Healthy);
    check_healthy(&mut gateway.connect().unwrap(), "tunnels");
    at_rest.wait_until_again(&gateway.process);
}
