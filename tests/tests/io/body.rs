//! Bodies: what an application reads of them, and what becomes of the rest.

use std::io::Read;
use std::sync::Mutex;
use std::time::Duration;

use uwsgi::server::Settings;
use uwsgi_io::{Arrival, RequestReader};
use uwsgi_server::{Answer, Body, Head};
use uwsgi_tests::timeline::{Behavior, Timeline, sent};

use crate::{app, echo, get, keepalive, packet, post, serve, splits};

/// Returns the bodies of all responses that were written.
fn bodies(written: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = written;
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let answer = uwsgi_tests::naive_http::answer(rest, false, uwsgi_tests::naive_http::Limits::DEFAULT);
        assert_eq!(answer.end, uwsgi_tests::naive_http::End::Whole, "{}", rest.escape_ascii());
        rest = &rest[rest.len() - answer.rest.len()..];
        bodies.push(answer.body);
    }
    bodies
}

#[test]
fn a_body_arrives_in_any_pieces() {
    let stream = [post(5), b"hello".to_vec()].concat();
    for pieces in splits(&stream) {
        for early in [false, true] {
            let connection = Timeline::new(sent(pieces), Behavior { early, ..Behavior::default() });
            let outcome = serve(&connection, &app(echo), Settings::default()).unwrap();
            assert_eq!(bodies(&outcome.written), [b"hello"], "{pieces:?}");
            // All bytes of the body were read, so the close needs no half-close before it.
            assert!(!outcome.half_closed && !outcome.aborted);
        }
    }
    let connection = Timeline::sending(stream.chunks(1));
    assert_eq!(bodies(&serve(&connection, &app(echo), Settings::default()).unwrap().written), [b"hello"]);
}

#[test]
fn a_chunked_body_arrives_in_any_pieces() {
    let head = packet(&[("REQUEST_METHOD", "POST"), ("HTTP_TRANSFER_ENCODING", "chunked")]);
    let stream = [&head[..], b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\nafter"].concat();
    let mut settings = Settings::default();
    settings.chunked = true;
    for pieces in splits(&stream) {
        let connection = Timeline::sending(pieces);
        let outcome = serve(&connection, &app(echo), settings).unwrap();
        assert_eq!(bodies(&outcome.written), [b"hello world"], "{pieces:?}");
    }
}

/// A small body that is read before its request is handed over is the same, wherever the reads fall.
#[test]
fn a_body_that_is_read_ahead_has_the_same_bytes() {
    let large = vec![b'x'; 9000];
    let stream = [post(5), b"hello".to_vec(), post(9000), large.clone(), post(0), get()].concat();
    for ahead in [0, 4, 5, 6, 8999, 9000, 16 << 10] {
        for size in (1..60).chain([500, 4096, 9100, stream.len()]) {
            let connection = Timeline::sending(stream.chunks(size));
            let mut reader = RequestReader::new(&connection, keepalive()).reading_ahead(ahead, Duration::from_secs(1));
            let mut came = Vec::new();
            while let Arrival::Request { mut body, .. } = reader.read_request().unwrap() {
                let (mut answer, mut bytes) = (body.answer(), Vec::new());
                body.read_to_end(&mut bytes).unwrap();
                answer.started();
                answer.head(204, "No Content", [("A", "b")]).unwrap();
                answer.finish().unwrap();
                came.push(bytes);
                let respond = answer.into_respond();
                if !reader.end(&respond).unwrap() {
                    break;
                }
            }
            assert!(came == [&b"hello"[..], &large, b"", b""], "{ahead} bytes ahead, pieces of {size}");
        }
    }
}

/// Requests that follow each other are told apart wherever the reads fall.
#[test]
fn requests_in_one_stream_are_told_apart() {
    let stream = [post(5), b"hello".to_vec(), post(0), post(6), b" world".to_vec()].concat();
    for pieces in splits(&stream) {
        let connection = Timeline::sending(pieces);
        let outcome = serve(&connection, &app(echo), keepalive()).unwrap();
        assert_eq!(bodies(&outcome.written), [&b"hello"[..], b"", b" world"], "{pieces:?}");
    }
    let connection = Timeline::sending(stream.chunks(1));
    assert_eq!(bodies(&serve(&connection, &app(echo), keepalive()).unwrap().written).len(), 3);
}

/// The unread rest of a body is never taken for a request, even if it looks like one. Request smuggling needs that
/// mistake.
#[test]
fn the_unread_rest_of_a_body_is_never_a_request() {
    let inner = [post(0)].concat();
    let stream = [post(inner.len() + 2), b"ab".to_vec(), inner, post(0)].concat();
    let looks = Mutex::new(0);
    for take in [0, 1, 2] {
        for pieces in splits(&stream) {
            let mut calls = Mutex::new(0);
            let leaves = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
                *calls.lock().unwrap() += 1;
                if *calls.lock().unwrap() == 2 {
                    return Ok(answer.whole(Head::new(200), b"the next")?);
                }
                // Looks at the bytes without taking them.
                *looks.lock().unwrap() += usize::from(!body.fill_buf()?.is_empty());
                body.read_exact(&mut vec![0; take])?;
                Ok(answer.whole(Head::new(200), b"enough")?)
            });
            let connection = Timeline::sending(pieces);
            let outcome = serve(&connection, &leaves, keepalive()).unwrap();
            drop(leaves);
            assert_eq!(*calls.get_mut().unwrap(), 2, "{take} bytes taken of {pieces:?}");
            assert_eq!(bodies(&outcome.written), [&b"enough"[..], b"the next"]);
        }
    }
    assert!(*looks.lock().unwrap() > 0);
}

