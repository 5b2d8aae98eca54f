//! `uwsgictl serve`: the inspector, as a server for real front ends.

mod args;
mod inspector;
mod route;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use tracing_subscriber::EnvFilter;
use uwsgi::client::Address;
use uwsgi_server::{AccessLog, Listener, Server};

pub(crate) use self::args::Args;
use self::inspector::Inspector;
use crate::exit::{Failure, Status};
use crate::{files, messages};

/// Serves until a signal stops the server.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let failed = |error: io::Error| Failure::Failed(error.to_string());
    start_log();
    let app = Inspector { chunked: args.chunked_input };
    let mut server = Server::new(app)
        .and_then(Server::stopping_on_signals)
        .map_err(failed)?
        .with_settings(args.settings())
        .with_allow(args.allow_from.clone())
        .with_max_connections(usize::from(args.max_connections));
    if let Some(workers) = args.workers {
        server = server.with_workers(usize::from(workers));
    }
    if let Some(file) = &args.access_log {
        server = server.with_access_log(access_log(file)?);
    }
    for address in &args.bind {
        server = listen(address, args.socket_mode)?.into_iter().fold(server, Server::listen);
    }
    for listener in server.listeners() {
        messages::note(&format!("listening at {listener}"));
    }
    server.run().map_err(failed)?;
    Ok(Status::Success)
}

/// Sends the log of the server to standard error. `RUST_LOG` sets the filter; the default is warnings.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // A log line that cannot be written is lost. An error message about it would go to standard error too, and panic.
    let subscriber = subscriber.log_internal_errors(false);
    // If there is already a subscriber, it stays.
    let _already_set = subscriber.with_target(false).without_time().try_init();
}

/// Opens the access log.
fn access_log(file: &Path) -> Result<AccessLog, Failure> {
    let to: Box<dyn Write + Send> = if file == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let opened = OpenOptions::new().append(true).create(true).open(file);
        Box::new(opened.map_err(|error| Failure::Failed(format!("cannot write {}: {error}", files::name(file))))?)
    };
    Ok(AccessLog::combined(to))
}

/// Listens at an address, or fails with the reason and what to do.
fn listen(address: &str, mode: u32) -> Result<Vec<Listener>, Failure> {
    let failed = |message: String| Failure::Failed(message);
    let parsed = Address::parse(address).map_err(|error| failed(error.to_string()))?;
    Listener::bind_all(parsed, mode).map_err(|error| {
        let what_to_do = match (error.kind(), parsed) {
            // The messages of these errors already say what to do.
            (io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists, _) => return failed(error.to_string()),
            (_, Address::Fd(_)) => return failed(error.to_string()),
            (io::ErrorKind::PermissionDenied, Address::Unix(_)) => {
                "permission denied: choose a directory that you may write in"
            }
            (io::ErrorKind::PermissionDenied, _) => {
                "permission denied: only root may use ports below 1024, choose a higher port"
            }
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Address::Unix(_)) => {
                "the directory does not exist: make it, or choose another path"
            }
            (io::ErrorKind::AddrNotAvailable, _) => {
                "this machine does not have that address: choose one that `ip address` lists, or 0.0.0.0"
            }
            (_, Address::Name { .. }) => "the name cannot be looked up: write an IP address",
            _ => return failed(format!("cannot listen at {address}: {error}")),
        };
        failed(format!("cannot listen at {address}: {what_to_do}"))
    })
}
