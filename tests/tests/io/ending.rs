//! What happens after a response: the next request, a drain, a reset.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use uwsgi::server::{Receive, Refusal, Settings};
use uwsgi_io::{Arrival, Blocking, Duplex, RequestReader, Transport};
use uwsgi_server::{Addresses, Answer, Body, Head, serve_connection};
use uwsgi_tests::timeline::{Act, Behavior, Timeline};

use crate::{app, echo, get, post, serve};

fn blind(_: &mut dyn Body, answer: &mut dyn Answer) -> crate::Done {
    Ok(answer.whole(Head::new(200), b"blind")?)
}

#[test]
fn at_most_drain_bytes_are_drained() {
    let mut settings = Settings::default();
    settings.drain_bytes = 65_536;
    let head = post(1 << 20);
    let body = vec![b'x'; 1 << 20];
    for size in [100, 1000, 4096, 50_000] {
        let pieces = [&head[..]].into_iter().chain(body.chunks(size));
        let outcome = serve(&Timeline::sending(pieces), &app(blind), settings).unwrap();
        assert!(outcome.half_closed && !outcome.aborted);
        assert_eq!(outcome.drained, 65_536, "pieces of {size}");
    }
}

#[test]
fn a_drain_takes_at_most_2_seconds() {
    // One peer neither sends what it announced nor closes; another sends for ever.
    let silent = [(0, Act::Send(post(5)))];
    let outcome = serve(&Timeline::new(silent, Behavior::default()), &app(blind), Settings::default()).unwrap();
    assert_eq!((outcome.took, outcome.drained), (2000, 0));

    let drips = (1..100).map(|at| (at * 100, Act::Send(b"x".to_vec())));
    let script = [(0, Act::Send(post(50)))].into_iter().chain(drips);
    let outcome = serve(&Timeline::new(script, Behavior::default()), &app(blind), Settings::default()).unwrap();
    assert_eq!(outcome.took, 2000);
    assert!((19..=20).contains(&outcome.drained), "{}", outcome.drained);
}

/// The bytes after a refused packet are drained, and they do not include those that were read before.
#[test]
fn bytes_read_before_the_response_are_not_drained_again() {
    // A payload of 60,000 bytes that is malformed at its end, and a body after it.
    let mut refused = vec![0, 0x60, 0xea, 0];
    refused.extend([&b"\x01\0K\x00\x00"[..]; 12_000].concat());
    *refused.last_mut().unwrap() = 1;
    let after = vec![b'x'; 30_000];
    let pieces = [&refused[..]].into_iter().chain(after.chunks(1000));
    let outcome = serve(&Timeline::sending(pieces), &app(blind), Settings::default()).unwrap();
    assert!(outcome.written.starts_with(b"HTTP/1.1 400 "), "{}", outcome.written.escape_ascii());
    assert_eq!(outcome.read, refused.len() + after.len(), "the rest would have made the kernel reset the answer");
}

#[test]
fn a_broken_response_is_reset_and_nothing_is_drained() {
    let fails = app(|_: &mut dyn Body, answer: &mut dyn Answer| {
        answer.head(Head::new(200).with_length(10))?;
        answer.write_all(b"12345")?;
        Err("no more".into())
    });
    let head = post(5);
    let outcome = serve(&Timeline::sending([&head[..], b"hello"]), &fails, crate::keepalive()).unwrap();
    assert!(outcome.aborted && !outcome.half_closed);
    assert!(outcome.written.ends_with(b"12345"));
}

/// A full sink that takes no bytes is an error, not a reason to try again for ever.
#[test]
fn a_sink_that_takes_nothing_is_an_error() {
    let mut room = [0; 10];
    for (sent, refuse) in [(&b"\x64\0\0\0"[..], false), (b"\0\0\0\0", true)] {
        let duplex = Duplex::new(sent, &mut room[..0]);
        let mut reader = RequestReader::new(&duplex, Settings::default());
        let error = match reader.read_request().unwrap() {
            Arrival::Ping => reader.pong().unwrap_err(),
            Arrival::Refused(refusal) => reader.refuse(&refusal).unwrap_err(),
            other => panic!("{other:?}"),
        };
        assert_eq!(error.kind(), io::ErrorKind::WriteZero, "a refusal: {refuse}");
    }
}

#[test]
fn a_pong_and_a_refusal_leave_in_any_pieces() {
    for takes in [vec![1], vec![0, 1], vec![0, 0, 3]] {
        let behavior = Behavior { takes, early: true, ..Behavior::default() };
        for (sent, answer) in [(&b"\x64\0\0\0"[..], &Receive::PONG[..]), (b"\0\0\0\0", Refusal::Empty.response(false))]
        {
            let script = [(0, Act::Send(sent.to_vec())), (0, Act::Shut)];
            let outcome = serve(&Timeline::new(script, behavior.clone()), &app(echo), Settings::default()).unwrap();
            assert_eq!(outcome.written, answer);
            assert!(outcome.half_closed);
        }
    }
}

