//! The size of a connection's buffer, and what makes it grow.

use uwsgi::Limits;
use uwsgi::server::Settings;
use uwsgi_io::{Arrival, RequestReader};
use uwsgi_server::{Answer, Body, Head};
use uwsgi_tests::counting::{allocations, largest_allocation};
use uwsgi_tests::timeline::{Act, Behavior, Timeline};

use crate::{app, packet, post, serve};

/// Returns the largest allocation while these pieces are served.
fn largest(pieces: &[&[u8]], settings: Settings) -> usize {
    let connection = Timeline::sending(pieces.iter().copied());
    largest_allocation(|| {
        let mut reader = RequestReader::new(&connection, settings);
        match reader.read_request().unwrap() {
            Arrival::Request { mut body, .. } => drop(std::io::copy(&mut body, &mut std::io::sink())),
            Arrival::Refused(_) => {}
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn announced_sizes_allocate_nothing() {
    // A datasize of 65,535 and a length of a gigabyte, with no bytes after them.
    assert_eq!(largest(&[b"\0\xff\xff\0"], Settings::default()), 4096);
    assert_eq!(largest(&[b"\0\xff\xff\0", &[b'x'; 4000]], Settings::default()), 4096);
    assert_eq!(largest(&[&post(1 << 30)], Settings::default()), 4096);
    assert_eq!(largest(&[&post(1 << 30), &[b'x'; 10_000]], Settings::default()), 4096);
}

#[test]
fn the_buffer_grows_with_the_bytes_that_arrive() {
    for (value, most) in [(3000, 4096), (5000, 8192), (12_000, 16_384), (40_000, 65_540), (65_000, 66_100)] {
        let sent = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_X", &"x".repeat(value))]);
        for pieces in [vec![&sent[..]], sent.chunks(100).collect(), sent.chunks(1).collect()] {
            let largest = largest(&pieces, Settings::default());
            assert!(largest <= most, "{largest} for {} bytes in {} pieces", sent.len(), pieces.len());
        }
    }
    // The largest packet possible, to its last byte, and a body after it.
    let value = 65_535 - 2 - 14 - 2 - 4 - 2 - 14 - 2 - 1 - 2 - 6 - 2;
    let x = "x".repeat(value);
    let sent = packet(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "9"), ("HTTP_X", &x)]);
    assert_eq!(sent.len(), 65_539);
    assert!(largest(&[&sent, b"123456789"], Settings::default()) <= 65_539 + 1024);
}

#[test]
fn the_limit_of_packets_limits_the_buffer_too() {
    let settings = Settings::default().with_limits(Limits::server().with_datasize(8192));
    let sent = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_X", &"x".repeat(8100))]);
    assert!(largest(&[&sent], settings) <= 8192 + 5 + 1024);
    assert_eq!(largest(&[b"\0\xff\xff\0"], settings), 4096);
}

/// A kept connection reuses its buffers for later requests.
#[test]
fn a_kept_connection_allocates_for_its_first_request_alone() {
    let request = [post(5), b"hello".to_vec()].concat();
    let run = |count: usize| {
        let stream = request.repeat(count);
        let connection = Timeline::sending(stream.chunks(request.len()));
        let mut answered = 0;
        let took = allocations(|| {
            let mut reader = RequestReader::new(&connection, crate::keepalive());
            while let Arrival::Request { mut body, .. } = reader.read_request().unwrap() {
                let mut answer = body.answer();
                answer.started();
                answer.head(200, "OK", [("Content-Length", "0")]).unwrap();
                std::io::copy(&mut body, &mut std::io::sink()).unwrap();
                answer.finish().unwrap();
                answered += 1;
                let respond = answer.into_respond();
                if !reader.end(&respond).unwrap() {
                    break;
                }
            }
        });
        assert_eq!(answered, count);
        took
    };
    // The connection of the test stores what is written; its buffer doubles now and then.
    let per_request = (run(2000) - run(1000)) / 1000;
    assert!(per_request <= 3, "{per_request} allocations a request");
}

/// The body's first bytes may arrive together with the packet, whatever room the packet leaves in the buffer.
#[test]
fn bytes_after_the_packet_belong_to_the_body() {
    let fills = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        // Only small reads: each byte goes through the buffer.
        let mut bytes = Vec::new();
        let mut small = [0; 7];
        while let count @ 1.. = body.read(&mut small)? {
            bytes.extend_from_slice(&small[..count]);
        }
        Ok(answer.whole(Head::new(200), &bytes)?)
    });
    for fill in [0, 3000, 3980, 4000, 4020, 4040, 4060, 8100] {
        let body: Vec<u8> = (0..9000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let head = packet(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "9000"), ("HTTP_X", &"x".repeat(fill))]);
        let stream = [&head[..], &body].concat();
        let script = stream.chunks(5000).map(|piece| (0, Act::Send(piece.to_vec()))).chain([(0, Act::Shut)]);
        let connection = Timeline::new(script, Behavior::default());
        let outcome = serve(&connection, &fills, Settings::default()).unwrap();
        assert!(outcome.written.ends_with(&body), "a packet with {fill} bytes more");
    }
}
