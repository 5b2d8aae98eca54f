//! `uwsgictl bench`: load for a server, and how it takes it.

mod connection;
mod descriptors;
mod document;
mod error;
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
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use self::plan::Plan;
use self::progress::Progress;
use self::report::{Cut, Report};
use self::schedule::Schedule;
use self::worker::{Done, Shared, Worker};
use crate::output::{self, Failure, Status};
use crate::quantity;

/// Load a server, and measure how fast it answers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One connection carries one request, as nginx does it; with --keepalive it carries the next one too where the server lets it. \
Without --rate each connection starts its next request when the one before is answered, so that a slow server gets fewer of \
them. With --rate requests are due at fixed times, and the latency counts from there: while a server stalls, the requests \
that have to wait count as slow, and are not left out. Those that were due before the end of -d and found no free connection \
are started behind it, for as long as --timeout; the rate is that of the answers before the end.

The answer is read to its end as a front end would read it. Any status is an answer; what is none is an error, counted by its \
kind. So is a request whose kept connection the server had closed: it is asked again on a new connection, and counts as repeated \
and not as answered. Latencies are those of the answers, and of what waited for one in vain: what timed out, what was due and never started, \
what had no answer yet at Ctrl-C. These count as long as they waited, and where that makes a percentile too small it is marked \
with >=, in JSON in at_least. What failed at once has no latency. Beside the latencies stands of how many requests they are.

Nothing but ADDR is contacted. The run ends by itself, after a second where nobody listens; Ctrl-C ends it at once and prints \
what was measured until then. The exit status is 2 when no request was answered.

Examples:
  uwsgictl bench --to 127.0.0.1:3031
  uwsgictl bench --to unix:/run/app.sock -c 64 -d 30 http://example.com/search?q=x -H 'Accept: application/json'
  uwsgictl bench --to /run/app.sock --rate 2000 --json | jq .latency_us.p99
  uwsgictl bench --to @app -n 10000 -X PUT --body @upload.bin http://example.com/file
  uwsgictl bench --to /run/app.sock --packet captured.bin")]
pub(crate) struct Args {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long, value_name = "ADDR")]
    to: String,

    /// The URL, or a path on this machine: the request is what `uwsgictl encode` makes of it
    #[arg(value_name = "URL", default_value = "http://localhost/")]
    url: OsString,

    /// How many connections there are at once
    #[arg(short, long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,

    /// How long requests are started [default: 10]
    #[arg(short, long, value_name = "SECS", value_parser = quantity::seconds, conflicts_with = "requests")]
    duration: Option<Duration>,

    /// How many requests are made
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// Start so many requests a second, whether or not others are answered
    #[arg(long, value_name = "PER SECOND", value_parser = rate)]
    rate: Option<f64>,

    /// Use a connection again where the server allows it
    #[arg(long)]
    keepalive: bool,

    /// How long an answer may take, from the connection to its last byte
    #[arg(long, value_name = "SECS", value_parser = quantity::seconds, default_value = "10")]
    timeout: Duration,

    /// Threads that share the connections [default: one for each core; with --rate no more than one for each 5000 a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<OsString>,

    /// A header of the request; 'Name;' sends it empty, 'Name:' leaves out one that is sent by default
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<OsString>,

    /// The body; @FILE reads a file, @- standard input
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    body: Option<OsString>,

    /// Send this file in place of what the URL makes: a packet and its body, as `uwsgictl encode` writes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "request", "header", "body"])]
    packet: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let plan = Plan::new(args)?;
    descriptors::make_room(plan.connections, plan.threads)?;
    let shared = Shared::default();
    stop_on_signal(&shared.stop).map_err(|error| Failure::Refused(format!("cannot wait for Ctrl-C: {error}")))?;

    let begin = Instant::now();
    let done = load(&plan, &shared, begin).map_err(|error| Failure::Refused(format!("cannot go on: {error}")))?;
    let interrupted = shared.stop.load(Ordering::Relaxed);
    let nobody = shared.nobody.load(Ordering::Relaxed);
    let schedule = Schedule::new(&plan, begin, &shared.taken);
    let cut = Cut { interrupted, nobody };
    let report = Report::new(args, &plan, done, schedule.missed(Instant::now()), begin, cut)?;
    let text = if args.json { report.to_json()? } else { report.to_string() };
    output::write(None, text.as_bytes(), true)?;
    if report.answered() == 0 {
        let gave_up = if nobody { ", and the run was given up: is the server running?" } else { "" };
        output::complain(&format!("{}: no request was answered{gave_up}", args.to));
        return Ok(Status::Failed);
    }
    Ok(Status::Done)
}

/// Runs all threads, and waits for them.
fn load(plan: &Plan, shared: &Shared, begin: Instant) -> io::Result<Vec<Done>> {
    let workers = shares(plan.connections, plan.threads)
        .map(|connections| {
            let schedule = Schedule::new(plan, begin, &shared.taken);
            Worker::new(plan, shared, schedule, connections, begin)
        })
        .collect::<io::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let (running, all_over) = mpsc::channel::<()>();
        let threads: Vec<_> = workers
            .into_iter()
            .map(|worker| {
                let running = running.clone();
                scope.spawn(move || {
                    let done = worker.run(begin);
                    // One that cannot go on ends the others.
                    if done.is_err() {
                        shared.stop.store(true, Ordering::Relaxed);
                    }
                    drop(running);
                    done
                })
            })
            .collect();
        drop(running);
        let progress = Progress::new(plan.end);
        while all_over.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
            let elapsed = begin.elapsed();
            progress.show(elapsed, shared);
            if elapsed >= PATIENCE && shared.is_at_nobody() {
                shared.nobody.store(true, Ordering::Relaxed);
            }
        }
        progress.clear();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the generator failed"))))
            .collect()
    })
}

/// For so long nobody need listen yet where requests are sent.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many connections each thread has.
fn shares(connections: usize, threads: usize) -> impl Iterator<Item = usize> {
    let (each, over) = (connections.checked_div(threads), connections.checked_rem(threads));
    (0..threads).map(move |thread| {
        each.unwrap_or(connections).saturating_add(usize::from(over.is_some_and(|over| thread < over)))
    })
}

/// The first signal asks for the end, the second one ends the process.
fn stop_on_signal(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128_i32.saturating_add(signal), Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("not a number from 0.001 to 10000000".to_owned()),
    }
}

/// A count for a quotient; beyond 2^53 it is rounded.
#[expect(clippy::as_conversions, reason = "no other conversion takes a u64")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_belongs_to_a_thread() {
        for (connections, threads, expected) in [(1, 1, &[1][..]), (5, 2, &[3, 2]), (16, 4, &[4; 4])] {
            assert_eq!(shares(connections, threads).collect::<Vec<_>>(), expected);
        }
    }
}
