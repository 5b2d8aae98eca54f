//! The reader of responses: every split of every seed, heads around the size of its buffer, timeouts.

use core::time::Duration;
use std::fs;
use std::io::{self, BufRead, Read};
use std::path::Path;

use uwsgi::client::{Exchange, ExchangeError};
use uwsgi::response::{HeadLimits, ResponseErrorKind};
use uwsgi_io::{Blocking, ResponseReader, Stream, Timeout};
use uwsgi_tests::fuzz::response_reader;
use uwsgi_tests::script::{Act, Script};

/// The response in two pieces, cut at every byte: the body of the fuzz target compares it with a naive reading of the
/// whole.
#[test]
fn every_split_of_every_seed_reads_alike() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/response_reader");
    let mut splits = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let seed = fs::read(seed.unwrap().path()).unwrap();
        let (chosen, rest) = seed.split_first().unwrap();
        let bytes = &rest[usize::from(chosen % 16).min(rest.len())..];
        for at in 1..bytes.len().min(255) {
            let at = u8::try_from(at).unwrap();
            response_reader(&[&[(chosen & 0x30) | 2, at, 255], bytes].concat());
            splits += 1;
        }
    }
    assert!(splits > 2000, "only {splits} splits");
}

/// Returns a head of `len` bytes, with its empty line.
fn head_of(len: usize) -> Vec<u8> {
    let begin = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Fill: ";
    [begin, &*vec![b'x'; len - begin.len() - 4], b"\r\n\r\n"].concat()
}

fn answer(bytes: &[u8], exchange: Exchange, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let (_, mut body) = ResponseReader::new(bytes, exchange, buffer).answer()?;
    let mut read = Vec::new();
    body.read_to_end(&mut read)?;
    Ok(read)
}

/// Sizes at which the buffer is full or grows, and the limit.
#[test]
fn heads_may_be_as_long_as_the_limit() {
    for len in [32767, 32768, 32769, 65533, 65534, 65535, 65536] {
        let mut buffer = Vec::new();
        let bytes = [&head_of(len)[..], b"body"].concat();
        assert_eq!(answer(&bytes, Exchange::new(false), &mut buffer).unwrap(), b"body", "{len}");
        assert!(buffer.capacity() <= 65536 + 65536 + 16384, "{}", buffer.capacity());
    }
    for len in [65537, 65538, 1 << 20] {
        let mut buffer = Vec::new();
        let error = answer(&head_of(len), Exchange::new(false), &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let Some(ExchangeError::Response(error)) = error.get_ref().unwrap().downcast_ref() else { panic!("{error}") };
        assert_eq!(error.kind(), ResponseErrorKind::TooLong);
        assert!(buffer.capacity() <= 2 * 65536, "{}", buffer.capacity());
    }
    // A peer that never ends a line gets no more room than the limit.
    let mut buffer = Vec::new();
    let endless = io::repeat(b'x');
    let limits = HeadLimits::default().with_bytes(100_000);
    ResponseReader::new(endless, Exchange::new(false).with_limits(limits), &mut buffer).answer().unwrap_err();
    assert_eq!(buffer.capacity(), 4 * 32768);
}

/// Interim heads pass through the buffer and do not add up in it.
#[test]
fn the_most_interim_heads_pass_through_the_buffer() {
    let most = usize::from(Exchange::MOST_INTERIM);
    // Heads of many lengths, so that the buffer ends at every place in them.
    for pad in 0..50 {
        let link = |number: usize| format!("</{number}{}>", "x".repeat(2000 + 7 * pad + number % 50));
        let interim = |number| format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n", link(number));
        let bytes = (0..most).map(interim).collect::<String>() + "HTTP/1.1 200 OK\r\n\r\nhello";
        let mut buffer = Vec::new();
        let mut reader = ResponseReader::new(bytes.as_bytes(), Exchange::new(false), &mut buffer);
        let mut count = 0;
        while let Some(head) = reader.interim().unwrap() {
            // Each head is right, also where the buffer was full inside it.
            assert_eq!(head.header("link"), Some(link(count).as_bytes()));
            count += 1;
        }
        assert_eq!(count, most);
        assert!(reader.interim().unwrap().is_none(), "the final head was found and stays");
        let (head, mut body) = reader.answer().unwrap();
        assert_eq!(head.status(), 200);
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(buffer.capacity() <= 32768 + 16384);
    }
}

/// A server that sends interim heads for ever is refused.
#[test]
fn endless_interim_heads_are_refused() {
    #[derive(Debug)]
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            for byte in &mut *out {
                *byte = b"HTTP/1.1 102 Processing\r\n\r\n"[self.0 % 27];
                self.0 += 1;
            }
            Ok(out.len())
        }
    }
    let error = ResponseReader::new(Endless(0), Exchange::new(false), &mut Vec::new()).answer().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "more than 100 interim answers (1xx) before the final one");
}

/// An announced length allocates nothing.
#[test]
fn announced_lengths_allocate_nothing() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    ] {
        let mut buffer = Vec::new();
        let error = answer(head.as_bytes(), Exchange::new(false), &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(buffer.capacity(), 32768);
    }
}

