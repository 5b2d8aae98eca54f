//! `uwsgictl spool`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::encode;
use crate::output::{self, Failure, Status};
use crate::to::To;

/// Put a task into the spooler of a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The task is queued when this returns, not done. The pairs spooler (a directory, or its number), priority (a directory below \
it) and at (the Unix time before which it must not run) are for the spooler itself.

Over the network a task has no body. --body sends the file as the var `body`, which is what a spooler function in Python sees \
as the body; all pairs together have at most 65535 bytes.

The exit status is 0 when the task is queued, 1 when the server refuses it, and 2 when the server does not answer.

Examples:
  uwsgictl spool --to 127.0.0.1:3031 job=resize id=7
  uwsgictl spool --to /run/app.sock job=mail at=1800000000 --body letter.txt")]
pub(crate) struct Args {
    /// The pairs of the task
    #[arg(value_name = "KEY=VALUE", required = true)]
    pairs: Vec<OsString>,

    #[command(flatten)]
    to: To,

    /// A file for the var `body`; - is standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let pairs: Vec<_> = args.pairs.iter().map(|pair| encode::pair(pair)).collect::<Result<_, _>>()?;
    let body = args.body.as_deref().map(output::read).transpose()?;
    let mut task: Vec<(&[u8], &[u8])> = pairs.iter().map(|pair| (pair.key, pair.value)).collect();
    if let Some(body) = &body {
        task.push((b"body", body));
    }
    args.to.client()?.spool(task)?;
    Ok(Status::Done)
}
