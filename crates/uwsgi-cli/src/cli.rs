//! The command line, and the list of commands.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    bench, cache, check, completions, decode, encode, gateway, man, ping, request, rpc, serve, signal, spool, subscribe,
};
use crate::exit::{Failure, Status};

/// Inspect, ask, load and check servers of uwsgi, the binary protocol of nginx's uwsgi_pass, uWSGI and gunicorn; put HTTP in front of them; decode and encode packets
#[derive(Debug, Parser)]
#[command(name = "uwsgictl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit status:
  0   success
  1   the input is malformed; the server's answer is no (cache, spool,
      signal) or a warning (ping); check has found something dangerous
  2   the command line is wrong; a file cannot be read or written; the
      server does not answer
  3   ping: the server is not alive
  22  request --fail: the answer's status is 400 or above
  23  request: the answer cannot be written, for example because the
      pipe is closed

Environment:
  UWSGICTL_TO  names the server if --to does not

Examples:
  uwsgictl serve
  uwsgictl gateway --http 127.0.0.1:8080 --http-to unix:/run/app.sock
  uwsgictl request 'http://example.com/hello?x=1' --to 127.0.0.1:3031
  uwsgictl bench --to unix:/run/app.sock
  uwsgictl decode request.bin")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order of `uwsgictl --help`.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Gateway(gateway::Args),
    Request(request::Args),
    Ping(ping::Args),
    Rpc(rpc::Args),
    Cache(cache::Args),
    Spool(spool::Args),
    Signal(signal::Args),
    Subscribe(subscribe::Args),
    Bench(bench::Args),
    Check(check::Args),
    Decode(decode::Args),
    Encode(encode::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(&self) -> Result<Status, Failure> {
        match &self.command {
            Command::Serve(args) => serve::run(args),
            Command::Gateway(args) => gateway::run(args),
            Command::Request(args) => request::run(args),
            Command::Ping(args) => ping::run(args),
            Command::Rpc(args) => rpc::run(args),
            Command::Cache(args) => cache::run(args),
            Command::Spool(args) => spool::run(args),
            Command::Signal(args) => signal::run(args),
            Command::Subscribe(args) => subscribe::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Check(args) => check::run(args),
            Command::Decode(args) => decode::run(args),
            Command::Encode(args) => encode::run(args),
            Command::Completions(args) => completions::run(args, Self::command()),
            Command::Man(args) => man::run(args, Self::command()),
        }
    }
}
