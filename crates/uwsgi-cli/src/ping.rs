//! `uwsgictl ping`.

use std::time::Instant;

use crate::escape::Escaped;
use crate::output::{self, Failure, Status};
use crate::to::To;

/// Ask a server whether it lives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Servers of this project answer, and so does uWSGI; gunicorn does not know the question.

The exit status is 0 when the server answers, 1 when its answer holds a warning, which is printed, and 2 otherwise.

Examples:
  uwsgictl ping --to 127.0.0.1:3031
  uwsgictl ping --to unix:/run/app.sock --timeout 1 || systemctl restart app")]
pub(crate) struct Args {
    #[command(flatten)]
    to: To,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut client = args.to.client()?;
    let start = Instant::now();
    let warning = client.ping()?.warning;
    let after = start.elapsed();
    let to = &args.to.to;
    if warning.is_empty() {
        output::write(None, format!("{to}: alive, after {after:.3?}\n").as_bytes(), true)?;
        return Ok(Status::Done);
    }
    output::write(None, format!("{to}: alive, with a warning: {}\n", Escaped(warning)).as_bytes(), true)?;
    Ok(Status::No)
}
