//! `uwsgictl bench`: loads a server, and measures its answers.

mod args;
mod connection;
mod descriptors;
mod document;
mod error;
mod float;
mod latency;
mod plan;
mod progress;
mod report;
mod schedule;
mod tally;
mod target;
mod timer;
mod worker;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

pub(crate) use self::args::Args;
use self::document::Document;
use self::plan::Plan;
use self::progress::Progress;
use self::report::{EarlyEnd, Report};
use self::schedule::Schedule;
use self::worker::{Shared, Worker, WorkerResult};
use crate::exit::{Failure, Status};
use crate::{files, json, messages};

/// Runs the load, and prints the report.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let plan = Plan::new(args)?;
    descriptors::make_room(plan.connections, plan.threads)?;
    let shared = Shared::default();
    stop_on_signal(&shared.stop).map_err(|error| Failure::Failed(format!("cannot wait for Ctrl-C: {error}")))?;

    let begin = Instant::now();
    let results = load(&plan, &shared, begin).map_err(|error| Failure::Failed(format!("cannot go on: {error}")))?;
    let interrupted = shared.stop.load(Ordering::Relaxed);
    let unreachable = shared.unreachable.load(Ordering::Relaxed);
    let schedule = Schedule::new(&plan, begin, &shared.taken);
    let early_end = EarlyEnd { interrupted, unreachable };
    let report = Report::new(args, &plan, results, schedule.missed(Instant::now()), begin, early_end)?;
    let written = if args.json {
        json::write(&mut io::stdout().lock(), &Document::new(&report)).map_err(Failure::from)
    } else {
        files::write_text(None, report.to_string().as_bytes())
    };
    if report.answered() == 0 {
        let gave_up = if unreachable { ", and the run ended early: is the server running?" } else { "" };
        messages::error(&format!("{}: no request was answered{gave_up}", args.to));
        return Status::Failed.after_writing(written);
    }
    Status::Success.after_writing(written)
}

/// Starts all threads, and waits until all have ended.
fn load(plan: &Plan, shared: &Shared, begin: Instant) -> io::Result<Vec<WorkerResult>> {
    let workers = shares(plan.connections, plan.threads)
        .map(|connections| {
            let schedule = Schedule::new(plan, begin, &shared.taken);
            Worker::new(plan, shared, schedule, connections, begin)
        })
        .collect::<io::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let (running, ended) = mpsc::channel::<()>();
        let threads: Vec<_> = workers
            .into_iter()
            .map(|worker| {
                let running = running.clone();
                scope.spawn(move || {
                    let result = worker.run(begin);
                    // If one thread fails, all threads stop.
                    if result.is_err() {
                        shared.stop.store(true, Ordering::Relaxed);
                    }
                    drop(running);
                    result
                })
            })
            .collect();
        drop(running);
        let progress = Progress::new(plan.end);
        while ended.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
            let elapsed = begin.elapsed();
            progress.show(elapsed, shared);
            if elapsed >= CONNECT_PATIENCE && shared.has_no_listener() {
                shared.unreachable.store(true, Ordering::Relaxed);
            }
        }
        progress.clear();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the generator failed"))))
            .collect()
    })
}

/// How long the server may take until it listens. A run ends if no server listens by then.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// Returns the number of connections of each thread.
fn shares(connections: usize, threads: usize) -> impl Iterator<Item = usize> {
    let (each, over) = (connections.checked_div(threads), connections.checked_rem(threads));
    (0..threads).map(move |thread| {
        each.unwrap_or(connections).saturating_add(usize::from(over.is_some_and(|over| thread < over)))
    })
}

/// Makes the first signal set the flag, and the second signal end the process.
fn stop_on_signal(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128_i32.saturating_add(signal), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_share_all_connections() {
        for (connections, threads, expected) in [(1, 1, &[1][..]), (5, 2, &[3, 2]), (16, 4, &[4; 4])] {
            assert_eq!(shares(connections, threads).collect::<Vec<_>>(), expected);
        }
    }
}
