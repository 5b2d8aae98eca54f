//! The result for people.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use super::document::Document;
use super::latency::Latencies;
use super::plan::{self, End, Plan};
use super::tally::Tally;
use super::worker::Done;
use super::{Args, real};
use crate::output::Failure;

/// What came out of a run.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) args: &'a Args,
    pub(super) plan: &'a Plan,
    pub(super) tally: Tally,
    pub(super) latencies: Latencies,
    pub(super) cut: Cut,
    /// What the rate is counted over.
    pub(super) measured: Duration,
    /// Answers in that time.
    in_time: u64,
    /// Seconds of processor that this process took.
    pub(super) cpu: Option<f64>,
}

/// Why a run ended before its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) interrupted: bool,
    /// Nobody listens there.
    pub(super) nobody: bool,
}

/// The percentiles that are told: for people, and in JSON.
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
    /// Puts the threads' counts together. `unsent` is how long those waited that were due and never started.
    pub(super) fn new(
        args: &'a Args,
        plan: &'a Plan,
        done: Vec<Done>,
        unsent: impl Iterator<Item = Duration>,
        begin: Instant,
        cut: Cut,
    ) -> Result<Self, Failure> {
        let measured = match plan.end {
            End::After(duration) if !cut.interrupted && !cut.nobody => duration,
            End::After(duration) => begin.elapsed().min(duration),
            End::Requests(_) => {
                let last = done.iter().map(|done| done.last).max().unwrap_or(begin);
                last.saturating_duration_since(begin)
            }
        };
        let cannot = |error| Failure::Refused(format!("cannot count: {error}"));
        let mut tally = Tally::new().map_err(cannot)?;
        let mut in_time: u64 = 0;
        for done in done {
            in_time = in_time.saturating_add(done.in_time);
            tally.add(done.tally);
        }
        unsent.for_each(|waited| tally.never_sent(waited));
        let latencies = Latencies::new(&tally).map_err(cannot)?;
        Ok(Self { args, plan, tally, latencies, cut, measured, in_time, cpu: cpu() })
    }

    pub(super) fn answered(&self) -> u64 {
        self.tally.answered()
    }

    /// Answers per second.
    pub(super) fn rate(&self) -> f64 {
        real(self.in_time) / self.measured.as_secs_f64().max(1e-9)
    }

    /// Microseconds of processor for each request that ended.
    pub(super) fn cpu_per_request(&self) -> Option<f64> {
        let ended = self.tally.answered().saturating_add(self.tally.failed());
        self.cpu.filter(|_| ended > 0).map(|cpu| cpu * 1e6 / real(ended))
    }

    /// The document of `--json`, with the end of its last line.
    pub(super) fn to_json(&self) -> Result<String, Failure> {
        let document = serde_json::to_string_pretty(&Document::new(self));
        document.map(|text| text + "\n").map_err(|error| Failure::Refused(format!("cannot write JSON: {error}")))
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, tally) = (self.plan, &self.tally);
        writeln!(f, "{} {} to {}", plan.method, plan::source(self.args), self.args.to)?;
        let carry = if plan.keepalive { "kept" } else { "one request each" };
        let (connections, threads, seconds) = (plan.connections, plan.threads, self.measured.as_secs_f64());
        let ended = match self.cut {
            Cut { interrupted: true, .. } => ", interrupted",
            Cut { nobody: true, .. } => ", given up",
            _ => "",
        };
        writeln!(f, "connections {connections}, {carry}; threads {threads}; {seconds:.2} s{ended}\n")?;
        let aimed = plan.rate.map_or(String::new(), |aimed| format!(" of {aimed} aimed at"));
        writeln!(f, "rate      {:.1} per second{aimed}", self.rate())?;
        writeln!(f, "answered  {}", tally.answered())?;
        for (status, count) in &tally.statuses {
            writeln!(f, "          {count} with status {status}")?;
        }
        writeln!(f, "failed    {}", tally.failed())?;
        for (kind, seen) in &tally.errors {
            let detail = if seen.detail.is_empty() { String::new() } else { format!(": {}", seen.detail) };
            writeln!(f, "          {} {}{detail}", seen.count, kind.explanation())?;
        }
        if tally.unsent > 0 {
            writeln!(f, "unsent    {} were due while every connection was busy, and never started", tally.unsent)?;
        }
        if tally.unfinished > 0 {
            writeln!(f, "waiting   {} for their answer when all was stopped", tally.unfinished)?;
        }
        writeln!(f, "received  {:.1} MiB", real(tally.received) / 1_048_576.0)?;
        if let Some((cpu, each)) = self.cpu.zip(self.cpu_per_request()) {
            writeln!(f, "cpu       {cpu:.2} s of this program, {each:.1} us a request")?;
        }
        if tally.answered() > 0 {
            let from = if plan.rate.is_some() { "from when a request was due" } else { "from a request's start" };
            let (of, all) = (self.latencies.len(), tally.all());
            writeln!(f, "\nlatency in ms, {from} to its answer's last byte, of {of} of {all} requests")?;
            if !tally.waits.is_empty() {
                writeln!(f, "{} without an answer count as long as they waited: >= may be more", tally.waits.len())?;
            }
            for (quantile, name, _) in QUANTILES {
                let mark = if self.latencies.is_more(quantile) { ">=" } else { "" };
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
