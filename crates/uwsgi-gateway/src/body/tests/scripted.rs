//! A body that does what a test says.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::buffer::tests::pattern;

/// What a body does next.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Gives the next bytes of the [`pattern`], as one frame.
    Data(usize),
    /// Gives trailers.
    Trailers,
    /// Waits until this time after the start of the body.
    Until(Duration),
    /// Breaks off.
    Fail,
    /// Gives nothing more, and does not end.
    Hang,
}

/// A body that takes its steps, and then ends.
#[derive(Debug)]
pub(super) struct Scripted {
    steps: VecDeque<Step>,
    start: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    seen: Seen,
}

/// What a test sees of a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    given: Arc<AtomicU64>,
    is_dropped: Arc<AtomicBool>,
}

impl Seen {
    /// Returns how many bytes the body has given.
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::SeqCst)
    }
}

impl Scripted {
    /// Makes a body that takes these steps. Call it in a runtime.
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> (Self, Seen) {
        let seen = Seen::default();
        let steps: VecDeque<Step> = steps.into_iter().collect();
        (Self { steps, start: Instant::now(), timer: None, length: None, seen: seen.clone() }, seen)
    }

    /// Makes a body of so many bytes, in frames of a size.
    pub(super) fn of_size(size: usize, frame: usize) -> (Self, Seen) {
        Self::new(frames(size, frame))
    }

    /// Sets the length that the body tells.
    pub(super) fn with_length(mut self, length: usize) -> Self {
        self.length = Some(length as u64);
        self
    }
}

/// Returns steps that give so many bytes.
pub(super) fn frames(size: usize, frame: usize) -> Vec<Step> {
    (0..size).step_by(frame).map(|start| Step::Data(frame.min(size - start))).collect()
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let Some(step) = self.steps.pop_front() else { return Poll::Ready(None) };
            match step {
                Step::Data(count) => {
                    let offset = self.seen.given.fetch_add(count as u64, Ordering::SeqCst);
                    self.length = self.length.map(|length| length - count as u64);
                    return Poll::Ready(Some(Ok(Frame::data(pattern(offset as usize, count)))));
                }
                Step::Trailers => return Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new())))),
                Step::Until(time) => self.timer = Some(Box::pin(sleep_until(self.start + time))),
                Step::Fail => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
                Step::Hang => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.seen.is_dropped.store(true, Ordering::SeqCst);
    }
}
