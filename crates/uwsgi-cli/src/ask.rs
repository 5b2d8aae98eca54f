//! `uwsgictl request`.

use crate::output::{Failure, Status};

/// Send a request, and print the answer: curl for uwsgi
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<Status, Failure> {
    Err(Failure::Refused("this command is not built yet".into()))
}
