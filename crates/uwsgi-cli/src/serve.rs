//! `uwsgictl serve`.

use crate::output::{Failure, Status};

/// Answer requests with what arrived in them: the inspector
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
