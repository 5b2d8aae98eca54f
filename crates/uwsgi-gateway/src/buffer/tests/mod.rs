//! Tests of the buffer, and what the tests of the bodies need too.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "an overflow fails the test")]

mod ends;
mod order;

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::sync::{OnceLock, mpsc};

use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::buffer::{Budget, BufferReader, BufferWriter, ReadError};

pub(crate) const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;
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
    static BYTES: OnceLock<Bytes> = OnceLock::new();
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
