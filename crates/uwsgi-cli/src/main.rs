//! The command `uwsgictl`: see, ask, load and check uwsgi servers; read and write packets.

#![forbid(unsafe_code)]

extern crate alloc;

mod args;
mod ask;
mod bench;
mod body;
mod cache;
mod check;
mod decode;
mod document;
mod encode;
mod escape;
mod excerpt;
mod fault;
mod hex;
mod import;
mod manual;
mod output;
mod ping;
mod quantity;
mod report;
mod request;
mod rpc;
mod serve;
mod signal;
mod spool;
mod stream;
mod subscribe;
mod to;
mod upload;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::output::{Failure, Status};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version arrive here too. Nobody is left to tell when even this cannot be printed.
            let _unprinted = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match &cli.command {
        Command::Decode(args) => decode::run(args),
        Command::Encode(args) => encode::run(args).map(|()| Status::Done),
        Command::Completions(args) => manual::completions(args.shell).map(|()| Status::Done),
        Command::Man(args) => manual::pages(args.dir.as_deref()).map(|()| Status::Done),
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Request(args) => ask::run(args),
        Command::Ping(args) => ping::run(args),
        Command::Rpc(args) => rpc::run(args),
        Command::Cache(args) => cache::run(args),
        Command::Spool(args) => spool::run(args),
        Command::Signal(args) => signal::run(args),
        Command::Subscribe(args) => subscribe::run(args),
    };
    match result {
        Ok(status) => status.into(),
        // Whoever read the output has had enough of it, as `head` does: that is no failure.
        Err(Failure::ReaderGone) => Status::Done.into(),
        Err(Failure::Malformed(message)) => {
            output::complain(&message);
            Status::Malformed.into()
        }
        Err(Failure::No(message)) => {
            output::complain(&message);
            Status::No.into()
        }
        Err(Failure::Refused(message)) => {
            output::complain(&message);
            Status::Failed.into()
        }
    }
}
