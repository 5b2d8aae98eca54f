//! `uwsgictl serve`: the inspector behind real front ends.

mod inspector;
mod route;

use core::time::Duration;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;
use uwsgi::client::Address;
use uwsgi::server::{AllowList, Settings};
use uwsgi::{Limits, Modifier1};
use uwsgi_server::{AccessLog, Listener, Server};

use self::inspector::Inspector;
use crate::args;
use crate::output::{self, Failure, Status};
use crate::quantity;

/// Answer requests with what arrived in them: the inspector
#[derive(Debug, clap::Args)]
#[command(after_help = "\
ADDR is host:port, :port (every IPv4 address of this machine), unix:/path, a path with a / in it, @name (a socket of Linux without a file), or fd:N (inherited). Sizes \
take k, M or G behind them, for powers of 1024; SECS may have a fraction.

What a path answers:
  /               what arrived, explained, as does every path that is not below: HTML for a browser,
                  JSON for Accept: application/json, else text; ?format=html|json|text decides
  /echo           the body comes back
  /status/NNN     a status from 200 to 999
  /bytes/N        so many bytes, with a length; N is a size
  /stream/N       so many bytes without a length; ?chunk=BYTES&delay_ms=MS
  /delay/MS       an answer after so long, at most 60000
  /headers?A=b    these headers
  /drip           bytes one by one; ?bytes=N&duration_ms=MS
  /abort          fails in the middle of a body; ?after=BYTES&length=BYTES|none
  /upgrade        101, and then everything comes back

A request whose body does not come whole has its report too, with status 400 or 408. What a server cannot take for a \
request at all (a length that is no number, a line end in a value, too many vars) is answered with its status alone, and \
why stands in the log, on standard error.

It raises its own limit of open files (ulimit -n) to what --max-connections needs, as far as it may.

It answers whoever can reach it with whatever it is asked for, headers included: it is made for trying out, not for the \
internet.

Examples:
  uwsgictl serve
  uwsgictl serve --bind unix:/run/inspect.sock --socket-mode 666
  uwsgictl serve --modifier1 psgi
  uwsgictl serve --bind 0.0.0.0:3031 --allow-from 10.0.0.0/8 --access-log -

and in nginx:
  location / { include uwsgi_params; uwsgi_pass 127.0.0.1:3031; }")]
pub(crate) struct Args {
    /// Where to listen; may be given several times
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3031", value_parser = address)]
    bind: Vec<String>,

    /// How many requests are worked on at once; those that wait for their peer are not counted [default: 4 for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,

    /// Who may connect over TCP: addresses and networks with commas between them, or *
    #[arg(long, value_name = "LIST", default_value = "127.0.0.1,::1", value_parser = allow_list)]
    allow_from: AllowList<String>,

    /// The most vars that a request may have
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u16).range(1..))]
    max_vars: u16,

    /// The longest body
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = quantity::size)]
    max_body: u64,

    /// The longest wait for a request's vars to be complete
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = quantity::seconds)]
    header_timeout: Duration,

    /// The longest silence within a body
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = quantity::seconds)]
    body_timeout: Duration,

    /// The longest time in which the peer takes no byte of the answer: nginx pauses for long while a slow client takes what is
    /// in its temporary file
    #[arg(long, value_name = "SECS", default_value = "3600", value_parser = quantity::seconds)]
    write_timeout: Duration,

    /// Take more than one request from a connection, which may be silent for so long between two
    #[arg(long, value_name = "SECS", value_parser = quantity::seconds)]
    keepalive: Option<Duration>,

    /// The most connections at once
    #[arg(long, value_name = "N", default_value = "1024", value_parser = clap::value_parser!(u16).range(1..))]
    max_connections: u16,

    /// Who may connect over a Unix socket: the mode of its file
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = quantity::mode)]
    socket_mode: u32,

    /// Log each request in this file, as nginx and Apache do under the name "combined"; - is standard output
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,

    /// Take requests of this modifier1 as well, which a front end sends where it is told to; may be given several times
    #[arg(long, value_name = "N|NAME", value_parser = args::modifier1)]
    modifier1: Vec<Modifier1>,

    /// Read chunked bodies, as uWSGI's router sends them with http-chunked-input; other front ends never do
    #[arg(long)]
    chunked_input: bool,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let refused = |error: io::Error| Failure::Refused(error.to_string());
    log();
    let app = Inspector { chunked: args.chunked_input };
    let mut server = Server::new(app)
        .and_then(Server::stopping_on_signals)
        .map_err(refused)?
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
        output::note(&format!("listening at {listener}"));
    }
    server.run().map_err(refused)?;
    Ok(Status::Done)
}

impl Args {
    fn settings(&self) -> Settings {
        let mut settings =
            Settings::default().with_limits(Limits::server().with_vars(self.max_vars)).with_body_limit(self.max_body);
        settings.header_timeout = self.header_timeout;
        settings.body_idle = self.body_timeout;
        settings.write_idle = self.write_timeout;
        settings.keepalive = self.keepalive;
        settings.chunked = self.chunked_input;
        self.modifier1.iter().fold(settings, |settings, modifier1| settings.accepting(*modifier1))
    }
}

/// What the server has to say goes to standard error; `RUST_LOG` chooses what.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // What cannot be written is lost. To say so in the same place would be a panic.
    let subscriber = subscriber.log_internal_errors(false);
    // Where there is one already it stays.
    let _already = subscriber.with_target(false).without_time().try_init();
}

fn access_log(file: &Path) -> Result<AccessLog, Failure> {
    let to: Box<dyn Write + Send> = if file == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let opened = OpenOptions::new().append(true).create(true).open(file);
        Box::new(opened.map_err(|error| Failure::Refused(format!("cannot write {}: {error}", output::name(file))))?)
    };
    Ok(AccessLog::combined(to))
}

/// Listens, or says in a line why not and what to do.
fn listen(address: &str, mode: u32) -> Result<Vec<Listener>, Failure> {
    let refused = |message: String| Failure::Refused(message);
    let parsed = Address::parse(address).map_err(|error| refused(error.to_string()))?;
    Listener::bind_all(parsed, mode).map_err(|error| {
        let what_to_do = match (error.kind(), parsed) {
            // These say it themselves.
            (io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists, _) => return refused(error.to_string()),
            (_, Address::Fd(_)) => return refused(error.to_string()),
            (io::ErrorKind::PermissionDenied, Address::Unix(_)) => {
                "permission denied: choose a directory that you may write in"
            }
            (io::ErrorKind::PermissionDenied, _) => {
                "permission denied: ports below 1024 are root's, choose a higher one"
            }
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Address::Unix(_)) => {
                "the directory is not there: make it, or choose another path"
            }
            (io::ErrorKind::AddrNotAvailable, _) => {
                "this machine does not have that address: choose one that `ip address` lists, or 0.0.0.0"
            }
            (_, Address::Name { .. }) => "the name cannot be looked up: write an IP address",
            _ => return refused(format!("cannot listen at {address}: {error}")),
        };
        refused(format!("cannot listen at {address}: {what_to_do}"))
    })
}

/// An address, once it was read.
fn address(text: &str) -> Result<String, String> {
    Address::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn allow_list(text: &str) -> Result<AllowList<String>, String> {
    AllowList::parse(text.to_owned())
        .map_err(|error| format!("{error}: write 127.0.0.1, 10.0.0.0/8, ::1 or *, with commas between them"))
}
