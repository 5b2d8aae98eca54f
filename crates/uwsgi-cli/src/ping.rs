//! `uwsgictl ping`.

use crate::output::{Failure, Status};

/// Ask a server whether it lives
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