#[test]
fn a_body_that_is_cut_short_is_an_error_and_a_400() {
    for length in 0..5 {
        let stream = [post(5), b"hello"[..length].to_vec()].concat();
        for pieces in splits(&stream) {
            let outcome = serve(&Timeline::sending(pieces), &app(echo), Settings::default()).unwrap();
            assert!(outcome.written.starts_with(b"HTTP/1.1 400 "), "{}", outcome.written.escape_ascii());
            assert!(outcome.half_closed);
        }
    }
    // The error that the application gets.
    let said = Mutex::new(Vec::new());
    let asks = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        for _ in 0..2 {
            let error = body.read_to_end(&mut Vec::new()).unwrap_err();
            said.lock().unwrap().push((error.kind(), error.to_string()));
        }
        Ok(answer.whole(Head::new(200), b"")?)
    });
    let stream = [post(5), b"hel".to_vec()].concat();
    let outcome = serve(&Timeline::sending([&stream[..]]), &asks, Settings::default()).unwrap();
    let error = (std::io::ErrorKind::UnexpectedEof, "the stream ended 2 bytes before the body did".to_owned());
    assert_eq!(*said.lock().unwrap(), [error.clone(), error]);
    assert!(outcome.written.starts_with(b"HTTP/1.1 200 "), "an application may go on without the body");
}

/// Reads of all sizes, around those of the buffer, give the same bytes and never one of another request.
#[test]
fn reads_of_any_size_give_the_same_bytes() {
    let body: Vec<u8> = (0..20_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    for size in [1, 100, 3000, 4095, 4096, 4097, 8192, 19_999, 20_000, 20_001, 65_536] {
        for piece in [1000, 4096, 20_000, 30_000] {
            let stream = [post(body.len()), body.clone(), post(0)].concat();
            let mut seen = Mutex::new(Vec::new());
            let reads = app(|reader: &mut dyn Body, answer: &mut dyn Answer| {
                let mut buffer = vec![0; size];
                let mut bytes = Vec::new();
                loop {
                    match reader.read(&mut buffer)? {
                        0 => break,
                        count => bytes.extend_from_slice(&buffer[..count]),
                    }
                }
                assert_eq!(reader.read(&mut buffer)?, 0, "the end stays the end");
                seen.lock().unwrap().push(bytes);
                Ok(answer.whole(Head::new(200), b"")?)
            });
            let outcome = serve(&Timeline::sending(stream.chunks(piece)), &reads, keepalive()).unwrap();
            drop(reads);
            let seen = seen.get_mut().unwrap();
            assert_eq!(seen.len(), 2, "reads of {size}, pieces of {piece}");
            assert!(seen[0] == body && seen[1].is_empty(), "reads of {size}, pieces of {piece}");
            assert_eq!(outcome.read, stream.len());
        }
    }
}

/// A large read bypasses the buffer: it takes all bytes that are there at once.
#[test]
fn large_reads_take_all_bytes_that_are_there() {
    let body = vec![b'x'; 100_000];
    let counts = Mutex::new(Vec::new());
    let reads = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        let mut buffer = vec![0; 65_536];
        while let count @ 1.. = body.read(&mut buffer)? {
            counts.lock().unwrap().push(count);
        }
        Ok(answer.whole(Head::new(200), b"")?)
    });
    let head = post(body.len());
    serve(&Timeline::sending([&head[..], &body[..]]), &reads, Settings::default()).unwrap();
    assert_eq!(*counts.lock().unwrap(), [65_536, 100_000 - 65_536]);
}

/// A connection that has become a pipe is read in pieces as they come, not byte by byte.
#[test]
fn a_pipe_is_read_as_it_comes() {
    let counts = Mutex::new(Vec::new());
    let pipe = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        answer.head(Head::new(101).with("Upgrade", "x").with("Connection", "Upgrade"))?;
        answer.flush()?;
        let mut buffer = vec![0; 65_536];
        while let count @ 1.. = body.read(&mut buffer)? {
            counts.lock().unwrap().push(count);
            answer.write_all(&buffer[..count])?;
        }
        Ok(())
    });
    let get = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_UPGRADE", "x")]);
    let pieces = [get, vec![b'a'; 1000], vec![b'b'; 2000]];
    let connection = Timeline::sending(pieces.iter().map(Vec::as_slice));
    let outcome = serve(&connection, &pipe, Settings::default()).unwrap();
    assert!(outcome.written.starts_with(b"HTTP/1.1 101 "));
    assert!(outcome.written.ends_with(&pieces.concat()[pieces[0].len()..]));
    assert_eq!(*counts.lock().unwrap(), [1000, 2000]);
}

/// If the application does not ask for a body, nothing of it is read before the response.
#[test]
fn a_body_that_is_not_asked_for_is_not_read() {
    let head = post(5);
    let connection = Timeline::sending([&head[..], b"hello"]);
    let blind = app(|_: &mut dyn Body, answer: &mut dyn Answer| Ok(answer.whole(Head::new(200), b"blind")?));
    let outcome = serve(&connection, &blind, Settings::default()).unwrap();
    assert_eq!((outcome.read - outcome.drained, outcome.drained), (head.len(), 5));
}
