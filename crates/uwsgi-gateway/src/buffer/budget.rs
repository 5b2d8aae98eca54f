//! How many bytes all bodies together may hold, in memory and in temporary files.

use core::sync::atomic::{AtomicU64, Ordering};
use std::path::{Path, PathBuf};

use alloc::sync::Arc;

/// The memory and the disk that all bodies of a gateway share. All its threads have the same budget.
#[derive(Debug)]
pub(crate) struct Budget {
    memory: Pool,
    temp: Pool,
    temp_dir: PathBuf,
}

impl Budget {
    /// Makes a budget of so many bytes in memory, and so many in temporary files in a directory.
    pub(crate) fn new(memory: u64, temp: u64, temp_dir: PathBuf) -> Arc<Self> {
        Arc::new(Self { memory: Pool::new(memory), temp: Pool::new(temp), temp_dir })
    }

    /// Takes bytes of the memory; `None` if fewer are left.
    pub(crate) fn take_memory(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        Share::take(self, |budget| &budget.memory, bytes)
    }

    /// Takes bytes of the temporary files; `None` if fewer are left.
    pub(crate) fn take_temp(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        Share::take(self, |budget| &budget.temp, bytes)
    }

    pub(crate) fn temp_dir(&self) -> &Path {
        &self.temp_dir
    }

    /// Returns how many bytes are taken, of the memory and of the temporary files.
    #[cfg(test)]
    pub(crate) fn used(&self) -> (u64, u64) {
        (self.memory.used.load(Ordering::Relaxed), self.temp.used.load(Ordering::Relaxed))
    }
}

/// A number of bytes, and how many of them are taken.
#[derive(Debug)]
struct Pool {
    limit: u64,
    /// Nothing else depends on this number, so no order of memory accesses is needed.
    used: AtomicU64,
}

impl Pool {
    const fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    fn take(&self, bytes: u64) -> bool {
        let taken = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes of a budget. They are given back when the share is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    pool: fn(&Budget) -> &Pool,
    bytes: u64,
}

impl Share {
    fn take(budget: &Arc<Budget>, pool: fn(&Budget) -> &Pool, bytes: usize) -> Option<Self> {
        let bytes = u64::try_from(bytes).ok()?;
        pool(budget).take(bytes).then(|| Self { budget: Arc::clone(budget), pool, bytes })
    }

    /// Adds the bytes of another share of the same pool.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.bytes = self.bytes.saturating_add(core::mem::take(&mut other.bytes));
    }

    /// Gives back a part of the bytes.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        (self.pool)(&self.budget).give_back(bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        (self.pool)(&self.budget).give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_exact_and_shares_come_back() {
        let budget = Budget::new(10, 0, PathBuf::new());
        let first = budget.take_memory(9).unwrap();
        assert!(budget.take_memory(2).is_none());
        assert!(budget.take_memory(usize::MAX).is_none());
        let mut second = budget.take_memory(1).unwrap();
        assert!(budget.take_memory(1).is_none());
        assert!(budget.take_memory(0).is_some());
        assert!(budget.take_temp(1).is_none());
        assert_eq!(budget.used(), (10, 0));
        second.add(first);
        second.give_back(4);
        assert_eq!(budget.used(), (6, 0));
        second.give_back(u64::MAX);
        assert_eq!(budget.used(), (0, 0));
        second.add(budget.take_memory(10).unwrap());
        drop(second);
        assert_eq!(budget.used(), (0, 0));
    }
}
