//! Full buffers, disks that fail, and every kind of end.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::io;
use std::path::PathBuf;

use alloc::string::ToString;
use tokio::time::timeout;

use super::{
    KIB, LONG, MIB, begin_write, budget, is_pending, pattern, read, read_pattern, until_free, with_one_file_task,
    write_all,
};
use crate::buffer::{Budget, ReadError, UNCOUNTED, WriteError, buffer};

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
