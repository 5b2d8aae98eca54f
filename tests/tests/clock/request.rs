//! The deadlines of a request: its header, its payload and its body.

use std::time::Duration;

use uwsgi::server::{BodyStep, HeadStep, Refusal, Settings};
use uwsgi_conformance::SMALL;

use super::{at, begun, take, with_body};

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

/// A limit of 0 is off, and the longest duration never ends.
#[test]
fn a_least_rate_of_0_is_no_limit() {
    for (rate, idle, due) in [(240, 30_000, 0), (1, 30_000, 0), (0, 30_000, 30_000), (0, u64::MAX, u64::MAX)] {
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
            assert_eq!(receive.deadline(), Some(at(3_600_000).after(Duration::from_millis(due))));
        }
    }
}
