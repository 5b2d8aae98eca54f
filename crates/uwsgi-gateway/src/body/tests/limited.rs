//! The limits and the clock of a request's body.

use core::pin::Pin;
use core::time::Duration;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};

use super::scripted::Step::{Data, Fail, Hang, Trailers, Until};
use super::scripted::{Scripted, Step};
use crate::body::{BodyError, BodyLimits, LimitedBody};
use crate::buffer::tests::is_pending;

pub(super) const LIMITS: BodyLimits = BodyLimits { declared: None, limit: 100, idle: Duration::from_secs(30) };

const fn declared(length: u64) -> BodyLimits {
    BodyLimits { declared: Some(length), ..LIMITS }
}

const fn unlimited() -> BodyLimits {
    BodyLimits { limit: u64::MAX, ..LIMITS }
}

const fn millis(millis: u64) -> Step {
    Until(Duration::from_millis(millis))
}

/// Gives so many bytes at once, and then every second, for so many seconds.
fn every_second(bytes: usize, seconds: u64) -> Vec<Step> {
    (0..=seconds).flat_map(|second| [millis(1000 * second), Data(bytes)]).collect()
}

/// Names how a body ended: `end`, or the error with its status.
fn outcome(result: &Result<(), BodyError>) -> String {
    match result {
        Ok(()) => "end".to_string(),
        Err(error) => {
            let status = error.status().map_or("no answer".to_string(), |status| status.as_u16().to_string());
            assert!(!error.to_string().contains('\n'));
            format!("{status}: {error:#}")
        }
    }
}

const TOO_LONG: &str = "413: the body is longer than --max-body";
const TOO_SLOW: &str = "408: the client sends the body too slowly";
const TOO_SHORT: &str = "no answer: the client broke off in the body: the body ended before its declared length";
const SURPLUS: &str = "no answer: the client broke off in the body: the body is longer than its declared length";
const RESET: &str = "no answer: the client broke off in the body: connection reset";

#[tokio::test(start_paused = true)]
async fn limits_and_clocks() {
    // Name, limits, what the client sends, how the body ends, the bytes that came, the milliseconds until then.
    let rows = vec![
        // Lengths.
        ("nothing", LIMITS, vec![], "end", 0, 0),
        ("nothing, declared", declared(0), vec![Hang], "end", 0, 0),
        ("as long as allowed", LIMITS, vec![Data(60), Data(40)], "end", 100, 0),
        ("one byte too long", LIMITS, vec![Data(60), Data(41), Hang], TOO_LONG, 60, 0),
        ("too long in one frame", LIMITS, vec![Data(101), Hang], TOO_LONG, 0, 0),
        ("declared as long as allowed", declared(100), vec![Data(100), Hang], "end", 100, 0),
        ("declared too long", declared(101), vec![Data(1)], TOO_LONG, 0, 0),
        ("declared far too long", declared(u64::MAX), vec![Data(1)], TOO_LONG, 0, 0),
        ("shorter than declared", declared(10), vec![Data(9)], TOO_SHORT, 9, 0),
        ("nothing of what was declared", declared(10), vec![], TOO_SHORT, 0, 0),
        ("longer than declared", declared(10), vec![Data(9), Data(2)], SURPLUS, 9, 0),
        ("the end needs no other frame", declared(10), vec![Data(4), Data(6), Fail], "end", 10, 0),
        ("trailers are dropped", LIMITS, vec![Data(4), Trailers], "end", 4, 0),
        ("frames without bytes", LIMITS, vec![Data(0), Data(4), Data(0)], "end", 4, 0),
        ("a client that breaks off", LIMITS, vec![Data(4), Fail], RESET, 4, 0),
        // Silence.
        ("silence", LIMITS, vec![Hang], TOO_SLOW, 0, 30_000),
        ("a byte in time", LIMITS, vec![millis(29_999), Data(1), millis(30_000)], "end", 1, 30_000),
        ("the end in time", LIMITS, vec![millis(29_999)], "end", 0, 29_999),
        ("many bytes, then silence", unlimited(), vec![millis(10_000), Data(24_000), Hang], TOO_SLOW, 24_000, 40_000),
        ("frames without bytes are silence", LIMITS, vec![millis(20_000), Data(0), Hang], TOO_SLOW, 0, 30_000),
        ("trailers are silence", LIMITS, vec![millis(20_000), Trailers, Hang], TOO_SLOW, 0, 30_000),
        (
            "a shorter silence",
            BodyLimits { idle: Duration::from_secs(5), ..LIMITS },
            vec![millis(4_000), Data(1), Hang],
            TOO_SLOW,
            1,
            5_001,
        ),
        (
            "silence for ever",
            BodyLimits { idle: Duration::MAX, ..LIMITS },
            vec![millis(1_000_000_000), Data(1)],
            "end",
            1,
            1_000_000_000,
        ),
        // The rate.
        ("a byte, and no second one", LIMITS, vec![millis(29_000), Data(1), Hang], TOO_SLOW, 1, 30_001),
        ("240 bytes a second", unlimited(), every_second(240, 600), "end", 144_240, 600_000),
        ("239 bytes a second", unlimited(), every_second(239, 600), TOO_SLOW, 239 * 31, 30_871),
        (
            "bytes ahead count",
            unlimited(),
            [vec![Data(24_000)], every_second(1, 600)].concat(),
            TOO_SLOW,
            24_101,
            100_421,
        ),
    ];
    for (name, limits, steps, expected, bytes, time) in rows {
        let start = Instant::now();
        let (body, seen) = Scripted::new(steps);
        let mut body = LimitedBody::new(body, &limits);
        let mut received = 0;
        let result = loop {
            let hint = body.size_hint().exact();
            match body.frame().await.transpose() {
                Ok(Some(frame)) => {
                    let len = frame.into_data().unwrap().len() as u64;
                    received += len;
                    assert_eq!(body.size_hint().exact(), hint.map(|hint| hint - len), "{name}");
                    assert_eq!(body.is_end_stream(), limits.declared == Some(received), "{name}");
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome(&result), expected, "{name}");
        assert_eq!(received, bytes, "{name}");
        assert_eq!(start.elapsed().as_millis(), time, "{name}");
        // hyper only answers while the client sends if its body is dropped.
        assert!(seen.is_dropped(), "{name}");
        assert!(body.frame().await.is_none(), "{name}");
    }
}

/// Only the time in which the client is waited for counts, and not the time in which the backend takes nothing.
#[tokio::test(start_paused = true)]
async fn a_slow_backend_is_not_a_slow_client() {
    let (body, _) = Scripted::new([Data(1), Data(1), millis(200_000), Data(1), millis(340_000), Data(1)]);
    let mut body = LimitedBody::new(body, &unlimited());
    let start = Instant::now();
    for wait in [100, 90, 100] {
        assert!(body.frame().await.unwrap().is_ok(), "{:?}", start.elapsed());
        sleep(Duration::from_secs(wait)).await;
    }
    // It has waited 10 seconds until now, so the rate has 20 seconds more.
    assert_eq!(start.elapsed(), Duration::from_secs(300));
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error, BodyError::TooSlow), "{error:?}");
    assert_eq!(start.elapsed(), Duration::from_millis(320_001));
}

/// Bytes that are there are not too late, even if the task was.
#[tokio::test(start_paused = true)]
async fn a_late_task_takes_what_is_there() {
    let (body, _) = Scripted::new([millis(29_000), Data(1)]);
    let mut body = LimitedBody::new(body, &LIMITS);
    assert!(is_pending(Pin::new(&mut body.frame())).await);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 1);
}
