//! All decisions of the machines about time. Each call gets the time as an argument: no test sleeps.

use std::time::Duration;

use uwsgi::Modifier1;
use uwsgi::server::{
    AnswerError, BodyStep, CutLimit, Drain, DrainStep, Ending, Failure, HeadStep, Receive, Refusal, Respond, Settings,
    Time, TimeStep,
};
use uwsgi_conformance::SMALL;
use uwsgi_tests::drive::give;

const fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Returns a connection at this time, and the bytes of its packet.
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
fn silence_before_the_first_byte_closes() {
    let mut receive = begun(Settings::default(), at(5_000));
    assert_eq!(receive.head(b"", false, at(5_000)), HeadStep::Need(4));
    assert_eq!(receive.deadline(), Some(at(15_000)));
    assert_eq!(receive.head(b"", false, at(14_999)), HeadStep::Need(4));
    assert_eq!(receive.head(b"", false, at(15_000)), HeadStep::Close);
}

#[test]
fn a_byte_every_9_seconds_does_not_extend_the_header_timeout() {
    let packet = SMALL.build();
    let mut receive = begun(Settings::default(), at(0));
    assert_eq!(receive.head(&packet[..1], false, at(9_000)), HeadStep::Need(3));
    assert_eq!(receive.deadline(), Some(at(19_000)), "counted from the first byte");
    assert_eq!(receive.head(&packet[..2], false, at(18_000)), HeadStep::Need(2));
    assert_eq!(receive.deadline(), Some(at(19_000)));
    assert_eq!(receive.head(&packet[..2], false, at(18_999)), HeadStep::Need(2));
    assert_eq!(receive.head(&packet[..2], false, at(19_000)), HeadStep::Refuse(Refusal::HeaderTimeout));
}

#[test]
fn the_header_timeout_includes_the_payload() {
    let packet = SMALL.build();
    let mut receive = begun(Settings::default(), at(0));
    for (second, byte) in (0..10).zip(1..) {
        let HeadStep::Need(_) = receive.head(&packet[..byte], false, at(second * 1_000)) else { panic!() };
        assert_eq!(receive.deadline(), Some(at(10_000)));
    }
    assert_eq!(receive.head(&packet[..11], false, at(10_000)), HeadStep::Refuse(Refusal::HeaderTimeout));
}

#[test]
fn a_whole_packet_is_accepted_however_late_it_is_read() {
    let packet = SMALL.build();
    let mut receive = begun(Settings::default(), at(0));
    assert_eq!(receive.head(&packet[..1], false, at(0)), HeadStep::Need(3));
    assert_eq!(receive.head(&packet, false, at(60_000)), HeadStep::Head { end: packet.len() });
    assert_eq!(receive.deadline(), None, "the connection waits for nothing");
}

#[test]
fn a_body_may_be_silent_for_30_seconds() {
    let mut receive = with_body(Settings::default(), b"100000", at(0));
    assert_eq!(receive.deadline(), None, "the application does not read yet");
    take(&mut receive, 50_000, at(1_000));
    assert_eq!(receive.body(b"", false, at(2_000)), BodyStep::Need(50_000));
    assert_eq!(receive.deadline(), Some(at(32_000)));
    assert_eq!(receive.body(b"", false, at(31_999)), BodyStep::Need(50_000));
    assert_eq!(receive.body(b"", false, at(32_000)), BodyStep::Fail(Refusal::BodyTimeout));
    assert_eq!(receive.body(b"b", false, at(32_001)), BodyStep::Fail(Refusal::BodyTimeout), "it still fails");
}

#[test]
fn a_body_of_a_byte_a_second_is_too_slow_after_30_seconds() {
    let mut receive = with_body(Settings::default(), b"1000", at(0));
    for second in 0..29 {
        let BodyStep::Need(_) = receive.body(b"", false, at(second * 1_000)) else { panic!("second {second}") };
        take(&mut receive, 1, at((second + 1) * 1_000));
    }
    let BodyStep::Need(_) = receive.body(b"", false, at(29_000)) else { panic!() };
    assert_eq!(receive.deadline(), Some(at(30_001)), "after the first 30 seconds");
    assert_eq!(receive.body(b"", false, at(30_001)), BodyStep::Fail(Refusal::BodyTimeout));
}

#[test]
fn a_body_of_240_bytes_a_second_goes_on() {
    let mut receive = with_body(Settings::default(), b"1000000", at(0));
    for second in 0..600 {
        let step = receive.body(b"", false, at(second * 1_000));
        assert!(matches!(step, BodyStep::Need(_)), "second {second}: {step:?}");
        take(&mut receive, 240, at((second + 1) * 1_000));
    }
}

