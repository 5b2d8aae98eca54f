//! A stop and its grace period.

use std::time::Duration;

use uwsgi::server::{BodyStep, CutLimit, Ending, HeadStep, Receive, Refusal, Respond, Settings, TimeStep};
use uwsgi_conformance::SMALL;
use uwsgi_tests::drive::give_head;

use super::{at, begun, kept, take, with_body};

#[test]
fn a_stop_also_limits_later_responses() {
    let mut receive = with_body(Settings::default(), b"0", at(0));
    receive.shut_down(at(1_000));
    let mut respond = Respond::queued(&receive, at(2_000));
    respond.started();
    assert_eq!(respond.deadline(), Some(at(31_000)));
    assert_eq!(respond.time(at(31_000)), TimeStep::Refuse(Refusal::Stopping), "a status can still be sent");
    let mut idle = Receive::new(Settings::default(), at(0));
    idle.shut_down(at(1_000));
    assert!(idle.deadline().is_some_and(|due| due <= at(1_000)), "an idle connection closes at once");
}

#[test]
fn a_stop_closes_an_idle_connection() {
    for mut receive in [begun(Settings::default(), at(0)), kept(at(0))] {
        assert_eq!(receive.head(b"", false, at(1_000)), HeadStep::Need(4));
        receive.shut_down(at(1_000));
        assert_eq!(receive.head(b"", false, at(1_000)), HeadStep::Close);
    }
}

/// Even the longest grace period does not delay a stop of an idle connection.
#[test]
fn a_stop_with_an_endless_grace_period_closes_an_idle_connection() {
    for grace in
        [Duration::ZERO, Duration::from_millis(u64::MAX - 1_000), Duration::from_millis(u64::MAX), Duration::MAX]
    {
        let mut settings = Settings::default().with_keepalive(Duration::from_secs(5));
        settings.stop_grace = grace;
        let mut receive = begun(settings, at(0));
        receive.shut_down(at(1_000));
        assert_eq!(receive.deadline(), Some(at(0)), "{grace:?}: an idle connection closes at once");
        assert_eq!(receive.head(b"", false, at(1_000)), HeadStep::Close, "{grace:?}");

        let mut receive = with_body(settings, b"5", at(0));
        receive.shut_down(at(1_000));
        take(&mut receive, 5, at(1_000));
        assert!(!receive.allows_another(), "{grace:?}");
        let mut respond = Respond::queued(&receive, at(1_000));
        respond.started();
        assert_eq!(respond.time(at(1_000)) == TimeStep::Wait, !grace.is_zero(), "{grace:?}");
    }
}

/// Of two deadlines in the past the earlier one counts. Of two equal ones the stop's counts. Both hold for both halves.
#[test]
fn the_earlier_of_two_past_deadlines_counts() {
    // The stop comes at this time, with a grace period of 30 seconds. Both halves are asked at the 60th second.
    for (stop, body, header, worker, unwritten) in [
        (9_999, Refusal::Stopping, Refusal::Stopping, Refusal::Stopping, true),
        (10_000, Refusal::Stopping, Refusal::Stopping, Refusal::Stopping, true),
        (10_001, Refusal::BodyTimeout, Refusal::HeaderTimeout, Refusal::NoWorker, false),
    ] {
        let mut settings = Settings::default();
        (settings.header_timeout, settings.queue_wait) = (Duration::from_secs(40), Duration::from_secs(40));
        settings.write_idle = Duration::from_secs(40);
        let mut receive = with_body(settings, b"5", at(0));
        assert_eq!(receive.body(b"", false, at(10_000)), BodyStep::Need(5));
        receive.shut_down(at(stop));
        assert_eq!(receive.body(b"", false, at(60_000)), BodyStep::Fail(body), "{stop}");

        let mut receive = begun(settings, at(0));
        assert_eq!(receive.head(b"\0", false, at(0)), HeadStep::Need(3));
        receive.shut_down(at(stop));
        assert_eq!(receive.head(b"\0", false, at(60_000)), HeadStep::Refuse(header), "{stop}");

        let mut respond = Respond::queued(&receive, at(0));
        respond.shut_down(at(stop));
        assert_eq!(respond.time(at(60_000)), TimeStep::Refuse(worker), "{stop}");

        let mut respond = Respond::queued(&with_body(settings, b"5", at(0)), at(0));
        respond.started();
        give_head(&mut respond, 200, None);
        respond.body(1).unwrap();
        respond.blocked(at(0));
        respond.shut_down(at(stop));
        assert_eq!(respond.time(at(60_000)), TimeStep::Abort);
        let by_stop = matches!(respond.cut().map(|cut| cut.limit), Some(CutLimit::StopGrace(_)));
        assert_eq!(by_stop, unwritten, "{stop}");
    }
}

#[test]
fn a_stop_lets_requests_finish() {
    let packet = SMALL.post(b"5").build();
    let mut receive = begun(Settings::default(), at(0));
    let HeadStep::Need(_) = receive.head(&packet[..10], false, at(0)) else { panic!() };
    receive.shut_down(at(1_000));
    assert_eq!(receive.head(&packet, false, at(2_000)), HeadStep::Head { end: packet.len() });
    receive.request(&packet).unwrap();
    let mut respond = Respond::queued(&receive, at(2_000));
    respond.shut_down(at(1_000));
    respond.started();
    take(&mut receive, 5, at(30_000));
    give_head(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    assert!(matches!(Ending::of(receive, &respond, at(30_000)), Ending::HalfClose(_)));
}

#[test]
fn a_stop_ends_requests_after_30_seconds() {
    let mut receive = with_body(Settings::default(), b"5", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    give_head(&mut respond, 200, None);
    respond.body(1).unwrap();
    receive.shut_down(at(1_000));
    respond.shut_down(at(1_000));
    // The application waits for the body from the 20th second on.
    assert_eq!(receive.body(b"", false, at(20_000)), BodyStep::Need(5));
    assert_eq!((receive.deadline(), respond.deadline()), (Some(at(31_000)), Some(at(31_000))));
    assert_eq!(receive.body(b"", false, at(30_999)), BodyStep::Need(5));
    assert_eq!(receive.body(b"", false, at(31_000)), BodyStep::Fail(Refusal::Stopping));
    assert_eq!(respond.time(at(30_999)), TimeStep::Wait);
    assert_eq!(respond.time(at(31_000)), TimeStep::Abort);
}

#[test]
fn a_second_stop_does_not_extend_the_first() {
    let mut receive = with_body(Settings::default(), b"5", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    for now in [1_000, 20_000] {
        receive.shut_down(at(now));
        respond.shut_down(at(now));
    }
    assert_eq!((receive.deadline(), respond.deadline()), (Some(at(31_000)), Some(at(31_000))));
}

/// A machine that waits for nothing has no deadline, also after the end of a stop: a driver would wake for it again and again.
#[test]
fn a_stop_is_no_deadline_of_what_is_over() {
    let mut receive = with_body(Settings::default(), b"5", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    receive.shut_down(at(0));
    respond.shut_down(at(0));
    take(&mut receive, 5, at(0));
    assert_eq!(receive.deadline(), None, "the body was read");
    give_head(&mut respond, 200, Some(0));
    assert_eq!(respond.deadline(), Some(at(30_000)));
    respond.finished().unwrap();
    assert_eq!(respond.deadline(), None, "all has left");
    respond.blocked(at(1_000));
    assert_eq!(respond.deadline(), Some(at(30_000)), "the peer takes nothing");
    assert_eq!(respond.time(at(30_000)), TimeStep::Abort);
    assert_eq!(respond.deadline(), None, "the connection is reset");
}
