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
mod json;
mod messages;
mod options;
mod request_packet;
mod serving;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::{Failure, Status};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here too. If the message cannot be printed, only the exit status is left.
            let _unprinted = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let (message, status) = match cli.run() {
        Ok(status) => return status.into(),
        // A reader such as `head` closes the output when it has read enough. That is a success.
        Err(Failure::OutputClosed) => return Status::Success.into(),
        Err(Failure::Malformed(message)) => (message, Status::Malformed),
        Err(Failure::Negative(message)) => (message, Status::Negative),
        Err(Failure::Failed(message)) => (message, Status::Failed),
    };
    messages::error(&message);
    status.into()
}