#[test]
fn a_body_of_239_bytes_a_second_does_not() {
    let mut receive = with_body(Settings::default(), b"1000000", at(0));
    let slow = (0..600).find(|second| {
        let step = receive.body(b"", false, at(second * 1_000));
        if matches!(step, BodyStep::Need(_)) {
            let deadline = receive.deadline().unwrap();
            if deadline <= at((second + 1) * 1_000) {
                assert_eq!(receive.body(b"", false, deadline), BodyStep::Fail(Refusal::BodyTimeout));
                return true;
            }
            take(&mut receive, 239, at((second + 1) * 1_000));
            return false;
        }
        assert_eq!(step, BodyStep::Fail(Refusal::BodyTimeout));
        true
    });
    assert!(slow.is_some_and(|second| (29..=31).contains(&second)), "{slow:?}");
}

/// Returns a connection whose packet, which is not a web request, has been read.
fn with_message(settings: Settings, now: Time) -> Receive {
    let packet = b"\x11\x06\0\0\x01\0A\x01\0B";
    let mut receive = begun(settings.accepting(Modifier1::SPOOLER), now);
    assert_eq!(receive.head(packet, false, now), HeadStep::Message { end: packet.len() });
    receive.message(packet).unwrap();
    receive
}

/// A message must not hold a connection for ever, or four bytes and silence would do so.
#[test]
fn bytes_after_a_message_may_be_silent_for_30_seconds() {
    let mut receive = with_message(Settings::default(), at(0));
    assert_eq!(receive.deadline(), None, "the application does not read yet");
    take(&mut receive, 50_000, at(3_600_000));
    assert_eq!(receive.body(b"", false, at(3_600_000)), BodyStep::Need(1));
    assert_eq!(receive.deadline(), Some(at(3_630_000)));
    // The reply may have begun.
    receive.upgrade();
    assert_eq!(receive.body(b"", false, at(3_629_999)), BodyStep::Need(1));
    assert_eq!(receive.body(b"", false, at(3_630_000)), BodyStep::Fail(Refusal::BodyTimeout));
    assert_eq!(receive.body(b"b", false, at(3_630_001)), BodyStep::Fail(Refusal::BodyTimeout), "it still fails");
}

#[test]
fn bytes_after_a_message_have_the_least_rate_of_a_body() {
    for (bytes, ends) in [(250, None), (100, Some(30)), (1, Some(30))] {
        let mut receive = with_message(Settings::default(), at(0));
        let failed = (0..600).find(|second| {
            let step = receive.body(b"", false, at(second * 1_000));
            if step == BodyStep::Need(1) && receive.deadline() > Some(at((second + 1) * 1_000)) {
                take(&mut receive, bytes, at((second + 1) * 1_000));
                return false;
            }
            let deadline = receive.deadline().unwrap_or(at(second * 1_000));
            assert_eq!(receive.body(b"", false, deadline), BodyStep::Fail(Refusal::BodyTimeout));
            true
        });
        assert_eq!(failed, ends, "{bytes} bytes a second");
    }
}

/// What follows a message may have any length: only a declared length has a limit.
#[test]
fn bytes_after_a_message_have_no_limit() {
    let mut receive = with_message(Settings::default().with_body_limit(10), at(0));
    take(&mut receive, 50_000, at(0));
    assert_eq!(receive.body(b"", true, at(0)), BodyStep::End { skip: 0 });
}

#[test]
fn a_stop_ends_the_bytes_after_a_message() {
    let mut receive = with_message(Settings::default(), at(0));
    receive.shut_down(at(5_000));
    assert_eq!(receive.body(b"", false, at(30_000)), BodyStep::Need(1));
    assert_eq!(receive.deadline(), Some(at(35_000)));
    assert_eq!(receive.body(b"", false, at(35_000)), BodyStep::Fail(Refusal::Stopping));
}

#[test]
fn time_in_which_the_application_does_not_read_does_not_count() {
    let mut receive = with_body(Settings::default(), b"100", at(0));
    // The application reads one byte an hour, and each byte is there already.
    for hour in 1..=99 {
        take(&mut receive, 1, at(hour * 3_600_000));
    }
    let now = 100 * 3_600_000;
    assert_eq!(receive.body(b"", false, at(now)), BodyStep::Need(1));
    assert_eq!(receive.deadline(), Some(at(now + 30_000)), "no idle time has passed");
    take(&mut receive, 1, at(now + 29_999));
    assert_eq!(receive.body(b"", false, at(now + 29_999)), BodyStep::End { skip: 0 });
}

#[test]
fn idle_time_goes_on_after_a_pause_of_the_application() {
    let mut receive = with_body(Settings::default(), b"100", at(0));
    assert_eq!(receive.body(b"", false, at(0)), BodyStep::Need(100));
    take(&mut receive, 1, at(20_000));
    // The application does something else for a minute, and then waits again.
    let BodyStep::Need(_) = receive.body(b"", false, at(80_000)) else { panic!() };
    assert_eq!(receive.deadline(), Some(at(90_001)), "the wait for this byte took 20 s so far");
}

