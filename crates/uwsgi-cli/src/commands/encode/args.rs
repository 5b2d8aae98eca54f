//! The options of `uwsgictl encode`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;
use uwsgi::Modifier1;

use crate::options::{BodyArgs, HeaderArgs, values};

/// Write a packet: from pairs, from a URL as a front end would, or from JSON
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
uwsgictl encode [OPTIONS] KEY=VALUE...
       uwsgictl encode [OPTIONS] URL [KEY=VALUE]...
       uwsgictl encode [OPTIONS] --payload array [ITEM]...
       uwsgictl encode [OPTIONS] --json FILE")]
#[command(after_help = "\
From a URL the command makes the request that a front end would send for it, and its body. The path is sent unchanged: curl \
and nginx resolve .. in it, this command does not. PATH_INFO is the path, percent-decoded once. -H, -u, -d, -X and -I are curl's. \
A header that a server could take for something else (Proxy, a name with an underscore, a line break) is refused. A \
KEY=VALUE argument is written unchanged, and replaces all vars of its key.

--json takes the output of `uwsgictl decode --json`: an array of packets, or an object with such an array in its field \
`packets`. JSON does not contain the bodies. `modifier1` and `modifier2` are 0 by default. A given `datasize` is checked.

Examples:
  uwsgictl encode REQUEST_METHOD=GET PATH_INFO=/ | nc -N 127.0.0.1 3031
  uwsgictl encode http://example.com/form -d name=value -o form.bin
  uwsgictl encode http://example.com/ -H 'X-Real-IP: 203.0.113.9' --hex
  uwsgictl encode http://example.com/ HTTP_PROXY=evil --hex
  uwsgictl encode --modifier1 rpc --payload array hello world --hex
  uwsgictl encode --modifier1 ping --hex
  uwsgictl decode --json get.bin | sed s/GET/PUT/ | \\
      uwsgictl encode --json - > put.bin")]
pub(crate) struct Args {
    /// KEY=VALUE pairs; a URL (http:// or https://) and pairs to add to its vars; or the items of an array
    #[arg(value_name = "URL|KEY=VALUE|ITEM")]
    pub(super) arguments: Vec<OsString>,

    /// Read packets in JSON; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["arguments", "modifier1", "modifier2", "payload", "request", "head"],
        conflicts_with_all = HeaderArgs::IDS,
        conflicts_with_all = BodyArgs::IDS
    )]
    pub(super) json: Option<PathBuf>,

    /// What the packet is, or which handler it is for: a number, or a name such as wsgi, ping, rpc [default: 0]
    #[arg(long, value_name = "N|NAME", value_parser = values::modifier1)]
    pub(super) modifier1: Option<Modifier1>,

    /// The second modifier; its meaning depends on modifier1 [default: 0]
    #[arg(long, value_name = "N")]
    pub(super) modifier2: Option<u8>,

    /// What the arguments are: pairs, items, or one argument with the bytes of the payload [default: vars]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(super) payload: Option<Form>,

    #[command(flatten)]
    pub(super) headers: HeaderArgs,

    #[command(flatten)]
    pub(super) body: BodyArgs,

    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(super) request: Option<OsString>,

    /// Ask for the head alone: the method HEAD
    #[arg(short = 'I', long, conflicts_with_all = BodyArgs::IDS)]
    pub(super) head: bool,

    /// Write hex digits, which decode --hex reads
    #[arg(long)]
    pub(super) hex: bool,

    /// Write to this file; - is standard output, even if it is a terminal
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// How the arguments become a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Each argument is a pair KEY=VALUE
    Vars,
    /// Each argument is an item
    Array,
    /// One argument is the whole payload
    Raw,
}

impl Args {
    pub(super) fn modifier1(&self) -> Modifier1 {
        self.modifier1.unwrap_or(Modifier1::WSGI)
    }

    pub(super) fn modifier2(&self) -> u8 {
        self.modifier2.unwrap_or(0)
    }

    /// Whether an option is given that is only for the request of a URL.
    pub(super) fn has_request_options(&self) -> bool {
        !self.headers.is_empty() || !self.body.is_empty() || self.request.is_some() || self.head
    }
}
