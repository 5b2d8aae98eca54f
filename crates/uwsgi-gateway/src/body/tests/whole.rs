//! Requests read whole.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::path::PathBuf;

use alloc::sync::Arc;
use alloc::vec;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::runtime::Handle;

use super::limited::LIMITS;
use super::scripted::Step::{Data, Fail, Hang, Until};
use super::scripted::{Scripted, frames};
use crate::body::buffered::BufferedBody;
use crate::body::{BodyError, BodyLimits, read_whole};
use crate::buffer::Budget;
use crate::buffer::tests::{KIB, MIB, Random, budget, is_pending, pattern, until_free};

const UNLIMITED: BodyLimits = BodyLimits { limit: u64::MAX, ..LIMITS };

/// Reads a body to its end, and compares every byte.
async fn check(mut body: BufferedBody, size: usize, name: &str) {
    let mut offset = 0;
    assert_eq!(body.len(), size as u64, "{name}");
    while offset < size {
        assert!(!body.is_end_stream(), "{name}");
        let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(bytes == pattern(offset, bytes.len()), "{name}: other bytes at {offset}");
        offset += bytes.len();
        assert_eq!(body.size_hint().exact(), Some((size - offset) as u64), "{name}");
    }
    assert!(body.is_end_stream(), "{name}");
    assert!(body.frame().await.is_none(), "{name}");
}

#[tokio::test]
async fn bodies_of_every_size() {
    // Name, memory, temporary files.
    let budgets = [("plenty", 64 * MIB, 1 << 30), ("no memory", 0, 1 << 30), ("exactly enough", 64 * KIB, 50 * MIB)];
    for (name, memory, temp) in budgets {
        for size in [0, 1, 8 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 50 * MIB] {
            // The last is a body in one frame.
            for frame in [1400, 40_000, MIB] {
                for is_declared in [false, true] {
                    let budget = budget(memory, temp);
                    let (body, seen) = Scripted::of_size(size, frame);
                    let body = if is_declared { body.with_length(size) } else { body };
                    let limits = BodyLimits { declared: is_declared.then_some(size as u64), ..UNLIMITED };
                    let body = read_whole(body, &limits, &budget).await.unwrap();
                    let name = format!("{name}, {size} in frames of {frame}");
                    assert!(seen.is_dropped(), "{name}");
                    assert!(budget.used().0 <= 64 * KIB as u64, "{name}: {:?}", budget.used());
                    check(body, size, &name).await;
                    until_free(&budget).await;
                }
            }
        }
    }
}

/// The body in one frame, which is the usual one, has no file, no timer, no task and no copy.
#[tokio::test]
async fn a_body_in_one_frame_is_not_copied() {
    let budget = budget(MIB, 0);
    for size in [1, 64 * KIB] {
        let (body, _) = Scripted::new([Data(size)]);
        let limits = BodyLimits { declared: Some(size as u64), ..UNLIMITED };
        let mut whole = read_whole(body.with_length(size), &limits, &budget).await.unwrap();
        assert_eq!(budget.used(), (size as u64, 0));
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        let bytes = whole.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(bytes.as_ptr(), pattern(0, size).as_ptr());
        assert_eq!(budget.used(), (0, 0));
    }
}

/// A body in one frame goes to the file if the budget has no memory for it. A very small one does not.
#[tokio::test]
async fn a_body_in_one_frame_is_counted() {
    let budget = budget(0, MIB);
    for (size, in_file) in [(8 * KIB, 0), (8 * KIB + 1, 8 * KIB)] {
        let (body, _) = Scripted::new([Data(size)]);
        let limits = BodyLimits { declared: Some(size as u64), ..UNLIMITED };
        let whole = read_whole(body.with_length(size), &limits, &budget).await.unwrap();
        assert_eq!(budget.used(), (0, in_file as u64), "{size}");
        check(whole, size, "one frame").await;
        until_free(&budget).await;
    }
}

/// Every way to fail: the client's body is dropped, so that hyper can answer, and nothing stays taken.
#[tokio::test(start_paused = true)]
async fn failures_give_all_back() {
    let long = || frames(MIB, 30_000);
    // Name, memory, temporary files, most bytes, what the client sends, status.
    let rows = vec![
        ("too long", MIB, 2 * MIB, 100_000, long(), Some(413)),
        ("too long for memory and files", 64 * KIB, 500 * KIB, u64::MAX, long(), Some(503)),
        ("no files", MIB, 0, u64::MAX, long(), Some(503)),
        ("neither memory nor files", 0, 0, u64::MAX, vec![Data(8 * KIB + 1)], Some(503)),
        ("breaks off in memory", MIB, MIB, u64::MAX, vec![Data(1000), Data(1000), Fail], None),
        ("breaks off in the file", MIB, 2 * MIB, u64::MAX, [long(), vec![Fail]].concat(), None),
        ("silent in memory", MIB, MIB, u64::MAX, vec![Data(1000), Data(1000), Hang], Some(408)),
        ("silent in the file", MIB, 2 * MIB, u64::MAX, [long(), vec![Hang]].concat(), Some(408)),
    ];
    for (name, memory, temp, limit, steps, status) in rows {
        let budget = budget(memory, temp);
        let (body, seen) = Scripted::new(steps);
        let error = read_whole(body, &BodyLimits { limit, ..LIMITS }, &budget).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), status, "{name}: {error}");
        assert!(seen.is_dropped(), "{name}");
        until_free(&budget).await;
    }
}