/// Once bytes of a response are lost, no later bytes leave: the front end would take them for the lost ones.
#[test]
fn no_bytes_leave_after_lost_bytes() {
    let kinds = Mutex::new(Vec::new());
    let ignores = app(|_: &mut dyn Body, answer: &mut dyn Answer| {
        answer.head(Head::new(200).with_length(12))?;
        for piece in [&b"1234"[..], b"5678", b"9abc"] {
            if let Err(error) = answer.write_all(piece) {
                kinds.lock().unwrap().push(error.kind());
            }
        }
        Ok(())
    });
    // The peer takes the head and two bytes, then nothing for too long, then all again.
    let script = [(0, Act::Send(get())), (0, Act::Shut), (1, Act::Stall)];
    let behavior = Behavior { takes: vec![41, 0, 200, 200], late: Duration::from_millis(1), ..Behavior::default() };
    let outcome = serve(&Timeline::new(script, behavior), &ignores, Settings::default()).unwrap();
    assert!(outcome.written.len() < b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n1234".len());
    assert!(outcome.aborted, "{}", outcome.written.escape_ascii());
    let kinds = kinds.lock().unwrap();
    assert_eq!(kinds[..], [io::ErrorKind::TimedOut, io::ErrorKind::InvalidInput, io::ErrorKind::InvalidInput]);

    // A sink that is full for a moment.
    let mut sink = Forgetful { room: 41 };
    let sent = get();
    let duplex = Duplex::new(&sent[..], &mut sink);
    let mut reader = RequestReader::new(&duplex, Settings::default());
    let Arrival::Request { body, .. } = reader.read_request().unwrap() else { panic!("no request") };
    let mut answer = body.answer();
    answer.started();
    answer.head(200, "OK", [("Content-Length", "8")]).unwrap();
    assert_eq!(answer.write_all(b"1234").unwrap_err().kind(), io::ErrorKind::WriteZero);
    assert_eq!(answer.write_all(b"5678").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(answer.finish().is_err());
}

/// Takes this many bytes, then nothing once, then all.
struct Forgetful {
    room: usize,
}

impl Write for Forgetful {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        self.room = if count == 0 { usize::MAX } else { self.room - count };
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_kept_connection_waits_for_its_idle_time() {
    let request = [post(5), b"hello".to_vec()].concat();
    let script = [(0, Act::Send(request.clone())), (4999, Act::Send(request.clone()))];
    let outcome = serve(&Timeline::new(script, Behavior::default()), &app(echo), crate::keepalive()).unwrap();
    assert_eq!(outcome.took, 4999 + 5000);
    assert_eq!(outcome.written.windows(5).filter(|five| five == b"hello").count(), 2);
    // The idle connection closes without a response.
    assert!(!outcome.half_closed && !outcome.aborted);

    let outcome = serve(
        &Timeline::new([(0, Act::Send(request.clone())), (2000, Act::Stop)], Behavior::default()),
        &app(echo),
        crate::keepalive(),
    );
    assert_eq!(outcome.unwrap().took, 2000, "a stop ends an idle connection at once");
}

#[test]
fn reads_and_writes_at_once_over_any_pieces() {
    let streams = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        answer.head(Head::new(200))?;
        let mut buffer = [0; 3];
        while let count @ 1.. = body.read(&mut buffer)? {
            answer.write_all(&buffer[..count])?;
        }
        Ok(())
    });
    let stream = [post(11), b"hello world".to_vec()].concat();
    for takes in [vec![], vec![1], vec![0, 2], vec![5, 0, 0, 1]] {
        for size in [1, 2, 3, 100] {
            let script = stream.chunks(size).map(|piece| (0, Act::Send(piece.to_vec()))).chain([(0, Act::Shut)]);
            let behavior = Behavior { takes: takes.clone(), early: true, ..Behavior::default() };
            let outcome = serve(&Timeline::new(script, behavior), &streams, Settings::default()).unwrap();
            assert_eq!(outcome.written.escape_ascii().to_string(), "HTTP/1.1 200 OK\\r\\n\\r\\nhello world");
            assert!(!outcome.aborted);
        }
    }
}

/// Serves the connection on a thread, as a single-threaded program does, and closes it.
fn served<T: Transport + Send + Sync + 'static>(transport: T, fails: bool) -> std::thread::JoinHandle<io::Result<()>> {
    std::thread::spawn(move || {
        let app = app(move |_: &mut dyn Body, answer: &mut dyn Answer| {
            answer.head(Head::new(200))?;
            answer.write_all(b"up to the close")?;
            if fails { Err("the disk is gone".into()) } else { Ok(()) }
        });
        serve_connection(&transport, &app, &Settings::default(), Addresses::default())
    })
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, peer)
}

