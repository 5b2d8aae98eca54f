//! A queue between threads, with a descriptor that wakes a thread.

use alloc::collections::VecDeque;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;
use std::sync::Mutex;

use crate::driver::wake::Wake;
use crate::lock::lock;

/// Values on their way from one thread to another.
pub(crate) struct Queue<T> {
    values: Mutex<VecDeque<T>>,
    /// The number of values. It is read without the lock.
    len: AtomicUsize,
    /// Counts the values, and is readable while there are some. It changes under the lock.
    pub(crate) wake: Wake,
}

impl<T> core::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Queue").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { values: Mutex::default(), len: AtomicUsize::new(0), wake: Wake::new()? })
    }

    pub(crate) fn push(&self, value: T) {
        let mut values = lock(&self.values);
        values.push_back(value);
        self.len.store(values.len(), Ordering::Release);
        self.wake.add();
    }

    pub(crate) fn pop(&self) -> Option<T> {
        if self.len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut values = lock(&self.values);
        let value = values.pop_front()?;
        self.len.store(values.len(), Ordering::Release);
        self.wake.take();
        Some(value)
    }
}
