//! The JSON of `--json`.

use alloc::collections::BTreeMap;

use serde::Serialize;

use super::plan;
use super::report::{QUANTILES, Report};

/// The report as a document.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    to: &'a str,
    request: Request<'a>,
    connections: usize,
    threads: usize,
    keepalive: bool,
    timeout_s: f64,
    interrupted: bool,
    seconds: f64,
    rate: Rate,
    requests: Requests,
    /// The number of answers by status.
    statuses: &'a BTreeMap<u16, u64>,
    /// The requests without an answer, by the kind of the error.
    errors: BTreeMap<&'static str, ErrorCount<'a>>,
    received_bytes: u64,
    /// `null` if there is no answer.
    latency_us: Option<Latency>,
    cpu: Cpu,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    from: String,
    method: &'a str,
    bytes: usize,
}

/// Answers per second.
#[derive(Debug, Serialize)]
struct Rate {
    aimed: Option<f64>,
    reached: f64,
}

#[derive(Debug, Serialize)]
struct Requests {
    /// The sum of the next four fields: all requests that were started or due.
    all: u64,
    answered: u64,
    failed: u64,
    unsent: u64,
    unfinished: u64,
}

#[derive(Debug, Serialize)]
struct ErrorCount<'a> {
    count: u64,
    first: &'a str,
}

#[derive(Debug, Serialize)]
struct Latency {
    /// The number of requests with a latency: those with an answer, and those that waited in vain.
    of: u64,
    min: f64,
    mean: f64,
    stdev: f64,
    p50: f64,
    p75: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    p99_99: f64,
    max: f64,
    /// The names of the fields that are lower bounds, because some requests waited in vain.
    at_least: Vec<&'static str>,
}

/// The processor time of this program; `null` if the system does not report it.
#[derive(Debug, Serialize)]
struct Cpu {
    seconds: Option<f64>,
    us_per_request: Option<f64>,
}

impl<'a> Document<'a> {
    pub(super) fn new(report: &'a Report<'_>) -> Self {
        let (plan, tally) = (report.plan, &report.tally);
        let errors = tally.errors.iter();
        Self {
            to: &report.args.to,
            request: Request { from: plan::source(report.args), method: &plan.method, bytes: plan.bytes.len() },
            connections: plan.connections,
            threads: plan.threads,
            keepalive: plan.keepalive,
            timeout_s: plan.timeout.as_secs_f64(),
            interrupted: report.early_end.interrupted,
            seconds: report.measured.as_secs_f64(),
            rate: Rate { aimed: plan.rate, reached: report.rate() },
            requests: Requests {
                all: tally.all(),
                answered: tally.answered(),
                failed: tally.failed(),
                unsent: tally.unsent,
                unfinished: tally.unfinished,
            },
            statuses: &tally.statuses,
            errors: errors
                .map(|(kind, errors)| (kind.as_str(), ErrorCount { count: errors.count, first: &errors.first }))
                .collect(),
            received_bytes: tally.received,
            latency_us: (tally.answered() > 0).then(|| Latency::new(report)),
            cpu: Cpu { seconds: report.cpu, us_per_request: report.cpu_per_request() },
        }
    }
}

impl Latency {
    fn new(report: &Report<'_>) -> Self {
        let latencies = &report.latencies;
        let [min, mean, stdev] = latencies.min_mean_stdev();
        let [p50, p75, p90, p99, p99_9, p99_99, max] = QUANTILES.map(|(quantile, _, _)| latencies.at(quantile));
        let lower_mean = (!report.tally.waits.is_empty()).then_some("mean");
        let at_least = QUANTILES.iter().filter(|(quantile, _, _)| latencies.is_lower_bound(*quantile));
        Self {
            of: latencies.len(),
            min,
            mean,
            stdev,
            p50,
            p75,
            p90,
            p99,
            p99_9,
            p99_99,
            max,
            at_least: lower_mean.into_iter().chain(at_least.map(|(_, _, name)| *name)).collect(),
        }
    }
}
