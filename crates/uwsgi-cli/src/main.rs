//! The command `uwsgictl`: inspect, ask, load and check uwsgi servers; decode and encode packets.
//!
//! A command is a file or a folder in `commands`, and a line in `cli.rs`.

#![forbid(unsafe_code)]

extern crate alloc;

mod cli;
mod commands;
mod exit;
mod files;
mod hex;
mod http_probe;
mod json;
mod messages;
mod options;
mod request_packet;
mod serving;
mod usage_hint;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::Cli;
use crate::exit::{Failure, Status};

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => without_command(error),
    };
    let status = ended.unwrap_or_else(|failure| {
        let (message, status) = failure.into_parts();
        message.iter().for_each(|message| messages::error(message));
        status
    });
    status.into()
}

/// Prints the help, the version, or what is wrong with the command line.
fn without_command(error: clap::Error) -> Result<Status, Failure> {
    if error.use_stderr() {
        let arguments: Vec<_> =
            std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
        // If the message cannot be printed, only the exit status is left.
        let _unprinted = usage_hint::add_hint(error, &Cli::command(), &arguments).print();
        return Ok(Status::Failed);
    }
    error.print()?;
    io::stdout().flush()?;
    Ok(Status::Success)
}
