//! Tests of the buffer and of its file.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "an overflow fails the test")]

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::buffer::{Budget, BufferReader, BufferWriter, ReadError, UNCOUNTED, WriteError, buffer};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// More than any test waits for.
const LONG: Duration = Duration::from_secs(30);

/// A generator of numbers (xorshift64, Marsaglia 2003). The same seed gives the same numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Returns the bytes of a long body from an offset on. The body repeats only after a prime number of bytes, so that no two
/// pieces, blocks or batches of it are the same.
pub(crate) fn pattern(offset: usize, len: usize) -> Bytes {
    const PERIOD: usize = 65_537;
    static BYTES: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut random = Random::new(7);
        let period: Vec<u8> = (0..PERIOD).map(|_| random.below(256) as u8).collect();
        period.iter().copied().cycle().take(PERIOD + MIB).collect()
    });
    let start = offset % PERIOD;
    bytes.slice(start..start + len)
}

/// Makes a budget whose files are in the directory for temporary files.
pub(crate) fn budget(memory: usize, temp: usize) -> Arc<Budget> {
    Budget::new(memory as u64, temp as u64, std::env::temp_dir())
}

/// Waits until nothing is taken from a budget. Files are closed in other threads.
pub(crate) async fn until_free(budget: &Budget) {
    let free = async {
        while budget.used() != (0, 0) {
            // The end of a thread's work is no event of the runtime.
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, free).await.unwrap_or_else(|_| panic!("never given back: {:?}", budget.used()));
}

/// Runs a test in a runtime in which one task at a time may use a file.
fn with_one_file_task<F: Future<Output = ()>>(test: impl FnOnce(Files) -> F) {
    let runtime = Builder::new_current_thread().enable_time().max_blocking_threads(1).build().unwrap();
    runtime.block_on(test(Files));
}

/// The task that may use a file.
struct Files;

impl Files {
    /// Lets no other task use a file until the result is dropped.
    fn hold(&self) -> mpsc::Sender<()> {
        let (sender, receiver) = mpsc::channel();
        tokio::task::spawn_blocking(move || receiver.recv());
        sender
    }
}

/// Polls a future once.
pub(crate) async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// Writes more than fits into memory, and drops the write while it writes to the file.
async fn begin_write(writer: &mut BufferWriter, bytes: &mut Bytes) {
    let mut write = pin!(writer.write(bytes));
    // First the reader has its turn.
    assert!(is_pending(write.as_mut()).await);
    assert!(is_pending(write.as_mut()).await);
}

async fn write_all(writer: &mut BufferWriter, mut bytes: Bytes) {
    while writer.write(&mut bytes).await.is_err() {
        writer.wait_for_reader().await;
    }
}

async fn read(reader: &mut BufferReader) -> Option<Result<Bytes, ReadError>> {
    timeout(LONG, poll_fn(|cx| reader.poll_read(cx))).await.expect("no bytes come")
}

/// Reads to the end, and compares every byte.
async fn read_pattern(reader: &mut BufferReader, mut offset: usize) -> usize {
    while let Some(bytes) = read(reader).await {
        let bytes = bytes.unwrap();
        assert!(!bytes.is_empty());
        assert!(bytes == pattern(offset, bytes.len()), "other bytes at {offset}");
        offset += bytes.len();
    }
    offset
}

/// Every size, at every pace, with every budget: the bytes that come out are those that went in.
#[test]
fn bytes_come_out_as_they_went_in() {
    let sizes = [0, 1, UNCOUNTED, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 50 * MIB];
    // Name, memory, temporary files, limit.
    let budgets = [
        ("plenty", 64 * MIB, 1 << 30, usize::MAX),
        ("no memory", 0, 1 << 30, usize::MAX),
        ("no files", 64 * MIB, 0, usize::MAX),
        ("nothing", 0, 0, usize::MAX),
        ("a small file", 48 * KIB, 200 * KIB, usize::MAX),
        ("a low limit", 64 * MIB, 1 << 30, 100 * KIB),
        ("a limit of nothing", 64 * MIB, 1 << 30, 0),
    ];
    // How often the writer and the reader pause: once in so many steps.
    let paces = [("like paces", 8, 8), ("slow reader", 1000, 2), ("slow writer", 2, 1000)];
    for (number, (name, memory, temp, limit)) in budgets.into_iter().enumerate() {
        for (pace, writer_pauses, reader_pauses) in paces {
            for size in sizes {
                // The largest body passes the smallest buffers in small steps, which takes long.
                if size > MIB && (memory == 0 || limit == 0) && pace != "slow reader" {
                    continue;
                }
                let runtime = match number % 2 {
                    0 => Builder::new_current_thread().enable_time().build(),
                    _ => Builder::new_multi_thread().worker_threads(2).enable_time().build(),
                };
                runtime.unwrap().block_on(async {
                    let budget = budget(memory, temp);
                    let seed = (size + writer_pauses + 10 * number) as u64;
                    let (writer, mut reader) = buffer(&budget, limit as u64);
                    let writing = tokio::spawn(write_pattern(writer, size, Random::new(seed), writer_pauses));
                    let mut random = Random::new(seed + 1);
                    let mut offset = 0;
                    while let Some(bytes) = read(&mut reader).await {
                        let bytes = bytes.unwrap();
                        assert!(
                            bytes == pattern(offset, bytes.len()),
                            "{name}, {pace}, {size}: other bytes at {offset}"
                        );
                        offset += bytes.len();
                        pause(&mut random, reader_pauses).await;
                    }
                    assert_eq!(offset, size, "{name}, {pace}");
                    assert!(reader.is_finished());
                    writing.await.unwrap();
                    until_free(&budget).await;
                });
            }
        }
    }
}

async fn write_pattern(mut writer: BufferWriter, size: usize, mut random: Random, pauses: usize) {
    let mut offset = 0;
    while offset < size {
        // Mostly small pieces, and some that are larger than the memory of a buffer.
        let most = [100, 5000, 20_000, 200_000][random.below(4)];
        let len = (1 + random.below(most)).min(size - offset);
        timeout(LONG, write_all(&mut writer, pattern(offset, len))).await.expect("the writer hangs");
        offset += len;
        pause(&mut random, pauses).await;
    }
    writer.finish();
}

/// Pauses once in so many steps. The pauses are so short that they only change who goes first.
async fn pause(random: &mut Random, one_in: usize) {
    if random.below(one_in) == 0 {
        match random.below(10) {
            0 => sleep(Duration::from_micros(50)).await,
            _ => yield_now().await,
        }
    }
}

/// A body of which nothing is read: how much is in memory, and how much in the file.
#[tokio::test]
async fn the_memory_is_used_first() {
    // Name, memory of the budget, bytes written, expected use of the memory and of the file.
    let rows = [
        ("a small body is not counted", MIB, UNCOUNTED, 0, 0),
        ("the first byte that is counted", MIB, UNCOUNTED + 1, 16 * KIB, 0),
        ("as many as fit into memory", MIB, 64 * KIB, 64 * KIB, 0),
        ("one byte more", MIB, 64 * KIB + 1, 0, 64 * KIB),
        ("a second batch", MIB, 128 * KIB, 64 * KIB, 64 * KIB),
        ("memory for one piece", 20 * KIB, 64 * KIB, 16 * KIB, 48 * KIB),
        ("no memory", 0, 20 * KIB, 0, 16 * KIB),
    ];
    for (name, memory, size, in_memory, in_file) in rows {
        let budget = budget(memory, MIB);
        let (mut writer, reader) = buffer(&budget, u64::MAX);
        writer.write(&mut pattern(0, size)).await.unwrap();
        assert_eq!(budget.used(), (in_memory as u64, in_file as u64), "{name}");
        assert_eq!(reader.len(), size as u64, "{name}");
        drop((writer, reader));
        until_free(&budget).await;
    }
}

/// Once the reader has read the file, the disk is free, and the next bytes stay in memory.
#[tokio::test]
async fn the_writer_returns_to_memory() {
    let budget = budget(MIB, MIB);
    let (mut writer, mut reader) = buffer(&budget, u64::MAX);
    let mut offset = 0;
    let mut written = 0;
    for round in 0..20 {
        writer.write(&mut pattern(written, 300 * KIB)).await.unwrap();
        written += 300 * KIB;
        assert!(budget.used().1 >= 200 * KIB as u64, "round {round}: {:?}", budget.used());
        while offset < written {
            let bytes = read(&mut reader).await.unwrap().unwrap();
            assert!(bytes == pattern(offset, bytes.len()), "other bytes at {offset}");
            offset += bytes.len();
        }
        until_free(&budget).await;
        writer.write(&mut pattern(written, 60 * KIB)).await.unwrap();
        written += 60 * KIB;
        assert_eq!(budget.used(), (64 * KIB as u64, 0), "round {round}");
    }
    writer.finish();
    assert_eq!(read_pattern(&mut reader, offset).await, written);
}

/// A reader that never catches up: what it has read does not stay on the disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_disk_is_given_back_while_the_file_is_read() {
    let budget = budget(MIB, 8 * MIB);
    let (mut writer, mut reader) = buffer(&budget, u64::MAX);
    let (mut offset, mut written) = (0, 0);
    while written < 100 * MIB {
        writer.write(&mut pattern(written, MIB)).await.unwrap();
        written += MIB;
        while written - offset > 4 * MIB {
            let bytes = read(&mut reader).await.unwrap().unwrap();
            assert!(bytes == pattern(offset, bytes.len()), "other bytes at {offset}");
            offset += bytes.len();
        }
    }
    writer.finish();
    assert_eq!(read_pattern(&mut reader, offset).await, written);
    until_free(&budget).await;
}

