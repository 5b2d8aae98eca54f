//! `uwsgictl serve`: the inspector, as a server for real front ends.

mod args;
mod inspector;
mod route;

use std::io;

use uwsgi_server::{AccessLog, Server};

pub(crate) use self::args::Args;
use self::inspector::Inspector;
use crate::exit::{Failure, Status};
use crate::{messages, serving};

/// Serves until a signal stops the server.
pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let failed = |error: io::Error| Failure::Failed(error.to_string());
    // The last lines are written when this is dropped, after the server.
    let _log = serving::start_log();
    let app = Inspector { chunked: args.chunked_input };
    let mut server = Server::new(app)
        .and_then(Server::with_stop_on_signals)
        .map_err(failed)?
        .with_settings(args.settings())
        .with_allow_list(args.allow_from.clone())
        .with_max_connections(usize::from(args.max_connections));
    if let Some(workers) = args.workers {
        server = server.with_workers(usize::from(workers));
    }
    if let Some(file) = &args.access_log {
        server = server.with_access_log(AccessLog::combined(serving::log_output(file)?));
    }
    for address in &args.bind {
        server = serving::listen(address, args.socket_mode)?.into_iter().fold(server, Server::listen);
    }
    for listener in server.listeners() {
        messages::note(&format!("listening at {listener}"));
    }
    server.run().map_err(failed)?;
    Ok(Status::Success)
}
