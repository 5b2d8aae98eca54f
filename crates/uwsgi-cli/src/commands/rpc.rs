//! `uwsgictl rpc`.

use std::io::BufReader;
use std::path::PathBuf;

use crate::exit::{Failure, Status};
use crate::files::Output;
use crate::options::ServerArgs;

/// Call a function of a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The result is printed unchanged, whatever its length. Arguments are bytes. An empty argument is refused, because uWSGI would \
call the function without it. A missing function, a function that fails, and a function that returns nothing look alike: \
the server closes the connection without an answer, and the exit status is 2.

Examples:
  uwsgictl rpc --to 127.0.0.1:3031 hello world
  uwsgictl rpc --to /run/app.sock add 2 -40 -o sum.txt
  uwsgictl rpc --to /run/app.sock grep -- -v what")]
pub(crate) struct Args {
    /// The function's name
    #[arg(value_name = "FUNC")]
    function: String,

    /// Its arguments
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    arguments: Vec<std::ffi::OsString>,

    #[command(flatten)]
    server: ServerArgs,

    /// Write the result to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let mut client = args.server.client()?;
    let arguments = args.arguments.iter().map(|argument| argument.as_encoded_bytes());
    let value = client.rpc(&args.function, arguments)?;
    let mut out = Output::open(args.output.as_deref())?;
    out.copy(&mut BufReader::new(value), |value, error| value.get_ref().explain(error))?;
    Ok(Status::Success)
}
