//! All decisions of the machines about time. Each call gets the time as an argument: no test sleeps.

mod message;
mod request;
mod response;
mod stop;

use std::time::Duration;

use uwsgi::Time;
use uwsgi::server::{BodyStep, Drain, DrainStep, Ending, HeadStep, Receive, Respond, Settings};
use uwsgi_conformance::SMALL;
use uwsgi_tests::drive::give_head;

const fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Returns a connection that begins at this time.
fn begun(settings: Settings, now: Time) -> Receive {
    Receive::new(settings, now)
}

/// Returns a connection whose request, with a body of this length, has been read.
fn with_body(settings: Settings, length: &'static [u8], now: Time) -> Receive {
    let packet = SMALL.post(length).build();
    let mut receive = begun(settings, now);
    assert_eq!(receive.head(&packet, false, now), HeadStep::Head { end: packet.len() });
    receive.request(&packet).unwrap();
    receive
}

/// Takes this many bytes of a body that are there.
fn take(receive: &mut Receive, count: usize, now: Time) {
    assert_eq!(receive.body(&vec![b'b'; count], false, now), BodyStep::Body { skip: 0, take: count });
}

#[test]
fn settings_change_the_deadlines() {
    let mut settings = Settings::default();
    settings.header_timeout = Duration::from_secs(1);
    settings.body_idle = Duration::from_secs(2);
    settings.queue_wait = Duration::from_secs(3);
    assert_eq!(begun(settings, at(0)).deadline(), Some(at(1_000)));
    let mut receive = with_body(settings, b"5", at(0));
    let BodyStep::Need(_) = receive.body(b"", false, at(0)) else { panic!() };
    assert_eq!(receive.deadline(), Some(at(2_000)));
    assert_eq!(Respond::queued(&receive, at(0)).deadline(), Some(at(3_000)));
}

/// Returns a connection that has served one request and is kept.
fn kept(now: Time) -> Receive {
    let settings = Settings::default().with_keepalive(Duration::from_secs(5));
    let receive = with_body(settings, b"0", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    match Ending::of(receive, &respond, now) {
        Ending::Next(receive) => receive,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kept_connection_has_its_own_idle_time() {
    let mut receive = kept(at(20_000));
    assert_eq!(receive.head(b"", false, at(20_000)), HeadStep::Need(4));
    assert_eq!(receive.deadline(), Some(at(25_000)));
    assert_eq!(receive.head(b"", false, at(25_000)), HeadStep::Close);

    let mut receive = kept(at(20_000));
    assert_eq!(receive.head(b"\0", false, at(24_000)), HeadStep::Need(3));
    assert_eq!(receive.deadline(), Some(at(34_000)), "the header timeout, once a request began");
}

#[test]
fn a_drain_takes_2_seconds_at_most() {
    let mut drain = Drain::new(&Settings::default(), at(1_000));
    assert_eq!(drain.deadline(), at(3_000));
    assert_eq!(drain.step(1_000, false, at(2_999)), DrainStep::Need((1 << 30) - 1_000));
    assert_eq!(drain.step(0, false, at(3_000)), DrainStep::Close);
}

#[test]
fn no_bytes_are_expected_after_a_request_that_was_read() {
    let expects_nothing = |receive: &Receive| {
        let mut respond = Respond::queued(receive, at(0));
        respond.started();
        give_head(&mut respond, 200, Some(0));
        respond.finished().unwrap();
        let Ending::HalfClose(drain) = Ending::of(receive.clone(), &respond, at(0)) else { panic!() };
        drain.expects_nothing()
    };
    let mut receive = with_body(Settings::default(), b"5", at(0));
    assert!(!expects_nothing(&receive));
    take(&mut receive, 4, at(0));
    assert!(!expects_nothing(&receive));
    take(&mut receive, 1, at(0));
    assert!(expects_nothing(&receive));
    assert!(
        !expects_nothing(&with_body(Settings::default(), b"", at(0))),
        "a POST may have a body that nobody declared"
    );
    assert!(expects_nothing(&with_body(Settings::default(), b"0", at(0))));
    let mut get = begun(Settings::default(), at(0));
    let packet = SMALL.build();
    get.head(&packet, false, at(0));
    get.request(&packet).unwrap();
    assert!(expects_nothing(&get));
    receive.upgrade();
    assert!(!expects_nothing(&receive));
    let mut kept = with_body(Settings::default().with_keepalive(Duration::from_secs(5)), b"0", at(0));
    kept.shut_down(at(0));
    assert!(!expects_nothing(&kept), "a next request is on its way");
    assert!(!Drain::new(&Settings::default(), at(0)).expects_nothing(), "after a refusal or a pong");
}

#[test]
fn a_clock_that_runs_backwards_counts_as_standing_still() {
    let mut receive = with_body(Settings::default(), b"5", at(50_000));
    let BodyStep::Need(_) = receive.body(b"", false, at(50_000)) else { panic!() };
    let BodyStep::Need(_) = receive.body(b"", false, at(10_000)) else { panic!() };
    take(&mut receive, 1, at(0));
    let BodyStep::Need(4) = receive.body(b"", false, at(0)) else { panic!() };
}
