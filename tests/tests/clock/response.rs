//! The deadlines of a response: for a free worker, and for a peer that reads nothing.

use std::time::Duration;

use uwsgi::Time;
use uwsgi::server::{AnswerError, Ending, Failure, HeadStep, Receive, Refusal, Respond, Settings, TimeStep};
use uwsgi_tests::drive::give_head;

use super::{at, begun, with_body};

#[test]
fn a_response_that_is_over_stays_over() {
    let receive = with_body(Settings::default(), b"5", at(0));
    let mut refused = Respond::queued(&receive, at(0));
    refused.started();
    give_head(&mut refused, 200, None);
    assert_eq!(refused.failed(None), Failure::Refuse(Refusal::AppFailed));
    assert_eq!(refused.body(5), Err(AnswerError::Over), "nothing leaves after the refusal");
    assert_eq!(refused.finished(), Err(AnswerError::Over));
    assert!(matches!(Ending::of(receive.clone(), &refused, at(0)), Ending::HalfClose(_)));

    let mut aborted = Respond::queued(&receive, at(0));
    aborted.started();
    give_head(&mut aborted, 200, Some(10));
    aborted.body(5).unwrap();
    assert_eq!(aborted.failed(None), Failure::Abort);
    assert_eq!(aborted.finished(), Err(AnswerError::Over), "a response cut short does not become whole");
    assert!(matches!(Ending::of(receive, &aborted, at(0)), Ending::Abort));
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
    give_head(&mut respond, 200, Some(1_000_000));
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
    give_head(&mut respond, 101, Some(3));
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
