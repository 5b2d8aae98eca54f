//! `uwsgictl ping`.

use std::io::ErrorKind;
use std::time::Instant;

use uwsgi_inspect::Escaped;
use uwsgi_io::{ClientError, ClientErrorKind};

use crate::exit::{Failure, Status};
use crate::options::ServerArgs;
use crate::{files, http_probe};

/// Ask a server whether it is alive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The servers of this project answer, and so does uWSGI. gunicorn does not know this packet.

The exit status is 0 if the server answers, 1 if its answer has a warning, which is printed, and 3 if the server is not alive: \
nobody listens at the address, or the connection breaks, or the answer does not come in time. The exit status is 2 if the \
command cannot tell, for example because the command line is wrong, a name is unknown, or the server does not know the packet.

Examples:
  uwsgictl ping --to 127.0.0.1:3031
  uwsgictl ping --to unix:/run/app.sock --timeout 1; \\
      test $? -ne 3 || systemctl restart app")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut client = args.server.client()?;
    let to = &args.server.address;
    let start = Instant::now();
    let answer = client.ping().map_err(failure)?;
    let (text, status) = match answer.warning {
        [] => (format!("{to}: alive, after {:.3?}\n", start.elapsed()), Status::Success),
        warning => (format!("{to}: alive, with a warning: {}\n", Escaped(warning)), Status::Negative),
    };
    status.after_writing(files::write_text(None, text.as_bytes()))
}

/// Tells a server that is not alive from a wrong address and from a server that does not know the packet.
fn failure(error: ClientError) -> Failure {
    use ClientErrorKind as Kind;
    if let Some(failure) = http_probe::failure(&error) {
        return failure;
    }
    match error.kind() {
        Kind::Connect(reason) if !means_not_alive(reason.kind()) => error.into(),
        Kind::Connect(_) | Kind::TimedOut(_) | Kind::Read(_) | Kind::Write(_) => {
            Failure::NotAlive(format!("{error:#}"))
        }
        _ => error.into(),
    }
}

/// Whether a connection that fails in this way shows that the server is not alive. The other errors are those of an unknown name or
/// of a missing permission.
const fn means_not_alive(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            // A server that ends removes its Unix socket, and systemd its directory.
            | ErrorKind::NotFound
    )
}