/// Whatever ends a buffer, and wherever: nothing stays taken.
#[test]
fn every_end_gives_all_back() {
    for size in [0, 1, 64 * KIB, 64 * KIB + 1, 3 * MIB] {
        for reads in [0, 1, 30] {
            for end in ["finish", "fail", "drop the writer", "drop the reader", "drop in a write", "drop in a read"] {
                with_one_file_task(|files| async move {
                    let budget = budget(MIB, 16 * MIB);
                    let (mut writer, mut reader) = buffer(&budget, u64::MAX);
                    for offset in (0..size).step_by(MIB) {
                        writer.write(&mut pattern(offset, MIB.min(size - offset))).await.unwrap();
                    }
                    for _ in 0..reads {
                        if reader.len() > 0 {
                            read(&mut reader).await.unwrap().unwrap();
                        }
                    }
                    match end {
                        "finish" => writer.finish(),
                        "fail" => writer.fail("the backend broke off".into()),
                        "drop the writer" => drop(writer),
                        "drop the reader" => {
                            drop(reader);
                            writer.write(&mut pattern(0, MIB)).await.unwrap();
                            drop(writer);
                            return until_free(&budget).await;
                        }
                        "drop in a write" => {
                            let held = files.hold();
                            let mut bytes = pattern(0, 300 * KIB);
                            begin_write(&mut writer, &mut bytes).await;
                            drop((writer, reader));
                            assert!(budget.used().1 >= 64 * KIB as u64, "{size}: {:?}", budget.used());
                            drop(held);
                            return until_free(&budget).await;
                        }
                        _ => {
                            let held = files.hold();
                            let is_pending = poll_fn(|cx| Poll::Ready(reader.poll_read(cx).is_pending())).await;
                            assert!(size < MIB || is_pending, "{size}: there is no read from the file");
                            drop((writer, reader));
                            drop(held);
                            return until_free(&budget).await;
                        }
                    }
                    drop(reader);
                    until_free(&budget).await;
                });
            }
        }
    }
}

