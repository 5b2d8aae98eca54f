//! `uwsgictl check`: malformed and borderline requests, and what a server makes of them.

mod document;
mod table;

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use indicatif::{ProgressBar, ProgressStyle};
use uwsgi::client::Address;
use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Application, Case, Plan, Results, Row, all, report};
use uwsgi_io::ClientErrorKind;

use crate::output::{self, Failure, Status};
use crate::{quantity, to};

/// Send malformed and borderline requests to a server, and tell what it makes of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each case is a connection: what a sender does, well or badly, and the verdict on it. Whatever the server does is put beside \
the verdict, and beside what uWSGI 2.0.31 and gunicorn 27 do (with its workers sync, gthread and asgi). A server accepts, \
refuses with a status, closes without a word, hangs, or dies. The first column marks what it does otherwise:

  ok  as the verdict says, as far as that shows
  ~   otherwise, by which nobody is deceived: another status, no status
  !   dangerous: malformed and accepted, bytes taken for a request that they are not, no answer and no end, death
  ?   not to be told with this application

The server has any application. What shows on the wire is judged then: statuses, whether the application was called, how the \
connection ended. An application that answers with lines about the request (see --print-app for one in Python) has all judged, \
what it was told included.

Cases that need other settings, or an application that does something special, are left out. Nothing but ADDR is contacted, by \
so many connections at once as --at-once says. A case that ended without an answer is sent again, alone, before it is believed.

The exit status is 0 when nothing is dangerous, 1 when something is, 2 when the server could not be checked.

Examples:
  uwsgictl check --to 127.0.0.1:3031
  uwsgictl check --to unix:/run/app.sock --slow --deviations
  uwsgictl check --to @app --row malformed-block --row invalid-length
  uwsgictl check --to /run/app.sock --json length | jq -r '.cases[] | select(.finding == \"danger\") | .name'
  uwsgictl check --print-app > conformance.py && gunicorn --protocol uwsgi -b 127.0.0.1:3031 conformance
  uwsgictl check --list --row ping")]
pub(crate) struct Args {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long, value_name = "ADDR", value_parser = to::address, required_unless_present_any = ["list", "print_app"])]
    to: Option<String>,

    /// Only cases whose name has one of these texts in it
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Only cases of this row of the table of verdicts; may be given several times
    #[arg(long, value_name = "ROW", value_parser = row)]
    row: Vec<Row>,

    /// Also those that take long: silent and slow senders, up to a minute and a half each
    #[arg(long)]
    slow: bool,

    /// Insist that the application answers with a report, so that everything is judged
    #[arg(long)]
    report: bool,

    /// How much longer than a case takes to wait for an answer or an end
    #[arg(long, value_name = "SECS", value_parser = quantity::seconds, default_value = "5")]
    patience: Duration,

    /// How many connections there are at once
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,

    /// Show only what deviates
    #[arg(long)]
    deviations: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Print the cases, and contact nobody
    #[arg(long)]
    list: bool,

    /// Print an application in Python that answers with a report, for WSGI and ASGI, and contact nobody
    #[arg(long)]
    print_app: bool,
}

/// What takes longer is played with --slow alone.
const SLOW: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    if args.print_app {
        return output::write(None, report::PYTHON.as_bytes(), true).map(|()| Status::Done);
    }
    let chosen: Vec<_> = all().filter(|case| args.wants(case)).collect();
    if chosen.is_empty() {
        return Err(Failure::Refused("no case has such a name and such a row: see uwsgictl check --list".into()));
    }
    if args.list {
        return list(args, &chosen).map(|()| Status::Done);
    }
    let (slow, cases): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|case| !args.slow && takes(case) >= SLOW);
    let mut results = check(args, &cases)?;
    results.left_out.extend(slow.into_iter().map(|case| (case, "it takes long: give --slow".to_owned())));
    let checked = Checked { to: args.to.as_deref().unwrap_or_default(), results: &results };
    if args.json {
        document::write(&mut io::stdout().lock(), &checked)?;
    } else {
        table::write(&mut AutoStream::auto(io::stdout().lock()), &checked, args.deviations)?;
    }
    Ok(if results.dangers().next().is_some() { Status::No } else { Status::Done })
}

/// What came of a check.
#[derive(Debug)]
struct Checked<'a> {
    to: &'a str,
    results: &'a Results<'static>,
}

impl Args {
    fn wants(&self, case: &Case) -> bool {
        let named = |names: &[String]| names.is_empty() || names.iter().any(|name| case.name.contains(name.as_str()));
        named(&self.names) && (self.row.is_empty() || self.row.contains(&case.row))
    }
}

fn check(args: &Args, cases: &[&'static Case]) -> Result<Results<'static>, Failure> {
    let text = args.to.as_deref().unwrap_or_default();
    let refused = |why: &dyn core::fmt::Display| Failure::Refused(format!("cannot check {text}: {why}"));
    let address = Address::parse(text).and_then(Address::to_connect).map_err(|error| refused(&error))?;
    let server = Server::at(&address).map_err(|error| refused(&error))?.with_patience(args.patience);
    // Learnt beforehand, so that nothing else is sent where that was asked for in vain.
    let unreached = |error| refused(&ClientErrorKind::Connect(error));
    let application = Plan::new([]).run(&server, |_| {}).map_err(unreached)?.application;
    if args.report && !application.reports() {
        return Err(Failure::Refused(format!(
            "the application of {text} does not answer a good request with a report, or nobody answers: put the application \
             that uwsgictl check --print-app prints there, or leave out --report"
        )));
    }
    if application == Application::default() {
        output::note(&format!("{text} answered no good request: every answer is taken for the server's own"));
    }
    let bar = progress(cases.len());
    let plan = Plan::new(cases.iter().copied()).with_at_once(args.at_once.into()).with_application(application);
    let results = plan.run(&server, |_| bar.inc(1)).map_err(unreached);
    bar.finish_and_clear();
    results
}

/// A line for whoever watches; nothing where standard error is no terminal.
fn progress(cases: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(cases).unwrap_or(u64::MAX));
    // The template is a constant of this program; were it wrong, indicatif's own would do.
    match ProgressStyle::with_template("{wide_bar} {pos} of {len} cases") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn list(args: &Args, cases: &[&'static Case]) -> Result<(), Failure> {
    if args.json {
        return Ok(document::list(&mut io::stdout().lock(), cases)?);
    }
    let mut out = AutoStream::auto(io::stdout().lock());
    table::list(&mut out, cases)?;
    Ok(out.flush()?)
}

/// A row by the name that the command line has for it.
fn row(text: &str) -> Result<Row, String> {
    let named = Row::ALL.into_iter().find(|row| row_name(*row) == text);
    named.ok_or_else(|| {
        let names: Vec<_> = Row::ALL.into_iter().map(row_name).collect();
        format!("no row of that name; there are {}", names.join(", "))
    })
}

/// `MalformedBlock` as `malformed-block`.
fn row_name(row: Row) -> String {
    let mut name = String::new();
    for letter in format!("{row:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
