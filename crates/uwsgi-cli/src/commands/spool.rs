//! `uwsgictl spool`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::exit::{Failure, Status};
use crate::files;
use crate::options::{Pair, ServerArgs};

/// Put a task into the spooler of a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
When the command returns, the task is queued, but not done. The spooler itself uses three pairs: spooler (a directory, or its \
number), priority (a directory in it) and at (a Unix time; the task does not run before it).

A task that comes over the network has no body. --body sends the file as the var `body`, in which a spooler function in Python \
expects the body. All pairs together have at most 65535 bytes.

The exit status is 0 if the task is queued, 1 if the server refuses it, and 2 if the server does not answer.

Examples:
  uwsgictl spool --to 127.0.0.1:3031 job=resize id=7
  uwsgictl spool --to @app job=mail at=1800000000 --body letter.txt")]
pub(crate) struct Args {
    /// The pairs of the task
    #[arg(value_name = "KEY=VALUE", required = true)]
    pairs: Vec<OsString>,

    #[command(flatten)]
    server: ServerArgs,

    /// Send this file as the var `body`; - is standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let pairs = Pair::split_all(&args.pairs, "")?;
    let body = args.body.as_deref().map(files::read).transpose()?;
    let mut task: Vec<(&[u8], &[u8])> = pairs.iter().map(|pair| (pair.key, pair.value)).collect();
    if let Some(body) = &body {
        task.push((b"body", body));
    }
    args.server.client()?.spool(task)?;
    Ok(Status::Success)
}
