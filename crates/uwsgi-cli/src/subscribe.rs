//! `uwsgictl subscribe`.

use crate::output::{Failure, Status};

/// Subscribe to a router of uWSGI
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