#[test]
fn time_after_a_cancelled_read_does_not_count() {
    let mut receive = with_body(Settings::default(), b"100", at(0));
    assert_eq!(receive.body(b"", false, at(0)), BodyStep::Need(100));
    receive.pause(at(1_000));
    assert_eq!(receive.deadline(), None, "the application does not wait");
    take(&mut receive, 1, at(60_000));
    assert_eq!(receive.body(b"", false, at(60_000)), BodyStep::Need(99));
    assert_eq!(receive.deadline(), Some(at(89_001)), "1 s has passed before");
}

#[test]
fn pauses_give_a_silent_peer_no_more_time() {
    for rate in [Settings::default().body_rate, 0] {
        let mut settings = Settings::default();
        settings.body_rate = rate;
        let mut receive = with_body(settings, b"100", at(0));
        take(&mut receive, 50, at(0));
        assert_eq!(receive.body(b"", false, at(0)), BodyStep::Need(50));
        receive.pause(at(20_000));
        // The application does something else for a minute, which does not count.
        assert_eq!(receive.body(b"", false, at(80_000)), BodyStep::Need(50));
        assert_eq!(receive.deadline(), Some(at(90_000)), "20 of 30 s are over");
        assert_eq!(receive.body(b"", false, at(90_000)), BodyStep::Fail(Refusal::BodyTimeout));
    }
}

#[test]
fn a_response_that_is_over_stays_over() {
    let receive = with_body(Settings::default(), b"5", at(0));
    let mut refused = Respond::queued(&receive, at(0));
    refused.started();
    give(&mut refused, 200, None);
    assert_eq!(refused.failed(None), Failure::Refuse(Refusal::AppFailed));
    assert_eq!(refused.body(5), Err(AnswerError::Over), "nothing leaves after the refusal");
    assert_eq!(refused.finished(), Err(AnswerError::Over));
    assert!(matches!(Ending::of(receive.clone(), &refused, at(0)), Ending::HalfClose(_)));

    let mut aborted = Respond::queued(&receive, at(0));
    aborted.started();
    give(&mut aborted, 200, Some(10));
    aborted.body(5).unwrap();
    assert_eq!(aborted.failed(None), Failure::Abort);
    assert_eq!(aborted.finished(), Err(AnswerError::Over), "a response cut short does not become whole");
    assert!(matches!(Ending::of(receive, &aborted, at(0)), Ending::Abort));
}

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

#[test]
fn a_request_without_a_free_worker_is_refused_after_10_seconds() {
    let receive = with_body(Settings::default(), b"0", at(0));
    let mut respond = Respond::queued(&receive, at(1_000));
    assert_eq!(respond.deadline(), Some(at(11_000)));
    assert_eq!(respond.time(at(10_999)), TimeStep::Wait);
    assert_eq!(respond.time(at(11_000)), TimeStep::Refuse(Refusal::NoWorker));
    assert_eq!(Refusal::NoWorker.status(), 503);
}