/// The peer waits for the close of a response without a length, and keeps its own side open.
#[test]
fn streams_that_block_are_half_closed() {
    fn sees_the_end<S: Read + Write>(mut peer: S, server: std::thread::JoinHandle<io::Result<()>>) {
        peer.write_all(&get()).unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nup to the close"), "{answer}");
        drop(peer);
        server.join().unwrap().unwrap();
    }
    let timeout = Some(Duration::from_secs(5));
    let (ours, peer) = tcp();
    peer.set_read_timeout(timeout).unwrap();
    sees_the_end(peer, served(Blocking::new(ours), false));
    #[cfg(unix)]
    {
        let (ours, peer) = std::os::unix::net::UnixStream::pair().unwrap();
        peer.set_read_timeout(timeout).unwrap();
        sees_the_end(peer, served(Blocking::new(ours), false));
    }
}

/// Two pipes, a reader and a writer, cannot be half-closed: the server closes them at once.
#[test]
fn a_reader_and_a_writer_are_closed_at_once() {
    let timeout = Some(Duration::from_secs(5));
    let ((reads, mut gives), (mut takes, writes)) = (tcp(), tcp());
    takes.set_read_timeout(timeout).unwrap();
    let server = served(Duplex::new(reads, writes), false);
    gives.write_all(&get()).unwrap();
    let mut answer = String::new();
    takes.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nup to the close"), "{answer}");
    server.join().unwrap().unwrap();
    drop(gives);
}

#[test]
fn a_response_cut_short_is_reset_or_an_error_says_that_it_cannot_be() {
    let (ours, mut peer) = tcp();
    let server = served(Blocking::new(ours), true);
    peer.write_all(&get()).unwrap();
    let error = peer.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.join().unwrap().unwrap();

    let (packet, out) = (get(), Vec::new());
    let error = served(Duplex::new(io::Cursor::new(packet), out), true).join().unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

/// Serves one connection over a blocking stream; returns the outcome, and how long it took.
fn over<T>(stream: T, settings: Settings) -> (io::Result<()>, Duration)
where
    Blocking<T>: Transport + Sync,
{
    let begun = Instant::now();
    let served = serve_connection(&Blocking::new(stream), &app(blind), &settings, Addresses::default());
    (served, begun.elapsed())
}

/// Where reads block, the end of a good response takes the time of a drain, whatever timeout the stream itself has.
#[test]
fn a_drain_over_a_stream_that_blocks_has_an_end() {
    let mut settings = Settings::default();
    settings.drain_time = Duration::from_millis(400);
    let check = |what: &str, (served, took): (io::Result<()>, Duration)| {
        served.unwrap_or_else(|error| panic!("{what}: {error}"));
        let range = Duration::from_millis(350)..Duration::from_secs(5);
        assert!(range.contains(&took), "{what}: {took:?}");
    };
    for own in [None, Some(Duration::from_millis(50)), Some(Duration::from_secs(60))] {
        // The peer neither sends what it announced nor closes.
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&post(5)).unwrap();
        ours.set_read_timeout(own).unwrap();
        check(&format!("Unix, {own:?}"), over(ours, settings));

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        theirs.write_all(&post(5)).unwrap();
        let ours = listener.accept().unwrap().0;
        ours.set_read_timeout(own).unwrap();
        check(&format!("TCP, {own:?}"), over(ours, settings));
    }
}

/// The server's own responses must leave in the time of a header, however often the peer takes a byte.
#[test]
fn a_refusal_and_a_pong_must_leave_in_time() {
    let fails = app(|_: &mut dyn Body, _: &mut dyn Answer| Err("no".into()));
    // One byte each 6 seconds: none is too late for write_idle.
    let behavior = Behavior { takes: vec![0, 1], late: Duration::from_secs(6), ..Behavior::default() };
    for (what, sent) in [("refusal", b"\0\0\0\0".to_vec()), ("failure", get()), ("pong", b"\x64\0\0\0".to_vec())] {
        let connection = Timeline::new([(0, Act::Send(sent))], behavior.clone());
        let served = serve_connection(&connection, &fails, &Settings::default(), Addresses::default());
        let outcome = connection.outcome();
        assert_eq!((outcome.written.len(), outcome.took), (2, 12_000), "{what}");
        let timed_out = served.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        assert!(timed_out || outcome.aborted, "{what}");
    }
    // The same holds where writes block.
    let mut settings = Settings::default();
    settings.header_timeout = Duration::from_millis(400);
    let (ours, theirs) = UnixStream::pair().unwrap();
    fill(&ours);
    (&theirs).write_all(b"\0\0\0\0").unwrap();
    let (served, took) = over(ours, settings);
    assert_eq!(served.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Writes until the peer's buffer is full.
fn fill(mut stream: &UnixStream) {
    stream.set_nonblocking(true).unwrap();
    while stream.write(&[b'x'; 4096]).is_ok() {}
    while stream.write(b"x").is_ok() {}
    stream.set_nonblocking(false).unwrap();
}
