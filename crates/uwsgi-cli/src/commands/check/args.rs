//! The options of `uwsgictl check`.

use core::time::Duration;

use uwsgi_conformance::Case;

use super::rows::RowValue;
use crate::options::{SERVER_VARIABLE, values};

/// Send malformed and borderline requests to a server, and report how it handles them
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
uwsgictl check [OPTIONS] --to <ADDR> [NAME]...
       uwsgictl check --list [--json] [--row <ROW>]... [NAME]...
       uwsgictl check --print-app")]
#[command(after_help = "\
A case is one connection: what the sender does, correct or not, and the verdict, which says what a server should do. The \
table shows what the server does next to the verdict, and next to what uWSGI 2.0.31 and gunicorn 27 do (with its workers \
sync, gthread and asgi). A server accepts, refuses with a status, closes without an answer, hangs, or dies. The \
first column marks the result:

  ok  the server does what the verdict says, as far as can be seen
  ~   a harmless difference: another status, or no status
  !   dangerous: the server accepts a malformed request, takes bytes for
      a request that they are not, neither answers nor closes, or dies
  ?   cannot be decided with this application

The server may run any application. Then the command judges what it sees on the wire: statuses, whether the application was \
called, and how the connection ended. If the application answers with a report of the request (--print-app prints one in \
Python), the command also judges what the application received.

Cases that need other settings or a special application are left out. The command contacts nothing but ADDR, with at most \
--at-once connections at once. A case that ends without an answer is sent again, alone, before it counts.

The exit status is 0 if nothing is dangerous, 1 if something is, and 2 if the server cannot be checked.

Examples:
  uwsgictl check --to 127.0.0.1:3031
  uwsgictl check --to unix:/run/app.sock --slow --deviations
  uwsgictl check --to @app --row malformed-block --row invalid-length
  uwsgictl check --to /run/app.sock --json length | \\
      jq -r '.cases[] | select(.finding == \"danger\") | .name'
  uwsgictl check --print-app > conformance.py && \\
      gunicorn --protocol uwsgi -b 127.0.0.1:3031 conformance
  uwsgictl check --list --row ping")]
pub(crate) struct Args {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(
        long,
        value_name = "ADDR",
        value_parser = values::address,
        required_unless_present_any = ["list", "print_app"],
        env = SERVER_VARIABLE
    )]
    pub(super) to: Option<String>,

    /// Only cases whose names contain one of these texts
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,

    /// Only cases of this row of the table of verdicts; may be given several times
    #[arg(long, value_name = "ROW", value_enum)]
    pub(super) row: Vec<RowValue>,

    /// Include slow cases: silent and slow senders, up to 90 seconds each
    #[arg(long)]
    pub(super) slow: bool,

    /// Fail unless the application answers with a report, so that everything can be judged
    #[arg(long)]
    pub(super) report: bool,

    /// How long to wait for an answer or a close, in addition to the time that the case takes
    #[arg(long, value_name = "SECS", value_parser = values::seconds, default_value = "5")]
    pub(super) patience: Duration,

    /// The number of connections at once
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) at_once: u8,

    /// Show only cases that are not ok
    #[arg(long)]
    pub(super) deviations: bool,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,

    /// List the cases, and contact no server
    #[arg(long)]
    pub(super) list: bool,

    /// Print an application in Python that answers with a report, for WSGI and ASGI, and contact no server
    #[arg(long)]
    pub(super) print_app: bool,
}

impl Args {
    /// Whether the names and rows of the command line choose this case.
    pub(super) fn selects(&self, case: &Case) -> bool {
        let by_name = self.names.is_empty() || self.names.iter().any(|name| case.name.contains(name.as_str()));
        by_name && (self.row.is_empty() || self.row.contains(&RowValue(case.row)))
    }
}
