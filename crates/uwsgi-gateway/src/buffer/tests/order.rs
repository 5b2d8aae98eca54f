//! The order of the bytes, and where they are.

use core::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::{KIB, LONG, MIB, Random, budget, pattern, read, read_pattern, until_free, write_all};
use crate::buffer::{BufferWriter, UNCOUNTED, buffer};

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
