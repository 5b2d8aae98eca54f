//! `uwsgictl cache`.

use crate::output::{Failure, Status};

/// Read and write the cache of a uWSGI server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
