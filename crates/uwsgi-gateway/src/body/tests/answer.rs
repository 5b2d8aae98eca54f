//! Answers, read ahead of their client.

use core::time::Duration;
use std::path::PathBuf;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};

use super::scripted::Step::{Data, Fail, Hang, Trailers, Until};
use super::scripted::{Scripted, Seen, frames};
use crate::body::{AnswerBody, AnswerError};
use crate::buffer::Budget;
use crate::buffer::tests::{KIB, MIB, Random, budget, pattern, until_free};

const LONG: Duration = Duration::from_secs(30);

async fn next(body: &mut AnswerBody<Scripted>) -> Option<Result<Bytes, AnswerError>> {
    let frame = timeout(LONG, body.frame()).await.expect("no bytes come");
    frame.map(|frame| frame.map(|frame| frame.into_data().expect("trailers are dropped")))
}

/// Reads so many bytes or more, or to the end, and compares them. Returns the offset of the next byte.
async fn read_pattern(body: &mut AnswerBody<Scripted>, mut offset: usize, end: usize, name: &str) -> usize {
    while offset < end {
        let hint = body.size_hint().exact();
        let Some(bytes) = next(body).await else { return offset };
        let bytes = bytes.unwrap();
        assert!(bytes == pattern(offset, bytes.len()), "{name}: other bytes at {offset}");
        offset += bytes.len();
        let left = hint.map(|hint| hint - bytes.len() as u64);
        assert_eq!(body.size_hint().exact(), left, "{name}: the exact hint stays exact");
    }
    offset
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            // The files are written in other threads, whose ends are no events here.
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[test]
fn answers_of_every_size_at_every_pace() {
    // Name, memory, temporary files, most bytes of one answer.
    let budgets = [
        ("plenty", 64 * MIB, 1 << 30, 1 << 30),
        ("no memory", 0, 1 << 30, 1 << 30),
        ("no files", 64 * MIB, 0, 1 << 30),
        ("nothing", 0, 0, 1 << 30),
        ("little", 32 * KIB, 300 * KIB, 200 * KIB),
    ];
    // How often the backend and the client pause: once in so many frames.
    let paces = [("like paces", 10, 10), ("slow client", usize::MAX, 3), ("slow backend", 3, usize::MAX)];
    for (number, (name, memory, temp, limit)) in budgets.into_iter().enumerate() {
        for (pace, backend_pauses, client_pauses) in paces {
            for size in [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 50 * MIB] {
                // A pause has a millisecond of real time.
                if size > MIB && (pace != "slow client" || memory == 0) {
                    continue;
                }
                let name = format!("{name}, {pace}, {size}");
                let runtime = match number % 2 {
                    0 => Builder::new_current_thread().enable_time().build(),
                    _ => Builder::new_multi_thread().worker_threads(2).enable_time().build(),
                };
                runtime.unwrap().block_on(async {
                    let mut random = Random::new(size as u64 + number as u64);
                    let mut steps = vec![];
                    let mut written = 0;
                    while written < size {
                        let longest = [200, 20_000, 100_000][random.below(3)];
                        let len = (1 + random.below(longest)).min(size - written);
                        steps.push(Data(len));
                        written += len;
                        if random.below(backend_pauses) == 0 {
                            steps.push(Until(Duration::ZERO));
                        }
                    }
                    let (body, seen) = Scripted::new(steps);
                    let is_exact = random.below(2) == 0;
                    let body = if is_exact { body.with_length(size) } else { body };
                    let budget = budget(memory, temp);
                    let mut answer = AnswerBody::buffered(body, &budget, limit as u64);
                    let mut offset = 0;
                    while !answer.is_end_stream() {
                        let before = offset;
                        offset = read_pattern(&mut answer, offset, offset + 1, &name).await;
                        if before == offset {
                            break;
                        }
                        if random.below(client_pauses) == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    assert_eq!(offset, size, "{name}");
                    assert!(!is_exact || answer.is_end_stream(), "{name}");
                    drop(answer);
                    until("the backend is free", || seen.is_dropped()).await;
                    until_free(&budget).await;
                });
            }
        }
    }
}

/// Small answers need no task, no file and no memory of the budget. The task begins with the byte 65,536 or the frame 16, if more
/// may follow.
#[tokio::test]
async fn small_answers_need_no_task() {
    // Name, size, whether the length is known, the tasks after the last of 64 KiB.
    let rows = [
        ("one byte", 1, false, 0),
        ("fifteen frames", 60 * KIB, false, 0),
        ("sixteen frames", 64 * KIB - 1, false, 1),
        ("all of a known length", 64 * KIB, true, 0),
        ("an unknown length", 64 * KIB, false, 1),
        ("one byte more", 64 * KIB + 1, true, 1),
    ];
    for (name, size, is_known, tasks) in rows {
        let budget = budget(0, 0);
        let (body, _) = Scripted::of_size(size, 4 * KIB);
        let body = if is_known { body.with_length(size) } else { body };
        let mut answer = AnswerBody::buffered(body, &budget, u64::MAX);
        assert!(!answer.is_end_stream());
        let offset = read_pattern(&mut answer, 0, size.min(64 * KIB), name).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks, "{name}");
        assert_eq!(answer.is_end_stream(), is_known && offset == size, "{name}");
        assert_eq!(read_pattern(&mut answer, offset, usize::MAX, name).await, size, "{name}");
        assert!(answer.is_end_stream(), "{name}");
        drop(answer);
        until("the task ends", || Handle::current().metrics().num_alive_tasks() == 0).await;
    }
}

/// A client that takes nothing does not hold the backend: the whole answer goes into the buffer, and the backend is free.
#[tokio::test]
async fn a_slow_client_does_not_hold_the_backend() {
    for (size, is_exact) in [(100 * KIB, false), (128 * KIB, true), (20 * MIB, true), (20 * MIB, false)] {
        let name = size.to_string();
        let budget = budget(MIB, 32 * MIB);
        let (body, seen) = Scripted::of_size(size, 16 * KIB);
        let body = if is_exact { body.with_length(size) } else { body };
        let mut answer = AnswerBody::buffered(body, &budget, u64::MAX);
        let offset = read_pattern(&mut answer, 0, 64 * KIB, &name).await;
        until("the backend is free", || seen.is_dropped()).await;
        assert_eq!(seen.given(), size as u64);
        assert!(!answer.is_end_stream());
        assert!(budget.used().0 <= 64 * KIB as u64, "{:?}", budget.used());
        assert_eq!(read_pattern(&mut answer, offset, usize::MAX, &name).await, size);
        assert!(answer.is_end_stream());
        until_free(&budget).await;
    }
}

/// The end is known without another poll, so that hyper ends the answer with its last bytes.
#[tokio::test]
async fn the_end_is_known_with_the_last_bytes() {
    // Name, the backend after 100 KiB, whether it has told the length.
    let rows = [("a length, and a backend that stays open", vec![Hang], true), ("no length", vec![], false)];
    for (name, after, is_exact) in rows {
        let (body, seen) = Scripted::new([frames(100 * KIB, 10_000), after].concat());
        let body = if is_exact { body.with_length(100 * KIB) } else { body };
        let mut answer = AnswerBody::buffered(body, &budget(MIB, MIB), u64::MAX);
        let offset = read_pattern(&mut answer, 0, 64 * KIB, name).await;
        until("all is read ahead", || seen.given() == 100 * KIB as u64).await;
        assert!(!answer.is_end_stream(), "{name}");
        assert_eq!(read_pattern(&mut answer, offset, 100 * KIB, name).await, 100 * KIB);
        assert!(answer.is_end_stream(), "{name}");
    }
}

/// When the buffers are full, or the disk does not work, the backend waits for the client, and nothing is lost.
#[tokio::test]
async fn the_backend_waits_when_the_buffers_are_full() {
    let no_disk = || Budget::new(MIB as u64, MIB as u64, PathBuf::from("/proc/1/no such directory"));
    // Name, budget, most bytes of the answer in the buffer, the bytes that the buffer takes of it.
    let rows = [
        ("no files", budget(MIB, 0), u64::MAX, 64 * KIB),
        ("nothing", budget(0, 0), u64::MAX, 8 * KIB),
        ("a small file", budget(MIB, 130 * KIB), u64::MAX, 192 * KIB),
        ("a limit", budget(MIB, MIB), 100_000, 100_000),
        ("no disk", no_disk(), u64::MAX, 64 * KIB),
    ];
    for (name, budget, limit, takes) in rows {
        let (body, seen) = Scripted::of_size(MIB, 4 * KIB);
        let mut answer = AnswerBody::buffered(body, &budget, limit);
        let mut offset = read_pattern(&mut answer, 0, 64 * KIB, name).await;
        // The task holds one frame that does not fit.
        let expected = |offset: usize| ((offset + takes) / (4 * KIB) + 1) * 4 * KIB;
        until("the buffer is full", || seen.given() == expected(offset) as u64).await;
        // A pause, because more must not come.
        sleep(Duration::from_millis(20)).await;
        assert_eq!(seen.given(), expected(offset) as u64, "{name}");
        while offset < MIB {
            assert!(seen.given() <= expected(offset).min(MIB) as u64, "{name}: {} at {offset}", seen.given());
            offset = read_pattern(&mut answer, offset, offset + 1, name).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(read_pattern(&mut answer, offset, usize::MAX, name).await, MIB, "{name}");
        drop(answer);
        until_free(&budget).await;
    }
}

/// A client that goes: the backend's body is dropped at once, whatever its task does.
#[tokio::test]
async fn a_client_that_goes_closes_the_backend() {
    // Name, what the backend does after 64 KiB, whether the buffers are full then.
    let rows = [
        ("the backend is silent", vec![Hang], false),
        ("the backend sends", frames(64 * MIB, 1), false),
        ("a write to the file", frames(500 * KIB, 64 * KIB), false),
        ("the buffers are full", frames(MIB, 4 * KIB), true),
    ];
    for (name, steps, is_full) in rows {
        let budget = if is_full { budget(0, 0) } else { budget(MIB, 64 * MIB) };
        let (body, seen) = Scripted::new([frames(64 * KIB, 4 * KIB), steps].concat());
        let mut answer = AnswerBody::buffered(body, &budget, u64::MAX);
        assert_eq!(read_pattern(&mut answer, 0, 64 * KIB, name).await, 64 * KIB);
        if is_full {
            until("the buffer is full", || seen.given() > 72 * KIB as u64).await;
        }
        tokio::task::yield_now().await;
        drop(answer);
        // The task ends at its turn.
        tokio::task::yield_now().await;
        assert!(seen.is_dropped(), "{name}");
        until_free(&budget).await;
    }
    // Before there is a task.
    for make in [AnswerBody::streamed as fn(Scripted) -> _, |body| AnswerBody::buffered(body, &budget(0, 0), 0)] {
        let (body, seen) = Scripted::new([Data(1), Hang]);
        let mut answer = make(body);
        next(&mut answer).await.unwrap().unwrap();
        drop(answer);
        assert!(seen.is_dropped());
    }
}

/// The backend's error comes after all bytes that came before it.
#[tokio::test]
async fn an_error_comes_after_the_bytes() {
    for size in [0, 1, 64 * KIB - 1, 64 * KIB, 100 * KIB, 3 * MIB] {
        for is_exact in [false, true] {
            let budget = budget(MIB, 4 * MIB);
            let (body, seen) = Scripted::new([frames(size, 10_000), vec![Fail]].concat());
            let body = if is_exact { body.with_length(size + 1) } else { body };
            let mut answer = AnswerBody::buffered(body, &budget, u64::MAX);
            let name = size.to_string();
            let mut offset = 0;
            while offset < size {
                offset = read_pattern(&mut answer, offset, offset + 1, &name).await;
                // The task comes to the error long before the client.
                tokio::task::yield_now().await;
                assert!(!answer.is_end_stream(), "{name}");
            }
            assert_eq!(offset, size);
            let error = next(&mut answer).await.unwrap().unwrap_err();
            assert_eq!(format!("{error:#}"), "the backend broke off in the answer: connection reset");
            assert!(seen.is_dropped());
            assert!(next(&mut answer).await.is_none());
            until_free(&budget).await;
        }
    }
}

/// A backend's task that panics breaks the answer off. The client does not wait for ever.
#[tokio::test]
async fn a_panic_breaks_off() {
    let (body, _) = Scripted::of_size(100 * KIB, 4 * KIB);
    // The length is a lie, and the scripted body panics when it is passed.
    let mut answer = AnswerBody::buffered(body.with_length(80 * KIB), &budget(MIB, MIB), u64::MAX);
    let mut offset = 0;
    let error = loop {
        match next(&mut answer).await.expect("no end") {
            Ok(bytes) => offset += bytes.len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AnswerError::Backend(_)), "{error:?}");
    assert_eq!(offset, 80 * KIB);
}

#[tokio::test]
async fn texts_and_streams() {
    let mut empty: AnswerBody<Scripted> = AnswerBody::empty();
    assert!(empty.is_end_stream() && empty.size_hint().exact() == Some(0));
    assert!(next(&mut empty).await.is_none());
    assert!(AnswerBody::<Scripted>::text(Bytes::new()).is_end_stream());

    let mut text: AnswerBody<Scripted> = AnswerBody::text(Bytes::from_static(b"Not Found\n"));
    assert!(!text.is_end_stream() && text.size_hint().exact() == Some(10));
    assert_eq!(next(&mut text).await.unwrap().unwrap(), "Not Found\n");
    assert!(text.is_end_stream() && text.size_hint().exact() == Some(0));
    assert!(next(&mut text).await.is_none());

    // Nothing is read before the client takes it.
    let (body, seen) = Scripted::new([frames(MIB, 4 * KIB), vec![Trailers]].concat());
    let mut stream = AnswerBody::streamed(body.with_length(MIB));
    for frame in 1..=256 {
        assert!(!stream.is_end_stream());
        next(&mut stream).await.unwrap().unwrap();
        tokio::task::yield_now().await;
        assert_eq!(seen.given(), frame * 4096);
        assert_eq!(stream.size_hint().exact(), Some(MIB as u64 - frame * 4096));
    }
    assert!(stream.is_end_stream());
    assert!(next(&mut stream).await.is_none());
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

/// Small frames of a slow backend come to the client one by one, and at once.
#[tokio::test(start_paused = true)]
async fn slow_frames_are_not_held_back() {
    let slow = (1..=20).flat_map(|second| [Until(Duration::from_secs(second)), Data(10)]);
    let (body, _) = Scripted::new(frames(100 * KIB, 50 * KIB).into_iter().chain(slow).chain([Trailers]));
    let start = tokio::time::Instant::now();
    let mut answer = AnswerBody::buffered(body, &budget(MIB, MIB), u64::MAX);
    let offset = read_pattern(&mut answer, 0, 100 * KIB, "first").await;
    assert_eq!(offset, 100 * KIB);
    for second in 1..=20 {
        assert_eq!(next(&mut answer).await.unwrap().unwrap().len(), 10);
        assert_eq!(start.elapsed(), Duration::from_secs(second));
    }
    assert!(next(&mut answer).await.is_none());
}

/// Many answers share a budget that is too small for all, and all come whole.
#[tokio::test]
async fn answers_share_the_budget() {
    let budget = budget(300 * KIB, 2 * MIB);
    let clients: Vec<_> = (0..50)
        .map(|number| {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move {
                let (body, _): (_, Seen) = Scripted::of_size(MIB, 5000 + number);
                let mut answer = AnswerBody::buffered(body, &budget, u64::MAX);
                let mut random = Random::new(number as u64);
                let mut offset = 0;
                while offset < MIB {
                    offset = read_pattern(&mut answer, offset, offset + 1, "shared").await;
                    if random.below(4) == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                assert!(next(&mut answer).await.is_none());
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    until_free(&budget).await;
}