/// The connection may be used again only if the whole body was read and no byte followed it.
#[test]
fn another_request_needs_the_end_and_nothing_after_it() {
    let rows: [(&str, bool, &[u8], bool); 11] = [
        ("says nothing", false, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
        ("a length", false, b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true),
        ("no body", false, b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n", true),
        ("the answer to HEAD", true, b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n", true),
        (
            "chunks",
            false,
            b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            false,
        ),
        ("up to the close", false, b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok", false),
        ("says close", false, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false),
        (
            "bytes after the body",
            false,
            b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nokay",
            false,
        ),
        ("bytes after no body", false, b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\nx", false),
        ("CGI's way", false, b"Status: 200\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false),
        ("a pipe", false, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false),
    ];
    for (name, to_head, bytes, allowed) in rows {
        let mut buffer = Vec::new();
        let (_, mut body) =
            ResponseReader::new(bytes, Exchange::new(to_head).with_upgrade(b"x"), &mut buffer).answer().unwrap();
        if !body.fill_buf().unwrap().is_empty() {
            assert!(!body.is_ended() && !body.allows_another(), "{name}: not before the body was read");
        }
        // Exactly the body: its end shows without another look.
        let len = body.fill_buf().unwrap().len();
        body.consume(len);
        body.read_to_end(&mut Vec::new()).unwrap();
        assert!(body.is_ended(), "{name}");
        assert_eq!(body.allows_another(), allowed, "{name}");
    }
}

#[test]
fn a_101_gives_a_pipe() {
    let acts = [
        Act::Bytes(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\none,".to_vec()),
        Act::Silence,
        Act::Bytes(b"two".to_vec()),
    ];
    let script = Script::new(acts);
    let mut buffer = Vec::new();
    let reader = ResponseReader::new(Stream::new(&script), Exchange::new(false).with_upgrade(b"x"), &mut buffer);
    let (head, mut body) = reader.answer().unwrap();
    assert_eq!(head.status(), 101);
    assert_eq!(body.read(&mut [0; 8]).unwrap(), 0, "there is no body");
    let mut pipe = body.into_pipe();
    assert_eq!(pipe.buffered(), b"one,");
    io::Write::write_all(&mut pipe, b"hello").unwrap();
    assert_eq!(script.written(), b"hello");
    let mut rest = String::new();
    pipe.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "one,two");
}

/// Each read waits at most for the idle timeout, and all reads together for the total timeout.
#[test]
fn reads_have_an_idle_and_a_total_timeout() {
    type WithTimeouts = fn(Stream<&Script>) -> Stream<&Script>;
    let timed_out = |error: io::Error| *error.get_ref().unwrap().downcast_ref::<Timeout>().unwrap();
    let read = |acts: Vec<Act>, of: WithTimeouts| {
        let script = Script::new(acts);
        let mut buffer = Vec::new();
        let reader = ResponseReader::new(of(Stream::new(&script)), Exchange::new(false), &mut buffer);
        let error = reader.answer().and_then(|(_, mut body)| body.read_to_end(&mut Vec::new())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        timed_out(error)
    };
    let idle: WithTimeouts = |stream| stream.with_read_timeout(Duration::from_secs(5));
    let head = b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec();
    assert_eq!(read(vec![Act::Hang], idle), Timeout::Read(Duration::from_secs(5)));
    assert_eq!(read(vec![Act::Bytes(head.clone()), Act::Hang], idle), Timeout::Read(Duration::from_secs(5)));
    // One peer is never silent for long, another is never silent at all.
    let total: WithTimeouts =
        |stream| stream.with_read_timeout(Duration::from_secs(1)).with_total_timeout(Duration::from_millis(100));
    let drops = (0..1000).flat_map(|_| [Act::Silence, Act::Bytes(b"x".to_vec())]);
    let dripping = [Act::Bytes(head)].into_iter().chain(drops).collect();
    assert_eq!(read(dripping, total), Timeout::Total(Duration::from_millis(100)));
}

/// The reader works over every blocking `Read`, also over bytes in memory.
#[test]
fn a_response_is_read_from_any_reader() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let mut buffer = Vec::new();
    assert_eq!(answer(bytes, Exchange::new(false), &mut buffer).unwrap(), b"hello");

    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    io::Write::write_all(&mut theirs, bytes).unwrap();
    let (_, body) = ResponseReader::new(&ours, Exchange::new(false), &mut buffer).answer().unwrap();
    assert_eq!(body.lines().next().unwrap().unwrap(), "hello");

    io::Write::write_all(&mut theirs, bytes).unwrap();
    let stream = Stream::new(Blocking::new(ours));
    let (_, body) = ResponseReader::new(stream, Exchange::new(false), &mut buffer).answer().unwrap();
    assert_eq!(body.lines().next().unwrap().unwrap(), "hello");
}

/// The reader tries again after a signal has interrupted a read.
#[test]
fn an_interrupted_read_is_tried_again() {
    struct Interrupted(bool, &'static [u8]);
    impl Read for Interrupted {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { self.1.read(&mut out[..1]) }
        }
    }
    let source = Interrupted(false, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut buffer = Vec::new();
    let (_, mut body) = ResponseReader::new(source, Exchange::new(false), &mut buffer).answer().unwrap();
    let mut text = [0; 5];
    body.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"hello");
}

/// A reset is not the end of a body that lasts until the close.
#[test]
fn a_reset_is_not_the_end_of_a_body() {
    let script = Script::new([Act::Bytes(b"HTTP/1.1 200 OK\r\n\r\nhel".to_vec()), Act::Reset]);
    let mut buffer = Vec::new();
    let (_, mut body) = ResponseReader::new(Stream::new(&script), Exchange::new(false), &mut buffer).answer().unwrap();
    let error = body.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
