//! The options of `uwsgictl request`.

use std::ffi::OsString;
use std::path::PathBuf;

use uwsgi::Modifier1;

use crate::options::{BodyArgs, HeaderArgs, ServerArgs, values};

/// Send a request, and print the answer: curl for uwsgi
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The request is the one that `uwsgictl encode` makes of the URL; a path alone stands for http://localhost. -X, -H, -u, -d, \
-T, -I, -i, -o, -f, -s, -S, -m and -v are curl's. The answer is printed as it arrives, even while the body is still being sent; chunked \
bodies are decoded. An answer that ends early or is malformed is an error.

In uwsgi the length of a body comes before the body. -T takes the length of a file from the file system. To learn the length \
of a pipe, it reads up to 64 MiB into memory, unless -H 'Content-Length: N' gives the length. The command sends no more than \
this length; a body that ends earlier is an error.

The exit status is 0 for any answer, 2 without a complete answer, 22 with --fail for a status of 400 or above, and 23 if the \
answer cannot be written in full, for example because its reader has closed the pipe.

Examples:
  uwsgictl request --to 127.0.0.1:3031 'http://example.com/hello?x=1'
  uwsgictl request --to unix:/run/app.sock /status -i
  uwsgictl request --to /run/app.sock /form -d name=value -u alice:secret
  uwsgictl request --to /run/app.sock / -H 'X-Real-IP: 203.0.113.9' -v
  uwsgictl request --to @app /upload -T big.iso -o answer.txt --fail
  tar c . | uwsgictl request --to app:3031 /backup -T -
  uwsgictl request --to app:3031 /admin --var REMOTE_USER=alice")]
pub(crate) struct Args {
    /// The URL (http:// or https://), or a path that begins with /
    #[arg(value_name = "URL")]
    pub(super) url: OsString,

    #[command(flatten)]
    pub(super) server: ServerArgs,

    /// The method [default: GET; POST with -d, PUT with -T, HEAD with -I]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(super) request: Option<OsString>,

    #[command(flatten)]
    pub(super) headers: HeaderArgs,

    #[command(flatten)]
    pub(super) body: BodyArgs,

    /// Send this file as the body; - is standard input
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with_all = BodyArgs::IDS)]
    pub(super) upload_file: Option<PathBuf>,

    /// Ask for the head alone, and print it
    #[arg(short = 'I', long, conflicts_with_all = BodyArgs::IDS, conflicts_with = "upload_file")]
    pub(super) head: bool,

    /// Send this var unchanged, instead of all vars with its key
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) var: Vec<OsString>,

    /// Which handler the packet is for: a number, or a name such as wsgi, psgi, rack
    #[arg(long, value_name = "N|NAME", value_parser = values::modifier1, default_value = "0", hide_default_value = true)]
    pub(super) modifier1: Modifier1,

    /// The second modifier
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) modifier2: u8,

    /// Print the head of the answer too
    #[arg(short, long)]
    pub(super) include: bool,

    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Exit with status 22 if the answer's status is 400 or above, and print no body
    #[arg(short, long)]
    pub(super) fail: bool,

    /// Print no message if the exchange fails: the exit status alone tells of it
    #[arg(short, long)]
    pub(super) silent: bool,

    /// With -s, print this message all the same
    #[arg(short = 'S', long)]
    pub(super) show_error: bool,

    /// Show on standard error the vars that are sent, and the head of the answer
    #[arg(short, long)]
    pub(super) verbose: bool,
}