/// What is read from the file takes memory too. With no memory left, it is read in small parts.
#[test]
fn reads_of_the_file_are_counted() {
    // Memory, bytes of which 2 KiB stay in memory, what is counted in a read, and how many bytes it has.
    let rows = [(64 * KIB, 130 * KIB, 64 * KIB, 64 * KIB), (64 * KIB - 1, 114 * KIB, 0, UNCOUNTED)];
    for (memory, size, counted, len) in rows {
        with_one_file_task(|files| async move {
            let budget = budget(memory, MIB);
            let (mut writer, mut reader) = buffer(&budget, u64::MAX);
            writer.write(&mut pattern(0, size)).await.unwrap();
            let held = files.hold();
            assert!(poll_fn(|cx| Poll::Ready(reader.poll_read(cx).is_pending())).await);
            assert_eq!(budget.used().0, counted as u64);
            drop(held);
            assert_eq!(read(&mut reader).await.unwrap().unwrap().len(), len);
            assert_eq!(budget.used().0, 0);
        });
    }
}

/// The close of a large file takes long, so it is not done where connections are served.
#[test]
fn files_are_closed_elsewhere() {
    with_one_file_task(|files| async move {
        let budget = budget(MIB, MIB);
        let (mut writer, reader) = buffer(&budget, u64::MAX);
        writer.write(&mut pattern(0, 300 * KIB)).await.unwrap();
        let held = files.hold();
        drop((writer, reader));
        assert_eq!(budget.used(), (0, 256 * KIB as u64));
        drop(held);
        until_free(&budget).await;
    });
}