#[test]
fn a_free_worker_ends_the_wait() {
    let receive = with_body(Settings::default(), b"0", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    assert_eq!(respond.deadline(), None, "the application has no deadline");
    assert_eq!(respond.time(at(3_600_000)), TimeStep::Wait);
}

#[test]
fn a_peer_that_reads_nothing_for_an_hour_is_reset() {
    let receive = with_body(Settings::default(), b"0", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    give(&mut respond, 200, Some(1_000_000));
    respond.body(1_000_000).unwrap();
    respond.blocked(at(5_000));
    respond.blocked(at(20_000));
    assert_eq!(respond.deadline(), Some(at(3_605_000)), "counted from the first blocked write, not the last");
    respond.wrote(1);
    assert_eq!(respond.deadline(), None);
    respond.blocked(at(34_000));
    assert_eq!(respond.time(at(3_633_999)), TimeStep::Wait);
    assert_eq!(respond.time(at(3_634_000)), TimeStep::Abort);
    assert!(matches!(Ending::of(receive, &respond, at(3_634_000)), Ending::Abort));
}

/// Returns a connection that has served one request and is kept.
fn kept(now: Time) -> Receive {
    let settings = Settings::default().with_keepalive(Duration::from_secs(5));
    let receive = with_body(settings, b"0", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    give(&mut respond, 200, Some(0));
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

/// A limit of 0 is off, and the longest duration never ends.
#[test]
fn a_least_rate_of_0_is_no_limit() {
    for (rate, idle, patience) in [(240, 30_000, 0), (1, 30_000, 0), (0, 30_000, 30_000), (0, u64::MAX, u64::MAX)] {
        let mut settings = Settings::default();
        (settings.body_rate, settings.body_idle) = (rate, Duration::from_millis(idle));
        let mut receive = with_body(settings, b"1000", at(0));
        // One byte each 10 seconds, for an hour.
        let mut ended = None;
        for second in (0..3_600).step_by(10) {
            if let BodyStep::Fail(refusal) = receive.body(b"", false, at(second * 1_000)) {
                ended = Some(refusal);
                break;
            }
            take(&mut receive, 1, at(second * 1_000 + 9_999));
        }
        assert_eq!(ended.is_none(), rate == 0, "{rate} bytes a second, {ended:?}");
        if rate == 0 {
            assert_eq!(receive.body(b"", false, at(3_600_000)), BodyStep::Need(640));
            assert_eq!(receive.deadline(), Some(at(3_600_000).after(Duration::from_millis(patience))));
        }
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
        give(&mut respond, 200, None);
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
    give(&mut respond, 200, Some(0));
    respond.finished().unwrap();
    assert!(matches!(Ending::of(receive, &respond, at(30_000)), Ending::HalfClose(_)));
}

#[test]
fn a_stop_ends_requests_after_30_seconds() {
    let mut receive = with_body(Settings::default(), b"5", at(0));
    let mut respond = Respond::queued(&receive, at(0));
    respond.started();
    give(&mut respond, 200, None);
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
        give(&mut respond, 200, Some(0));
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

/// nginx passes an upgrade on (`uwsgi_pass`, 1.31): after the head of a 101 the connection is a pipe in both
/// directions, without a time limit.
#[test]
fn an_upgrade_is_a_pipe() {
    use uwsgi::server::{BodyStep, Ending, Leaves, Respond};

    let mut bytes = Vec::new();
    let mut vars = uwsgi::VarsEncoder::new(&mut bytes);
    vars.push("REQUEST_METHOD", "GET").unwrap();
    vars.push("HTTP_UPGRADE", "x").unwrap();
    let packet = vars.finish(uwsgi::Modifier1::WSGI, 0).unwrap().to_vec();
    let start = Time::ZERO;
    let settings = Settings::default().with_keepalive(Duration::from_secs(5));
    let mut receive = Receive::new(settings, start);
    assert!(matches!(receive.head(&packet, false, start), HeadStep::Head { .. }));
    receive.request(&packet).unwrap();
    let mut respond = Respond::queued(&receive, start);
    respond.started();
    give(&mut respond, 101, Some(3));
    assert!(!respond.is_upgraded());
    assert_eq!(respond.flush_head(), Ok(Leaves { head: true, take: 0 }));
    assert!(respond.is_upgraded());
    receive.upgrade();
    assert_eq!(receive.body(b"", false, start), BodyStep::Need(1));
    assert_eq!(receive.deadline(), None);
    let later = start.after(Duration::from_secs(86400));
    assert_eq!(receive.body(b"", false, later), BodyStep::Need(1));
    assert_eq!(receive.body(b"hello", false, later), BodyStep::Body { skip: 0, take: 5 });
    assert_eq!(respond.body(5000), Ok(Leaves { head: false, take: 5000 }));
    assert_eq!(receive.body(b"", true, later), BodyStep::End { skip: 0 });
    assert!(respond.finished().is_ok());
    assert!(matches!(Ending::of(receive.clone(), &respond, later), Ending::HalfClose(_)));
    receive.shut_down(later);
    assert!(matches!(receive.body(b"", false, later.after(settings.stop_grace)), BodyStep::Fail(_)));
}

/// A refusal has one deadline as a whole; a response has an idle time for each silence.
#[test]
fn a_refusal_may_take_as_long_as_a_header() {
    let receive = begun(Settings::default(), at(0));
    let mut failed = Respond::queued(&receive, at(0));
    assert_eq!(failed.failed(None), Failure::Refuse(Refusal::AppFailed));
    let mut late = Respond::queued(&receive, at(0));
    assert_eq!(late.time(at(10_000)), TimeStep::Refuse(Refusal::NoWorker));
    for (name, mut respond) in [("refusing", Respond::refusing(&receive, at(0))), ("failed", failed), ("late", late)] {
        respond.blocked(at(20_000));
        respond.wrote(1);
        respond.blocked(at(29_999));
        assert_eq!(respond.deadline(), Some(at(30_000)), "{name}");
        assert_eq!(respond.time(at(29_999)), TimeStep::Wait, "{name}");
        assert_eq!(respond.time(at(30_000)), TimeStep::Abort, "{name}");
        assert!(respond.is_aborted() && respond.cut().is_none(), "{name}: no response was cut short");
    }
}
