//! The deadlines of the bytes after a packet that is not a web request.

use uwsgi::Modifier1;
use uwsgi::Time;
use uwsgi::server::{BodyStep, HeadStep, Receive, Refusal, Settings};

use super::{at, begun, take};

/// Returns a connection whose packet, which is not a web request, has been read.
fn with_message(settings: Settings, now: Time) -> Receive {
    let packet = b"\x11\x06\0\0\x01\0A\x01\0B";
    let mut receive = begun(settings.with_modifier1(Modifier1::SPOOLER), now);
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
