//! Deadlines of the peer and of the application.

use std::io::{self, Write};
use std::time::Duration;

use uwsgi::Modifier1;
use uwsgi::Time;
use uwsgi::server::{Refusal, Settings};
use uwsgi_io::{Arrival, Direction, RequestReader, Transport};
use uwsgi_server::{Answer, App, Body, Call, Head, Message};
use uwsgi_tests::timeline::{Act, Behavior, Outcome, Timeline};

use crate::{Done, app, echo, get, packet, post, serve};

fn play(script: Vec<(u64, Act)>, late: u64) -> Outcome {
    let behavior = Behavior { late: Duration::from_millis(late), ..Behavior::default() };
    serve(&Timeline::new(script, behavior), &app(echo), Settings::default()).unwrap()
}

fn status(outcome: &Outcome) -> u16 {
    let text = String::from_utf8_lossy(&outcome.written);
    text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

fn send(bytes: &[u8]) -> Act {
    Act::Send(bytes.to_vec())
}

#[test]
fn a_header_may_take_10_seconds_in_all() {
    let packet = get();
    let bytes = || packet.iter().enumerate().map(|(at, byte)| (at as u64, send(&[*byte])));
    for (millis, expected) in [(200, 200), (400, 408)] {
        // One byte in each interval; each byte alone is soon enough.
        let script = bytes().map(|(at, act)| (at * millis, act)).collect();
        let outcome = play(script, 0);
        assert_eq!(status(&outcome), expected, "{} bytes, one each {millis} ms", packet.len());
    }
    // Silence is no error.
    let outcome = play(vec![], 0);
    assert_eq!((outcome.took, outcome.written.len(), outcome.half_closed), (10_000, 0, false));
}

#[test]
fn a_body_may_be_silent_for_30_seconds() {
    for (millis, expected) in [(29_999, 200), (30_001, 408)] {
        let script = vec![(0, send(&post(5))), (0, send(b"hel")), (millis, send(b"lo"))];
        assert_eq!(status(&play(script, 0)), expected, "{millis} ms");
    }
}

/// A server may look for bytes long after they have come: it may have to wait for a permit, or the machine may be busy.
/// The peer is not to blame for that.
#[test]
fn a_late_wake_is_not_the_peers_fault() {
    // The bytes come after a second; the server looks for them 40 seconds later.
    let script = vec![(0, send(&post(5))), (1000, send(b"hello")), (1000, Act::Shut)];
    let outcome = play(script, 40_000);
    assert_eq!(status(&outcome), 200, "{}", outcome.written.escape_ascii());

    // The same for a peer that takes a response in two parts.
    let behavior = Behavior { takes: vec![10, 0, 200], late: Duration::from_secs(40), ..Behavior::default() };
    let script = [(0, send(&get())), (0, Act::Shut)];
    let mut settings = Settings::default();
    settings.write_idle = Duration::from_secs(30);
    let outcome = serve(&Timeline::new(script, behavior), &app(echo), settings).unwrap();
    assert!(!outcome.aborted, "{}", outcome.written.escape_ascii());
    assert!(outcome.written.ends_with(b"\r\n\r\n"));
}

/// A packet that is no web request, and then silence, whether part of the reply has left or not.
#[test]
fn a_message_may_be_silent_as_long_as_a_body() {
    struct ReadsAll(&'static [u8]);
    impl App for ReadsAll {
        fn call(&self, _: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer) -> Done {
            Err("no request was sent".into())
        }
        fn message(&self, _: &Message<'_>, body: &mut dyn Body, answer: &mut (dyn Write + Send)) -> Done {
            answer.write_all(self.0)?;
            body.read_to_end(&mut Vec::new())?;
            Ok(answer.write_all(b"done")?)
        }
    }
    let settings = Settings::default().with_modifier1(Modifier1::CACHE);
    // After a refusal the connection is drained for 2 seconds.
    for (script, took) in [(vec![], 30_000), (vec![(5000, send(b"x"))], 30_001)] {
        let script: Vec<_> = [(0, send(b"\x6f\0\0\0"))].into_iter().chain(script).collect();
        let outcome = serve(&Timeline::new(script.clone(), Behavior::default()), &ReadsAll(b""), settings).unwrap();
        assert_eq!((outcome.took, status(&outcome), outcome.aborted), (took + 2000, 408, false));
        let outcome = serve(&Timeline::new(script, Behavior::default()), &ReadsAll(b"begun"), settings).unwrap();
        assert_eq!((outcome.took, &outcome.written[..], outcome.aborted), (took, &b"begun"[..], true));
    }
    let ends = [(0, send(b"\x6f\0\0\0")), (29_000, send(&[b'x'; 20_000])), (58_000, Act::Shut)];
    let outcome = serve(&Timeline::new(ends, Behavior::default()), &ReadsAll(b"begun "), settings).unwrap();
    assert_eq!((outcome.written.escape_ascii().to_string(), outcome.aborted), ("begun done".into(), false));
}

#[test]
fn a_peer_that_reads_nothing_is_reset_after_an_hour() {
    let script = [(0, send(&get())), (0, Act::Stall)];
    let writes = app(|_: &mut dyn Body, answer: &mut dyn Answer| Ok(answer.whole(Head::new(200), &[b'x'; 1000])?));
    let outcome = serve(&Timeline::new(script.clone(), Behavior::default()), &writes, Settings::default()).unwrap();
    assert_eq!((outcome.took, outcome.aborted), (3_600_000, true));

    // With a stop, after the grace period.
    let mut settings = Settings::default();
    settings.stop_grace = Duration::from_secs(3);
    let script = script.into_iter().chain([(1000, Act::Stop)]);
    let outcome = serve(&Timeline::new(script, Behavior::default()), &writes, settings).unwrap();
    assert_eq!((outcome.took, outcome.aborted), (4000, true));
}

/// A connection that times out anyway does not fail because of a stop.
#[test]
fn a_stop_is_the_reason_only_after_its_grace_period() {
    let rows = [(25_000, 30, 30_000, None), (25_000, 3, 28_000, Some(Refusal::Stopping))];
    for (asked, grace, over, reason) in rows {
        let mut settings = Settings::default();
        settings.stop_grace = Duration::from_secs(grace);
        settings.write_idle = Duration::from_secs(30);
        let script = [(0, send(&get())), (0, Act::Stall), (asked, Act::Stop)];
        let connection = Timeline::new(script, Behavior::default());
        let mut reader = RequestReader::new(&connection, settings);
        let Arrival::Request { body, .. } = reader.read_request().unwrap() else { panic!("no request") };
        let mut answer = body.answer();
        answer.started();
        answer.head(200, "OK", [("Content-Length", "1")]).unwrap();
        let error = answer.write_all(b"x").unwrap_err();
        assert_eq!(
            (connection.now().as_millis(), answer.failure(), answer.is_broken()),
            (over, reason, true),
            "{error}"
        );
    }
}

/// A flush without an error says that all bytes have left (`std::io::Write::flush`), and that a connection is a pipe.
#[test]
fn a_flush_fails_after_lost_bytes() {
    let head = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_UPGRADE", "x")]);
    let stalls = || vec![(0, send(&head)), (0, Act::Stall)];
    let rows = [
        ("a silent peer", stalls(), io::ErrorKind::InvalidInput),
        ("a stop", [stalls(), vec![(1000, Act::Stop)]].concat(), io::ErrorKind::ConnectionAborted),
    ];
    for (what, script, kind) in rows {
        for (status, line) in [(101, "Upgrade"), (200, "X-Line")] {
            let connection = Timeline::new(script.clone(), Behavior::default());
            let mut reader = RequestReader::new(&connection, Settings::default());
            let Arrival::Request { body, .. } = reader.read_request().unwrap() else { panic!("no request") };
            let mut answer = body.answer();
            answer.started();
            answer.flush().unwrap();
            answer.head(status, "As Asked", [(line, "x")]).unwrap();
            answer.write_all(b"x").unwrap_err();
            assert_eq!(answer.flush().unwrap_err().kind(), kind, "{what}, {status}");
            assert_eq!(answer.write_all(b"x").unwrap_err().kind(), kind, "{what}, {status}");
        }
    }
}

#[test]
fn a_stop_lets_requests_finish_within_its_grace_period() {
    let mut settings = Settings::default();
    settings.stop_grace = Duration::from_secs(3);
    for (millis, expected) in [(3900, 200), (4100, 503)] {
        let script = [(0, send(&post(5))), (1000, Act::Stop), (millis, send(b"hello")), (millis, Act::Shut)];
        let outcome = serve(&Timeline::new(script, Behavior::default()), &app(echo), settings).unwrap();
        assert_eq!(status(&outcome), expected, "{millis} ms");
    }
    let half = get().len() / 2;
    for (millis, expected) in [(3900, 200), (4100, 503)] {
        let (first, second) = (&get()[..half], &get()[half..]);
        let script = [(0, send(first)), (1000, Act::Stop), (millis, send(second)), (millis, Act::Shut)];
        let outcome = serve(&Timeline::new(script, Behavior::default()), &app(echo), settings).unwrap();
        assert_eq!(status(&outcome), expected, "{millis} ms");
    }
    // No request had begun.
    let outcome = serve(&Timeline::new([(1000, Act::Stop)], Behavior::default()), &app(echo), settings).unwrap();
    assert_eq!((outcome.took, outcome.written.len()), (1000, 0));
}

/// Works until that time, or until a stop is asked for.
fn work(connection: &Timeline, until: u64) {
    connection.wait(Direction::Read, Some(Time::from_millis(until))).unwrap();
}

/// The grace period limits a response, and a body, even if nothing ever has to wait for the peer.
#[test]
fn a_quick_peer_has_no_more_than_the_grace_period() {
    let mut settings = Settings::default();
    settings.stop_grace = Duration::from_secs(3);

    // One piece each 100 ms; the first leaves before or after the end of the grace period.
    for (first, expected) in [(100, 200), (4100, 503)] {
        let connection = Timeline::new([(0, send(&get())), (1000, Act::Stop)], Behavior::default());
        let streams = app(|_: &mut dyn Body, answer: &mut dyn Answer| {
            answer.head(Head::new(200))?;
            for piece in 0.. {
                work(&connection, first + piece * 100);
                work(&connection, first + piece * 100);
                answer.write_all(b"x")?;
            }
            Ok(())
        });
        let outcome = serve(&connection, &streams, settings).unwrap();
        assert_eq!((status(&outcome), outcome.aborted), (expected, expected == 200));
        assert!((4000..=4200).contains(&outcome.took), "{}", outcome.took);
        let bytes = outcome.written.iter().rev().take_while(|byte| **byte == b'x').count();
        assert_eq!(bytes, if expected == 200 { 39 } else { 0 });
    }

    // One byte each 100 ms, which is always there when the application reads it.
    let bytes = (1..=100).map(|at| (at * 100, send(b"x")));
    let mut script: Vec<_> = bytes.chain([(0, send(&post(100))), (1000, Act::Stop)]).collect();
    script.sort_by_key(|(at, _)| *at);
    let connection = Timeline::new(script, Behavior::default());
    let reads = app(|body: &mut dyn Body, answer: &mut dyn Answer| {
        let mut byte = [0];
        for at in 1..=100 {
            work(&connection, at * 100);
            work(&connection, at * 100);
            body.read_exact(&mut byte)?;
        }
        Ok(answer.whole(Head::new(200), b"all of it")?)
    });
    let outcome = serve(&connection, &reads, settings).unwrap();
    assert_eq!(status(&outcome), 503, "{}", outcome.written.escape_ascii());
    assert!(!outcome.aborted);
}

/// The application's response is whole, however late it ends.
#[test]
fn a_response_that_has_left_is_no_failure_after_the_grace_period() {
    let mut settings = Settings::default();
    settings.stop_grace = Duration::from_secs(3);
    let connection = Timeline::new([(0, send(&get())), (1000, Act::Stop)], Behavior::default());
    let lingers = app(|_: &mut dyn Body, answer: &mut dyn Answer| {
        answer.whole(Head::new(200), b"hello")?;
        work(&connection, 6000);
        work(&connection, 6000);
        Ok(())
    });
    let outcome = serve(&connection, &lingers, settings).unwrap();
    assert!(outcome.written.ends_with(b"\r\n\r\nhello") && !outcome.aborted);
}
