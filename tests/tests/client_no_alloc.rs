//! A client allocates its buffers once.

use std::io::{Read, Write};
use std::net::TcpListener;

use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_io::{Client, Response, Value};
use uwsgi_tests::counting::{CountingAllocator, allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Starts a server on another thread, whose allocations do not count here; it serves this many connections.
fn serve(connections: usize, keep: bool, answer: &'static [u8]) -> (Client, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap().with_keepalive(keep);
    let thread = std::thread::spawn(move || {
        for _ in 0..connections {
            let mut stream = listener.accept().unwrap().0;
            let mut got = [0; 65536];
            while let Ok(1..) = stream.read(&mut got) {
                stream.write_all(answer).unwrap();
                if !keep {
                    break;
                }
            }
        }
    });
    (client, thread)
}

fn packet() -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    vars.push("REQUEST_METHOD", "POST").unwrap();
    vars.push("CONTENT_LENGTH", "5").unwrap();
    vars.finish(Modifier1::WSGI, 0).unwrap();
    buffer
}

#[test]
fn only_the_first_request_allocates() {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    for keep in [false, true] {
        let (mut client, server) = serve(if keep { 1 } else { 11 }, keep, ANSWER);
        let packet = packet();
        let mut ask = || {
            let mut response = client.request(&packet, &b"hello"[..]).unwrap();
            let mut text = [0; 8];
            assert_eq!(response.read(&mut text).unwrap(), 2);
            assert_eq!(response.read(&mut text).unwrap(), 0);
        };
        assert!(allocations(&mut ask) > 0, "the buffers");
        assert_eq!(allocations(|| (0..10).for_each(|_| ask())), 0, "{keep}");
        drop(client);
        server.join().unwrap();
    }
}

#[test]
fn only_the_first_message_allocates() {
    let (mut client, server) = serve(3, false, b"\xad\x02\0\0ok");
    let mut ask = || {
        let mut value = client.rpc("function", ["argument"]).unwrap();
        let mut text = [0; 8];
        assert_eq!(value.read(&mut text).unwrap(), 2);
        assert_eq!(value.read(&mut text).unwrap(), 0);
    };
    ask();
    assert_eq!(allocations(|| (0..2).for_each(|_| ask())), 0);
    server.join().unwrap();
}

/// A client and its responses go to any thread.
#[test]
fn a_client_and_its_responses_go_to_any_thread() {
    fn free<T: Send + Sync + std::fmt::Debug>() {}
    free::<Client>();
    free::<Response<'_, &[u8]>>();
    free::<Value<'_>>();
    free::<uwsgi_io::Sending<'_>>();
    free::<uwsgi_io::Upgraded<'_, std::io::Empty>>();
    free::<uwsgi_io::Cache<'_>>();
    free::<uwsgi_io::ClientError>();
    free::<uwsgi_io::ResponseReader<'_, &[u8]>>();
    free::<uwsgi_io::ResponseBody<'_, &[u8]>>();
    free::<uwsgi_io::Pipe<'_, &[u8]>>();
    free::<uwsgi_io::Stream<uwsgi_io::Socket>>();
}
