//! `uwsgictl check`: sends malformed and borderline requests to a server, and judges how it handles them.

mod args;
mod document;
mod line;
mod result;
mod rows;
mod table;
mod width;

use core::time::Duration;
use std::io::{self, Write};

use anstream::AutoStream;
use indicatif::ProgressBar;
use uwsgi::Address;
use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Application, Case, Plan, Results, all, report};
use uwsgi_io::ClientErrorKind;

pub(crate) use self::args::Args;
use self::result::CheckResult;
use self::width::Width;
use crate::exit::{Failure, Status};
use crate::{files, http_probe, messages};

/// A case that takes this long, or longer, is played only with `--slow`.
const SLOW: Duration = Duration::from_secs(3);

/// Runs the chosen cases, and prints the result.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if args.print_app {
        return files::write_text(None, report::PYTHON.as_bytes()).map(|()| Status::Success);
    }
    let chosen: Vec<_> = all().filter(|case| args.selects(case)).collect();
    if chosen.is_empty() {
        return Err(Failure::Failed("no case has this name and this row: see uwsgictl check --list".into()));
    }
    if args.list {
        return list(args, &chosen).map(|()| Status::Success);
    }
    let (slow, cases): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|case| !args.slow && takes(case) >= SLOW);
    let mut results = check(args, &cases)?;
    results.left_out.extend(slow.into_iter().map(|case| (case, "the case is slow: add --slow".to_owned())));
    let result = CheckResult { to: args.to.as_deref().unwrap_or_default(), results: &results };
    let written = if args.json {
        document::write(&mut io::stdout().lock(), &result)
    } else {
        table::write(&mut AutoStream::auto(io::stdout().lock()), &result, args.deviations, Width::of_stdout())
    };
    let status = if results.dangers().next().is_some() { Status::Negative } else { Status::Success };
    status.after_writing(written)
}

/// Runs the cases against the server.
fn check(args: &Args, cases: &[&'static Case]) -> Result<Results<'static>, Failure> {
    let text = args.to.as_deref().unwrap_or_default();
    let failed = |why: &dyn core::fmt::Display| Failure::Failed(format!("cannot check {text}: {why}"));
    let address = Address::parse(text).and_then(Address::to_connect).map_err(|error| failed(&error))?;
    if let Some(why) = files::not_a_socket(text) {
        return Err(failed(&why));
    }
    let server = Server::at(&address).map_err(|error| failed(&error))?.with_patience(args.patience);
    // Good requests come first, to learn how the application answers. If `--report` is given and the application does not
    // report, no case is played.
    let unreachable = |error| failed(&ClientErrorKind::Connect(error));
    let application = Plan::new([]).run(&server, |_| {}).map_err(unreachable)?.application;
    if args.report && !application.reports() {
        return Err(Failure::Failed(format!(
            "the application of {text} does not answer a good request with a report, or nothing answers: run the application \
             that uwsgictl check --print-app prints, or leave out --report"
        )));
    }
    if application.statuses().all(|status| status >= 400) && http_probe::speaks_http(text) {
        return Err(failed(&http_probe::MESSAGE));
    }
    if application == Application::default() {
        messages::note(&format!("{text} answered no good request: every answer counts as the server's own"));
    }
    if application.statuses().next().is_some() && application.statuses().all(|status| status >= 500) {
        messages::note(&format!(
            "{text} answers good requests with status 500 or above: if its application fails, a refusal of the server cannot be \
             told from that"
        ));
    }
    let length = u64::try_from(cases.len()).unwrap_or(u64::MAX);
    let bar = messages::progress_bar(length, "{wide_bar} {pos} of {len} cases");
    let plan = Plan::new(cases.iter().copied()).with_at_once(args.at_once.into()).with_application(application);
    let results = plan.run(&server, |_| bar.iter().for_each(|bar| bar.inc(1))).map_err(unreachable);
    bar.iter().for_each(ProgressBar::finish_and_clear);
    results
}

/// Prints the chosen cases, without a server.
fn list(args: &Args, cases: &[&'static Case]) -> Result<(), Failure> {
    if args.json {
        return Ok(document::list(&mut io::stdout().lock(), cases)?);
    }
    let mut out = AutoStream::auto(io::stdout().lock());
    table::list(&mut out, cases, Width::of_stdout())?;
    Ok(out.flush()?)
}
