//! The sending machine in each of its states.

mod connection;
mod log_lines;

use std::time::Duration;

use uwsgi::Time;
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, BodyStep, Ending, Failure, Leaves, Receive, Refusal, Respond, Settings, TimeStep};
use uwsgi_conformance::{Recipe, SMALL};
use uwsgi_tests::drive::give_head;

const START: Time = Time::ZERO;
const LATE: Time = Time::from_millis(3_600_000);

/// Returns a request that has been received whole, and its response, which a worker has begun.
fn begun(recipe: Recipe) -> (Receive, Respond) {
    let packet = recipe.build();
    let mut receive = Receive::new(Settings::default(), START);
    let _announced = receive.head(&packet, false, START);
    receive.request(&packet).unwrap();
    let mut respond = Respond::queued(&receive, START);
    respond.started();
    (receive, respond)
}

/// Returns the response of `begun` with a whole head and 5 bytes given.
fn finished() -> Respond {
    let (_, mut respond) = begun(SMALL);
    give_head(&mut respond, 200, Some(5));
    respond.body(5).unwrap();
    respond.finished().unwrap();
    respond
}

#[test]
fn each_mistake_of_an_application_has_its_error() {
    let leaves = Leaves { head: true, take: 5 };
    let rows = [
        (AnswerError::NoHead, "the application gave no head"),
        (AnswerError::Over, "the answer is over already"),
        (AnswerError::TooShort { missing: 3 }, "the answer is 3 bytes shorter than its Content-Length"),
        (AnswerError::TooLong { leaves }, "the answer is longer than its Content-Length"),
        (
            AnswerError::UnaskedUpgrade,
            "the answer switches to a protocol (101) that the request's Upgrade does not offer",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_head_leaves_with_the_first_byte_or_at_the_end() {
    let (_, mut respond) = begun(SMALL);
    assert!(!respond.has_left(), "no head was given");
    assert!(give_head(&mut respond, 404, None));
    assert!(give_head(&mut respond, 200, Some(5)), "the head may be replaced");
    respond.body(0).unwrap();
    assert!(!respond.has_left(), "an empty write sends no head");
    assert_eq!(respond.body(2), Ok(Leaves { head: true, take: 2 }));
    assert!(respond.has_left());
    assert!(!give_head(&mut respond, 500, None), "the head has left");
    assert_eq!(respond.body(3), Ok(Leaves { head: false, take: 3 }));
    assert_eq!(respond.finished(), Ok(Leaves { head: false, take: 0 }));
    assert!(respond.has_left());

    let (_, mut empty) = begun(SMALL);
    give_head(&mut empty, 200, Some(0));
    assert_eq!(empty.finished(), Ok(Leaves { head: true, take: 0 }));
    assert!(empty.has_left());

    let (_, mut refused) = begun(SMALL);
    assert_eq!(refused.failed(None), Failure::Refuse(Refusal::AppFailed));
    assert!(refused.has_left(), "the refusal's head has left");
}

#[test]
fn a_response_to_head_has_no_body() {
    let rows: [(&[u8], u16, bool); 6] = [
        (b"GET", 200, true),
        (b"HEAD", 200, false),
        (b"HEAD", 404, false),
        (b"GET", 204, false),
        (b"GET", 304, false),
        (b"GET", 205, true),
    ];
    for (method, status, body) in rows {
        let name = format!("{} {status}", method.escape_ascii());
        let recipe = if method == b"HEAD" { SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]) } else { SMALL };
        let (_, mut respond) = begun(recipe);
        assert_eq!(respond.is_head_request(), method == b"HEAD", "{name}");
        give_head(&mut respond, status, Some(5));
        assert_eq!(respond.has_body(), body, "{name}");
        assert_eq!(respond.body(5), Ok(Leaves { head: true, take: if body { 5 } else { 0 } }), "{name}");
        assert_eq!(respond.finished(), Ok(Leaves { head: false, take: 0 }), "{name}");

        let (_, mut short) = begun(recipe);
        give_head(&mut short, status, Some(5));
        let whole = Ok(Leaves { head: true, take: 0 });
        let expected = if body { Err(AnswerError::TooShort { missing: 5 }) } else { whole };
        assert_eq!(short.finished(), expected, "{name}");
        assert_eq!(short.time(START) == TimeStep::Abort, body, "{name}");
    }
}

#[test]
fn a_101_makes_a_pipe_without_a_length() {
    for method in [&b"GET"[..], b"HEAD"] {
        let recipe = if method == b"HEAD" { SMALL.changed(&[(b"REQUEST_METHOD", b"HEAD")]) } else { SMALL };
        let (_, mut respond) = begun(recipe.more(&[(b"HTTP_UPGRADE", b"x")]));
        assert_eq!(respond.flush_head(), Err(AnswerError::NoHead));
        give_head(&mut respond, 101, Some(5));
        assert!(respond.has_body(), "the pipe counts as a body");
        assert!(!respond.is_upgraded(), "the head has not left");
        assert_eq!(respond.flush_head(), Ok(Leaves { head: true, take: 0 }));
        assert!(respond.is_upgraded());
        assert_eq!(respond.flush_head(), Ok(Leaves { head: false, take: 0 }));
        assert_eq!(respond.body(1_000_000), Ok(Leaves { head: false, take: 1_000_000 }));
        assert_eq!(respond.finished(), Ok(Leaves { head: false, take: 0 }));
        assert!(!respond.is_upgraded(), "the response is finished");
    }
    let (_, mut ordinary) = begun(SMALL);
    give_head(&mut ordinary, 200, None);
    ordinary.flush_head().unwrap();
    assert!(!ordinary.is_upgraded());
}

/// RFC 9110 section 7.8: a server must not switch to a protocol that the client did not offer. Section 15.2.2: a 101
/// names the protocol.
#[test]
fn a_101_leaves_only_if_the_request_offers_its_protocol() {
    let offers = |vars| SMALL.more(vars);
    let rows: [(Recipe, &[&str], bool); 11] = [
        (SMALL, &["x"], false),
        (offers(&[(b"HTTP_CONNECTION", b"upgrade")]), &["x"], false),
        (offers(&[(b"HTTP_UPGRADE", b"")]), &["x"], false),
        (offers(&[(b"HTTP_UPGRADE", b"x"), (b"HTTP_UPGRADE", b"")]), &["x"], false),
        (offers(&[(b"HTTP_UPGRADE", b"x")]), &["x"], true),
        (offers(&[(b"HTTP_UPGRADE", b"x")]), &["X"], true),
        (offers(&[(b"HTTP_UPGRADE", b"x")]), &[], false),
        (offers(&[(b"HTTP_UPGRADE", b"x")]), &["y"], false),
        (offers(&[(b"HTTP_UPGRADE", b"x")]), &["h2c"], false),
        (offers(&[(b"HTTP_UPGRADE", b"h2c")]), &["h2c"], false),
        (offers(&[(b"HTTP_UPGRADE", b"x, h2c")]), &["x"], false),
    ];
    for (recipe, upgrade, leaves) in rows {
        let receive = begun(recipe).0;
        let mut buffer = [0; 96];
        let mut head = ResponseEncoder::new(&mut buffer[..], 101, "").unwrap();
        upgrade.iter().for_each(|protocol| head.push("Upgrade", protocol).unwrap());
        let head = head.finish().unwrap();
        for call in [Respond::flush_head, |respond: &mut Respond| respond.body(5), Respond::finished] {
            let mut respond = Respond::queued(&receive, START);
            respond.started();
            assert!(respond.head(&head));
            let left = call(&mut respond).map(|leaves| leaves.head);
            assert_eq!(
                left,
                if leaves { Ok(true) } else { Err(AnswerError::UnaskedUpgrade) },
                "{recipe:?} {upgrade:?}"
            );
            assert_eq!(respond.has_left(), leaves);
            if !leaves {
                let mut failed = respond.clone();
                assert_eq!(failed.failed(None), Failure::Refuse(Refusal::AppFailed));
                assert!(give_head(&mut respond, 200, None), "the head may be replaced");
                assert_eq!(respond.body(5), Ok(Leaves { head: true, take: 5 }));
            }
        }
    }
}

/// Each request of a connection needs its own response.
#[test]
fn a_response_belongs_to_its_own_request() {
    let (receive, mut respond) = kept(SMALL.post(b"0"), 0);
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    let Ending::Next(mut receive) = Ending::of(receive, &respond, START) else { panic!("the connection must be kept") };
    assert!(matches!(Ending::of(receive.clone(), &respond, START), Ending::Abort));
    let packet = SMALL.post(b"0").build();
    let _announced = receive.head(&packet, false, START);
    receive.request(&packet).unwrap();
    assert!(receive.allows_another() && respond.allows_another());
    assert!(matches!(Ending::of(receive.clone(), &respond, START), Ending::Abort));
    let mut respond = Respond::queued(&receive, START);
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    assert!(matches!(Ending::of(receive, &respond, START), Ending::Next(_)));
}

/// An offer in one request does not count for the next.
#[test]
fn a_101_needs_an_offer_in_its_own_request() {
    let (receive, mut respond) = kept(SMALL.post(b"0").more(&[(b"HTTP_UPGRADE", b"x")]), 0);
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    let Ending::Next(mut receive) = Ending::of(receive, &respond, START) else { panic!("the connection must be kept") };
    let packet = SMALL.build();
    let _announced = receive.head(&packet, false, START);
    receive.request(&packet).unwrap();
    let mut respond = Respond::queued(&receive, START);
    give_head(&mut respond, 101, None);
    assert_eq!(respond.flush_head(), Err(AnswerError::UnaskedUpgrade));
}

#[test]
fn a_response_without_a_head_is_only_its_body() {
    let bare = || {
        let (receive, respond) = begun(SMALL);
        (receive, respond.without_head())
    };
    let (receive, mut respond) = bare();
    assert!(!give_head(&mut respond, 200, Some(5)), "the response has no head");
    assert_eq!(respond.body(0), Ok(Leaves { head: false, take: 0 }));
    assert!(!respond.has_left() && respond.has_body());
    assert_eq!(respond.body(1_000_000), Ok(Leaves { head: false, take: 1_000_000 }));
    assert!(respond.has_left());
    assert!(!respond.is_upgraded(), "a reply to a message is not a pipe");
    assert_eq!(respond.finished(), Ok(Leaves { head: false, take: 0 }));
    assert_eq!(respond.body(1), Err(AnswerError::Over));
    assert!(matches!(Ending::of(receive, &respond, START), Ending::HalfClose(_)));

    // An empty reply is a reply too. Until a byte has left, a refusal may take its place.
    let (_, mut empty) = bare();
    assert_eq!(empty.finished(), Ok(Leaves { head: false, take: 0 }));
    assert!(!empty.is_aborted());
    let (_, mut failed) = bare();
    assert_eq!(failed.failed(None), Failure::Refuse(Refusal::AppFailed));
    let (_, mut failed) = bare();
    failed.body(1).unwrap();
    assert_eq!(failed.failed(None), Failure::Abort);
}

#[test]
fn a_written_response_has_no_deadline() {
    let mut respond = finished();
    respond.shut_down(START);
    assert_eq!(respond.time(LATE), TimeStep::Wait, "all bytes were written");
}

#[test]
fn a_finished_response_that_the_peer_does_not_read_is_aborted() {
    let mut respond = finished();
    respond.blocked(START);
    assert_eq!(respond.time(Time::from_millis(3_599_999)), TimeStep::Wait);
    assert_eq!(respond.time(LATE), TimeStep::Abort);
    assert_eq!(respond.time(START), TimeStep::Abort, "aborted at any time");
}

#[test]
fn nothing_leaves_over_a_broken_connection() {
    let (receive, mut respond) = begun(SMALL);
    give_head(&mut respond, 200, Some(5));
    respond.broken();
    assert_eq!(respond.body(5), Err(AnswerError::Over));
    assert_eq!(respond.finished(), Err(AnswerError::Over));
    assert_eq!(respond.time(START), TimeStep::Abort);
    assert_eq!(respond.failed(None), Failure::Abort);
    assert!(matches!(Ending::of(receive, &respond, START), Ending::Abort));
}

/// Returns a request of a server that keeps connections, with this much of its body read, and its response.
fn kept(recipe: Recipe, read: usize) -> (Receive, Respond) {
    let packet = recipe.build();
    let mut receive = Receive::new(Settings::default().with_keepalive(Duration::from_secs(5)), START);
    let _announced = receive.head(&packet, false, START);
    receive.request(&packet).unwrap();
    if read > 0 {
        assert_eq!(receive.body(&vec![b'x'; read], false, START), BodyStep::Body { skip: 0, take: read });
    }
    let mut respond = Respond::queued(&receive, START);
    respond.started();
    (receive, respond)
}
