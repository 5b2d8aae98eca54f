//! The `Connection` header of a response, and what becomes of the connection.

use uwsgi::Time;
use uwsgi::server::{Ending, HeadStep, Refusal, Respond};
use uwsgi_conformance::{Recipe, SMALL};
use uwsgi_tests::drive::give_head;

use super::{START, begun, finished, kept};

const KEEP_ALIVE: &[u8] = b"Connection: keep-alive\r\n\r\n";

const CLOSE: &[u8] = b"Connection: close\r\n\r\n";

/// A head says `keep-alive` exactly if the connection is kept.
#[test]
fn a_head_says_whether_the_connection_is_kept() {
    let none = SMALL.changed(&[(b"CONTENT_LENGTH", b"0")]);
    let head = none.changed(&[(b"CONTENT_LENGTH", b"0"), (b"REQUEST_METHOD", b"HEAD")]);
    type Row = (&'static str, Recipe, usize, u16, Option<u64>, &'static [u8]);
    let rows: [Row; 12] = [
        ("no body, a length", none, 0, 200, Some(5), KEEP_ALIVE),
        ("no length declared", SMALL, 0, 200, Some(5), CLOSE),
        ("two lengths declared", SMALL.post(b"5").more(&[(b"CONTENT_LENGTH", b"05")]), 5, 200, Some(5), CLOSE),
        ("no length of the answer", none, 0, 200, None, CLOSE),
        ("204", none, 0, 204, None, KEEP_ALIVE),
        ("304", none, 0, 304, None, KEEP_ALIVE),
        ("to HEAD", head, 0, 200, None, KEEP_ALIVE),
        ("a body that was read", SMALL.post(b"5"), 5, 200, Some(5), KEEP_ALIVE),
        ("a body that was not", SMALL.post(b"5"), 0, 200, Some(5), KEEP_ALIVE),
        ("64 KiB unread", SMALL.post(b"65536"), 0, 200, Some(5), KEEP_ALIVE),
        ("a byte more", SMALL.post(b"65537"), 0, 200, Some(5), CLOSE),
        ("a byte more, and a byte read", SMALL.post(b"65537"), 1, 200, Some(5), KEEP_ALIVE),
    ];
    for (name, recipe, read, status, length, end) in rows {
        let (receive, mut respond) = kept(recipe, read);
        give_head(&mut respond, status, length);
        assert!(respond.body(5).unwrap().head, "{name}");
        assert_eq!(respond.head_end(), end, "{name}");
        respond.finished().unwrap();
        let goes_on = matches!(Ending::of(receive, &respond, START), Ending::Next(_));
        assert_eq!(goes_on, end == KEEP_ALIVE, "{name}");
    }
}

/// The head's `Connection` is decided when the head leaves, and then it is fixed.
#[test]
fn a_head_decides_about_the_connection_when_it_leaves() {
    // The body may be read meanwhile. After a failed body no request follows.
    for (unread, end) in [(Some(65_536), KEEP_ALIVE), (Some(65_537), CLOSE), (None, CLOSE)] {
        let (_, mut respond) = kept(SMALL.post(b"100000"), 0);
        give_head(&mut respond, 200, Some(0));
        respond.unread(unread);
        respond.finished().unwrap();
        assert_eq!(respond.head_end(), end, "{unread:?}");
    }
    // A server that has sent `close` closes, even if the rest of the body was read later.
    let (mut receive, mut respond) = kept(SMALL.post(b"70000"), 0);
    give_head(&mut respond, 200, Some(0));
    respond.flush_head().unwrap();
    assert_eq!(respond.head_end(), CLOSE);
    receive.body(&[b'x'; 70_000], false, START);
    respond.finished().unwrap();
    assert!(receive.allows_another() && !respond.allows_another());
    assert!(matches!(Ending::of(receive, &respond, START), Ending::HalfClose(_)));
    // A stop.
    let (_, mut respond) = kept(SMALL.post(b"5"), 5);
    respond.shut_down(START);
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    assert_eq!(respond.head_end(), CLOSE);
    // The connection of a 101 belongs to the application.
    let (_, mut respond) = kept(SMALL.post(b"0").more(&[(b"HTTP_UPGRADE", b"x")]), 0);
    give_head(&mut respond, 101, None);
    respond.flush_head().unwrap();
    assert_eq!(respond.head_end(), b"\r\n");
    // A server that keeps no connections adds no `Connection` header. The refusals of one that does say `close`.
    assert_eq!(finished().head_end(), b"\r\n");
    let says = |respond: &Respond| {
        respond.refusal_response(&Refusal::AppFailed).windows(17).any(|line| line == b"Connection: close")
    };
    assert!(!says(&begun(SMALL).1) && says(&kept(SMALL, 0).1));
}

/// Unread bytes of a body are skipped within the time of a drain; the bytes after them are the next packet.
#[test]
fn the_rest_of_a_body_is_skipped() {
    let next = |now| {
        let (receive, mut respond) = kept(SMALL.post(b"5"), 0);
        give_head(&mut respond, 200, Some(0));
        respond.finished().unwrap();
        let Ending::Next(receive) = Ending::of(receive, &respond, now) else { panic!("the connection must be kept") };
        receive
    };
    let packet = SMALL.build();
    let mut receive = next(START);
    assert_eq!(
        (receive.head(b"", false, START), receive.deadline()),
        (HeadStep::Need(5), Some(Time::from_millis(2000)))
    );
    assert_eq!(receive.head(b"he", false, START), HeadStep::Skip { count: 2 });
    assert_eq!(receive.head(&[b"llo", &packet[..]].concat(), false, START), HeadStep::Skip { count: 3 });
    assert_eq!(receive.head(&packet, false, START), HeadStep::Head { end: packet.len() });
    // If the rest comes too late or never, that is no error: its request has a response.
    for (eof, now) in [(true, START), (false, Time::from_millis(2000))] {
        let mut receive = next(START);
        assert_eq!(receive.head(b"hell", false, START), HeadStep::Skip { count: 4 });
        assert_eq!(receive.head(b"", eof, now), HeadStep::Close, "{eof} {now:?}");
    }
}
