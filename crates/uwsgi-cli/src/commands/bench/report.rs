//! The report of a run, and its text for people.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use super::args::Args;
use super::float::float;
use super::latency::Latencies;
use super::plan::{self, End, Plan};
use super::tally::Tally;
use super::worker::WorkerResult;
use crate::exit::Failure;

/// The result of a run.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) args: &'a Args,
    pub(super) plan: &'a Plan,
    pub(super) tally: Tally,
    pub(super) latencies: Latencies,
    pub(super) early_end: EarlyEnd,
    /// The time over which the rate is counted.
    pub(super) measured: Duration,
    /// The number of answers in that time.
    answers_in_time: u64,
    /// The processor time of this process in seconds.
    pub(super) cpu: Option<f64>,
}

/// Why a run ended before the end of its plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct EarlyEnd {
    /// A signal ended the run.
    pub(super) interrupted: bool,
    /// Nothing listens at the address.
    pub(super) unreachable: bool,
}

/// The reported percentiles: the quantile, its name for people, and its name in JSON.
pub(super) const QUANTILES: [(f64, &str, &str); 7] = [
    (0.5, "50 %", "p50"),
    (0.75, "75 %", "p75"),
    (0.9, "90 %", "p90"),
    (0.99, "99 %", "p99"),
    (0.999, "99.9 %", "p99_9"),
    (0.9999, "99.99 %", "p99_99"),
    (1.0, "most", "max"),
];

impl<'a> Report<'a> {
    /// Adds up the results of the threads. `unsent` has a wait for each request that was due and never started.
    pub(super) fn new(
        args: &'a Args,
        plan: &'a Plan,
        results: Vec<WorkerResult>,
        unsent: impl Iterator<Item = Duration>,
        begin: Instant,
        early_end: EarlyEnd,
    ) -> Result<Self, Failure> {
        let measured = match plan.end {
            End::After(duration) if !early_end.interrupted && !early_end.unreachable => duration,
            End::After(duration) => begin.elapsed().min(duration),
            End::Requests(_) => {
                let last = results.iter().map(|result| result.last).max().unwrap_or(begin);
                last.saturating_duration_since(begin)
            }
        };
        let failed = |error| Failure::Failed(format!("cannot count latencies: {error}"));
        let mut tally = Tally::new().map_err(failed)?;
        let mut answers_in_time: u64 = 0;
        for result in results {
            answers_in_time = answers_in_time.saturating_add(result.answers_in_time);
            tally.add(result.tally);
        }
        unsent.for_each(|wait| tally.unsent(wait));
        let latencies = Latencies::new(&tally).map_err(failed)?;
        Ok(Self { args, plan, tally, latencies, early_end, measured, answers_in_time, cpu: cpu() })
    }

    pub(super) fn answered(&self) -> u64 {
        self.tally.answered()
    }

    /// Returns the number of answers per second.
    pub(super) fn rate(&self) -> f64 {
        float(self.answers_in_time) / self.measured.as_secs_f64().max(1e-9)
    }

    /// Returns the processor time for each ended request in microseconds.
    pub(super) fn cpu_per_request(&self) -> Option<f64> {
        let ended = self.tally.answered().saturating_add(self.tally.failed());
        self.cpu.filter(|_| ended > 0).map(|cpu| cpu * 1e6 / float(ended))
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, tally) = (self.plan, &self.tally);
        writeln!(f, "{} {} to {}", plan.method, plan::source(self.args), self.args.to)?;
        let reuse = if plan.keepalive { "kept" } else { "one request each" };
        let (connections, threads, seconds) = (plan.connections, plan.threads, self.measured.as_secs_f64());
        let ended = match self.early_end {
            EarlyEnd { interrupted: true, .. } => ", interrupted",
            EarlyEnd { unreachable: true, .. } => ", ended early",
            _ => "",
        };
        writeln!(f, "connections {connections}, {reuse}; threads {threads}; {seconds:.2} s{ended}\n")?;
        let aimed = plan.rate.map_or(String::new(), |aimed| format!(" of {aimed} aimed at"));
        writeln!(f, "rate      {:.1} per second{aimed}", self.rate())?;
        writeln!(f, "answered  {}", tally.answered())?;
        for (status, count) in &tally.statuses {
            writeln!(f, "          {count} with status {status}")?;
        }
        writeln!(f, "failed    {}", tally.failed())?;
        for (kind, errors) in &tally.errors {
            let detail = if errors.first.is_empty() { String::new() } else { format!(": {}", errors.first) };
            writeln!(f, "          {} {}{detail}", errors.count, kind.explanation())?;
        }
        if tally.unsent > 0 {
            writeln!(f, "unsent    {} were due while every connection was busy, and were never started", tally.unsent)?;
        }
        if tally.unfinished > 0 {
            writeln!(f, "waiting   {} had no answer yet when the run ended", tally.unfinished)?;
        }
        writeln!(f, "received  {:.1} MiB", float(tally.received) / 1_048_576.0)?;
        if let Some((cpu, each)) = self.cpu.zip(self.cpu_per_request()) {
            writeln!(f, "cpu       {cpu:.2} s of this program, {each:.1} us per request")?;
        }
        if tally.answered() > 0 {
            let from = if plan.rate.is_some() {
                "from the time when a request was due"
            } else {
                "from the start of a request"
            };
            let (of, all) = (self.latencies.len(), tally.all());
            writeln!(f, "\nlatency in ms, {from} to the last byte of its answer, of {of} of {all} requests")?;
            if !tally.waits.is_empty() {
                writeln!(
                    f,
                    "{} had no answer and count with the time that they waited: >= marks a lower bound",
                    tally.waits.len()
                )?;
            }
            for (quantile, name, _) in QUANTILES {
                let mark = if self.latencies.is_lower_bound(quantile) { ">=" } else { "" };
                writeln!(f, "  {name:>7} {mark:>2} {:>9.3}", self.latencies.at(quantile) / 1e3)?;
            }
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn cpu() -> Option<f64> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).ok().map(|used| used.as_secs_f64())
}

#[cfg(not(target_os = "linux"))]
fn cpu() -> Option<f64> {
    None
}
