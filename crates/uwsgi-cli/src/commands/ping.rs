//! `uwsgictl ping`.

use std::time::Instant;

use uwsgi_inspect::Escaped;

use crate::exit::{Failure, Status};
use crate::files;
use crate::options::ServerArgs;

/// Ask a server whether it is alive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The servers of this project answer, and so does uWSGI. gunicorn does not know this packet.

The exit status is 0 if the server answers, 1 if its answer has a warning, which is printed, and 2 otherwise.

Examples:
  uwsgictl ping --to 127.0.0.1:3031
  uwsgictl ping --to unix:/run/app.sock --timeout 1 || systemctl restart app")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut client = args.server.client()?;
    let start = Instant::now();
    let warning = client.ping()?.warning;
    let after = start.elapsed();
    let to = &args.server.address;
    if warning.is_empty() {
        files::write_text(None, format!("{to}: alive, after {after:.3?}\n").as_bytes())?;
        return Ok(Status::Success);
    }
    files::write_text(None, format!("{to}: alive, with a warning: {}\n", Escaped(warning)).as_bytes())?;
    Ok(Status::Negative)
}
