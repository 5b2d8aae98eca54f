//! `uwsgictl check`.

use crate::output::{Failure, Status};

/// Send malformed and borderline requests to a server, and tell what it makes of them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