/// A client that goes away: the read is dropped wherever it is.
#[tokio::test]
async fn a_read_may_be_dropped_at_any_time() {
    let budget = budget(64 * MIB, 64 * MIB);
    let mut random = Random::new(3);
    for round in 0..300 {
        let (body, seen) = Scripted::new([frames(400 * KIB, 20 * KIB), vec![Hang]].concat());
        let mut read = pin!(read_whole(body, &UNLIMITED, &budget));
        for _ in 0..random.below(20) {
            assert!(is_pending(read.as_mut()).await, "{round}");
            tokio::task::yield_now().await;
        }
        read.set(read_whole(Scripted::new([]).0, &UNLIMITED, &budget));
        assert!(seen.is_dropped(), "{round}");
    }
    until_free(&budget).await;
}

/// A disk that does not work is 503, and only for bodies that need it.
#[tokio::test]
async fn a_disk_that_does_not_work() {
    let budget = Budget::new(MIB as u64, MIB as u64, PathBuf::from("/proc/1/no such directory"));
    for (size, fits) in [(64 * KIB, true), (64 * KIB + 1, false)] {
        let (body, seen) = Scripted::of_size(size, 10_000);
        match read_whole(body, &UNLIMITED, &budget).await {
            Ok(body) if fits => check(body, size, "in memory").await,
            Err(error) if !fits => {
                assert!(matches!(error, BodyError::Temp(_)), "{error:?}");
                assert_eq!(error.status().unwrap(), 503);
                let text = format!("{error:#}");
                assert!(text.starts_with("the temporary file of the body cannot be used: "), "{text}");
            }
            other => panic!("{size}: {other:?}"),
        }
        assert!(seen.is_dropped());
        until_free(&budget).await;
    }
}

/// The time in which the disk is slow is not the client's.
#[tokio::test(start_paused = true)]
async fn a_slow_client_is_read_to_the_end() {
    let budget = budget(MIB, MIB);
    // 1 KiB a second, for 200 seconds.
    let steps = (1..=200).flat_map(|second| [Until(Duration::from_secs(second)), Data(KIB)]);
    let (body, _) = Scripted::new(steps);
    let body = read_whole(body, &UNLIMITED, &budget).await.unwrap();
    check(body, 200 * KIB, "slow").await;
    until_free(&budget).await;
}

/// Small frames of a large read buffer must not hold all of it: a body of frames of one byte takes little memory.
#[tokio::test]
async fn frames_of_one_byte() {
    let budget = budget(64 * KIB, 0);
    let (body, _) = Scripted::of_size(60_000, 1);
    let mut body = read_whole(body, &UNLIMITED, &budget).await.unwrap();
    let mut frames = 0;
    while body.frame().await.is_some() {
        frames += 1;
    }
    assert!(frames <= 5, "{frames}");
}

/// A body that is sent on, and not read to its end.
#[tokio::test]
async fn a_body_may_be_dropped_at_any_time() {
    for size in [1, 64 * KIB, MIB, 5 * MIB] {
        for reads in [0, 1, 5] {
            let budget = budget(MIB, 8 * MIB);
            let (body, _) = Scripted::of_size(size, 30_000);
            let mut body = read_whole(body, &UNLIMITED, &budget).await.unwrap();
            for _ in 0..reads {
                let _ = body.frame().await;
            }
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx).is_pending())).await;
            assert!(!polled || size > 64 * KIB);
            drop(body);
            until_free(&budget).await;
        }
    }
}

/// All requests share the budget: the first that does not fit is refused, and fits once another has ended.
#[tokio::test]
async fn requests_share_the_budget() {
    let budget = budget(0, 3 * MIB);
    let request = || {
        let (body, _) = Scripted::of_size(MIB, 64 * KIB);
        let budget = Arc::clone(&budget);
        async move { read_whole(body, &UNLIMITED, &budget).await }
    };
    let (one, two, three) = (request().await.unwrap(), request().await.unwrap(), request().await.unwrap());
    assert!(matches!(request().await.unwrap_err(), BodyError::BuffersFull));
    drop(one);
    let mut four = request().await;
    while let Err(BodyError::BuffersFull) = four {
        // The file of the first is closed in another thread.
        tokio::time::sleep(Duration::from_millis(1)).await;
        four = request().await;
    }
    for body in [two, three, four.unwrap()] {
        check(body, MIB, "shared").await;
    }
    until_free(&budget).await;
}