/// When the file may not grow, the writer keeps what does not fit, and goes on after a read.
#[tokio::test]
async fn a_full_budget_loses_nothing() {
    // Name, memory, temporary files, limit, bytes that fit.
    let rows = [
        ("no file", MIB, 0, usize::MAX, 64 * KIB),
        ("a small file", MIB, 100 * KIB, usize::MAX, 128 * KIB),
        ("a small file and no memory", 0, 10 * KIB, usize::MAX, 16 * KIB),
        ("neither", 0, 0, usize::MAX, UNCOUNTED),
        ("a limit", MIB, MIB, 100 * KIB, 100 * KIB),
        ("a limit under the memory", MIB, MIB, 20 * KIB, 20 * KIB),
        ("a limit of nothing", MIB, MIB, 0, UNCOUNTED),
    ];
    for (name, memory, temp, limit, fits) in rows {
        let budget = budget(memory, temp);
        let (mut writer, mut reader) = buffer(&budget, limit as u64);
        let mut bytes = pattern(0, 300 * KIB);
        let error = writer.write(&mut bytes).await.unwrap_err();
        assert!(matches!(error, WriteError::Full), "{name}: {error:?}");
        assert_eq!((reader.len(), bytes.len()), (fits as u64, 300 * KIB - fits), "{name}");
        assert!(is_pending(pin!(writer.wait_for_reader())).await, "{name}: nothing was read");
        let first = read(&mut reader).await.unwrap().unwrap();
        assert!(first == pattern(0, first.len()), "{name}");
        timeout(LONG, writer.wait_for_reader()).await.expect("the reader has read");
        let rest = tokio::spawn(async move {
            write_all(&mut writer, bytes).await;
            writer.finish();
        });
        assert_eq!(read_pattern(&mut reader, first.len()).await, 300 * KIB, "{name}");
        rest.await.unwrap();
        until_free(&budget).await;
    }
}

/// A directory in which no file can be made: the writer hears of it once, and what is in memory still comes.
#[tokio::test]
async fn a_disk_that_fails_loses_nothing() {
    let budget = Budget::new(MIB as u64, MIB as u64, PathBuf::from("/proc/1/no such directory"));
    let (mut writer, mut reader) = buffer(&budget, u64::MAX);
    let mut bytes = pattern(0, 200 * KIB);
    let error = writer.write(&mut bytes).await.unwrap_err();
    assert!(matches!(&error, WriteError::File(_)), "{error:?}");
    assert!(error.to_string().starts_with("the temporary file cannot be written: "), "{error}");
    let error = writer.write(&mut bytes).await.unwrap_err();
    assert!(matches!(error, WriteError::Full), "{error:?}");
    assert_eq!(budget.used(), (64 * KIB as u64, 0));
    let rest = tokio::spawn(async move {
        write_all(&mut writer, bytes).await;
        writer.finish();
    });
    assert_eq!(read_pattern(&mut reader, 0).await, 200 * KIB);
    rest.await.unwrap();
    until_free(&budget).await;
}

/// The writer's error comes after all bytes, in memory and in the file, and then the end.
#[tokio::test]
async fn an_error_comes_after_the_bytes() {
    for size in [0, 1, 64 * KIB, 200 * KIB] {
        let (mut writer, mut reader) = buffer(&budget(MIB, MIB), u64::MAX);
        writer.write(&mut pattern(0, size)).await.unwrap();
        writer.fail("the backend broke off".into());
        let mut offset = 0;
        let error = loop {
            assert!(!reader.is_finished(), "{size}: the error must not be missed");
            match read(&mut reader).await.expect("no end without an error") {
                Ok(bytes) => offset += bytes.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(offset, size);
        assert!(
            matches!(&error, ReadError::Writer(error) if error.to_string() == "the backend broke off"),
            "{error:?}"
        );
        assert!(read(&mut reader).await.is_none());
    }
}

/// A writer that is dropped before its end, in a write or not, makes the reader fail. A cut body is never taken for a whole one.
#[test]
fn a_dropped_writer_is_an_error() {
    for is_in_a_write in [false, true] {
        with_one_file_task(|files| async move {
            let (mut writer, mut reader) = buffer(&budget(MIB, MIB), u64::MAX);
            writer.write(&mut pattern(0, 10 * KIB)).await.unwrap();
            let held = files.hold();
            if is_in_a_write {
                begin_write(&mut writer, &mut pattern(10 * KIB, 100 * KIB)).await;
            }
            drop((writer, held));
            let error = loop {
                match read(&mut reader).await.expect("no end without an error") {
                    Ok(_) => assert!(!is_in_a_write, "the first bytes are lost"),
                    Err(error) => break error,
                }
            };
            let ReadError::Writer(error) = error else { panic!("{error:?}") };
            assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
        });
    }
}

/// A reader that is as fast as the writer has the bytes before they would go to a file.
#[tokio::test]
async fn a_fast_reader_needs_no_file() {
    let budget = budget(MIB, 0);
    let (mut writer, mut reader) = buffer(&budget, u64::MAX);
    let writing = tokio::spawn(async move {
        // The budget has no file, so a write that needs one is an error here.
        for offset in (0..10 * MIB).step_by(50 * KIB) {
            writer.write(&mut pattern(offset, 50 * KIB)).await.unwrap();
        }
        writer.finish();
    });
    assert_eq!(read_pattern(&mut reader, 0).await, 10_496_000);
    writing.await.unwrap();
}
