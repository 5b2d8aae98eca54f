//! `uwsgictl signal`.

use crate::output::{Failure, Status};
use crate::to::To;

/// Raise a signal in a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
uWSGI's signals have nothing to do with those of Unix. The signal is queued when this returns; uWSGI does not say whether \
anything handles it.

The exit status is 0 when the signal is queued, 1 when the server refuses it, and 2 when the server does not answer.

Examples:
  uwsgictl signal --to 127.0.0.1:3031 17")]
pub(crate) struct Args {
    /// The signal's number
    #[arg(value_name = "N")]
    number: u8,

    #[command(flatten)]
    to: To,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    args.to.client()?.signal(args.number)?;
    Ok(Status::Done)
}
