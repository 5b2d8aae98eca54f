//! `uwsgictl signal`.

use crate::exit::{Failure, Status};
use crate::options::ServerArgs;

/// Raise a signal in a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
uWSGI's signals are not the signals of Unix. When the command returns, the signal is in the server's queue; uWSGI does not \
report whether anything handles it.

The exit status is 0 if the signal is queued, 1 if the server refuses it, and 2 if the server does not answer.

Examples:
  uwsgictl signal --to 127.0.0.1:3031 17")]
pub(crate) struct Args {
    /// The signal's number
    #[arg(value_name = "N")]
    number: u8,

    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    args.server.client()?.signal(args.number)?;
    Ok(Status::Success)
}
