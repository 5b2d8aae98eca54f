//! `uwsgictl bench`.

use crate::output::{Failure, Status};

/// Load a server, and measure how fast it answers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
