//! The log lines about responses that a limit cuts short.

use std::time::Duration;

use uwsgi::Time;
use uwsgi::server::{Failure, Receive, Refusal, Respond, Settings, TimeStep};
use uwsgi_conformance::SMALL;
use uwsgi_tests::drive::give_head;

use super::{LATE, START, begun};

/// Something that happens to a response after 1000 bytes were sent.
type Happens = fn(&mut Respond);

/// Each limit that cuts a response short has its own log line, which says how much was sent.
#[test]
fn each_limit_that_cuts_a_response_short_has_its_log_line() {
    let rows: [(&str, Option<u64>, Happens, Option<&str>); 11] = [
        ("all is well", Some(5000), |_| (), None),
        (
            "the peer pauses",
            Some(5000),
            |respond| assert_eq!(blocked(respond, START, LATE), TimeStep::Abort),
            Some(
                "an answer was cut off after 1000 of 5000 bytes: the peer took nothing for 3600 s; set a longer \
                 write_idle, or uwsgi_max_temp_file_size 0 in nginx",
            ),
        ),
        (
            "the peer pauses less",
            Some(5000),
            |respond| assert_eq!(blocked(respond, Time::from_millis(1), LATE), TimeStep::Wait),
            None,
        ),
        (
            "the peer pauses, and no length is known",
            None,
            |respond| assert_eq!(blocked(respond, START, LATE), TimeStep::Abort),
            Some(
                "an answer was cut off after 1000 bytes: the peer took nothing for 3600 s; set a longer write_idle, or \
                 uwsgi_max_temp_file_size 0 in nginx",
            ),
        ),
        (
            "a stop",
            None,
            |respond| {
                respond.shut_down(START);
                assert_eq!(respond.time(Time::from_millis(30_000)), TimeStep::Abort);
            },
            Some(
                "an answer was cut off after 1000 bytes: a stop was asked for, and the answer was not finished within \
                 30 s; set a longer grace period",
            ),
        ),
        (
            "a stop, while the peer pauses",
            None,
            |respond| {
                respond.shut_down(START);
                assert_eq!(blocked(respond, START, Time::from_millis(30_000)), TimeStep::Abort);
            },
            Some(
                "an answer was cut off after 1000 bytes: a stop was asked for, and the answer was not finished within \
                 30 s; set a longer grace period",
            ),
        ),
        (
            "a stop, seen by who reads the request",
            Some(5000),
            |respond| assert_eq!(respond.failed(Some(Refusal::Stopping)), Failure::Abort),
            Some(
                "an answer was cut off after 1000 of 5000 bytes: a stop was asked for, and the answer was not finished \
                 within 30 s; set a longer grace period",
            ),
        ),
        (
            "the request's body",
            Some(5000),
            |respond| assert_eq!(respond.failed(Some(Refusal::BodyTimeout)), Failure::Abort),
            Some(
                "an answer was cut off after 1000 of 5000 bytes, because of its request: the body was silent too long, \
                 or too slow",
            ),
        ),
        ("the application", Some(5000), |respond| assert_eq!(respond.failed(None), Failure::Abort), None),
        ("the peer goes", Some(5000), Respond::broken, None),
        (
            "the peer goes, and then time passes",
            Some(5000),
            |respond| {
                respond.broken();
                assert_eq!(blocked(respond, START, LATE), TimeStep::Abort);
            },
            None,
        ),
    ];
    for (name, length, happens, line) in rows {
        let (_, mut respond) = begun(SMALL);
        give_head(&mut respond, 200, length);
        respond.body(3000).unwrap();
        respond.wrote(400);
        respond.wrote(600);
        assert_eq!((respond.sent(), respond.cut()), (1000, None), "{name}");
        happens(&mut respond);
        assert_eq!(respond.cut().map(|cut| cut.to_string()).as_deref(), line, "{name}");
    }
}

/// Returns what is due when the peer has read nothing since `since`.
fn blocked(respond: &mut Respond, since: Time, now: Time) -> TimeStep {
    respond.blocked(since);
    respond.time(now)
}

/// Times that are not whole seconds are not rounded.
#[test]
fn a_log_line_gives_the_time_exactly() {
    for (millis, said) in [(0, "0 s"), (1, "1 ms"), (1500, "1500 ms"), (2000, "2 s")] {
        let mut settings = Settings::default();
        settings.write_idle = Duration::from_millis(millis);
        let mut respond = Respond::queued(&Receive::new(settings, START), START);
        respond.started();
        give_head(&mut respond, 200, None);
        respond.body(1).unwrap();
        assert_eq!(blocked(&mut respond, START, LATE), TimeStep::Abort);
        let line = respond.cut().unwrap().to_string();
        assert!(line.contains(&format!("took nothing for {said};")), "{line}");
    }
}
