//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uwsgi::Modifier1;

use crate::body::BodyArgs;
use crate::{ask, bench, cache, check, ping, rpc, serve, signal, spool, subscribe};

/// See, ask, load and check servers of uwsgi, the binary protocol of nginx's uwsgi_pass, uWSGI and gunicorn; read and write its packets
#[derive(Debug, Parser)]
#[command(name = "uwsgictl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit status: 0 when all went well; 1 for malformed input, where a server's answer is no (cache, spool, signal), for a ping that \
brings a warning and for a check that finds something dangerous; 2 for a wrong command line, a file that cannot be read or \
written, and a server that does not answer; 22 for request --fail.

Examples:
  uwsgictl serve
  uwsgictl request http://example.com/hello?x=1 --to 127.0.0.1:3031
  uwsgictl bench --to unix:/run/app.sock
  uwsgictl decode request.bin")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Request(ask::Args),
    Ping(ping::Args),
    Rpc(rpc::Args),
    Cache(cache::Args),
    Spool(spool::Args),
    Signal(signal::Args),
    Subscribe(subscribe::Args),
    Bench(bench::Args),
    Check(check::Args),
    Decode(DecodeArgs),
    Encode(EncodeArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Show what is in a capture: every packet, every var, and where each begins
#[derive(Debug, Args)]
#[command(after_help = "\
The input is what one side of a connection sent: packets back to back, each with the body that follows it. Offsets count \
bytes from the start of the input, from 0. A client's packets are expected; for a server's say --answer, because the same \
modifiers can mean another payload: an RPC call is an array, and its answer is raw.

Bytes that are no printable text are shown as \\xNN, a backslash as \\\\. In JSON, strings are latin-1: one character \
U+0000 to U+00FF for each byte.

Malformed input ends with exit status 1: the packets before it are shown, then what was wrong and where. With --json the \
document is then {\"packets\": [...], \"error\": {\"kind\", \"offset\", \"needed\", \"message\"}}, where `needed` says how \
many further bytes would complete what was cut short.

Examples:
  uwsgictl decode request.bin
  uwsgictl decode --json request.bin | jq -r '.[].vars[] | join(\"=\")'
  uwsgictl decode --answer rpc-answer.bin
  uwsgictl decode --answer --body rest cache-answer.bin
  echo '00 0600 00  0100 41 0100 42  # A=B' | uwsgictl decode --hex")]
pub(crate) struct DecodeArgs {
    /// Print JSON, one document per file
    #[arg(long)]
    pub(crate) json: bool,

    /// The input is hex digits in pairs; white space is ignored, and so is all from # to the end of the line
    #[arg(long)]
    pub(crate) hex: bool,

    /// The input is what a server sent: read the payloads of answers
    #[arg(long, conflicts_with = "payload")]
    pub(crate) answer: bool,

    /// How payloads are laid out
    #[arg(long, value_enum, default_value_t = Form::Auto, value_name = "FORM")]
    pub(crate) payload: Form,

    /// Where the body after a packet ends
    #[arg(long, value_enum, default_value_t = Framing::ContentLength, value_name = "FRAMING")]
    pub(crate) body: Framing,

    /// Files to read; - is standard input, and so is no file at all
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// How payloads are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// As the modifiers say: of a request or, with --answer, of an answer
    Auto,
    /// As the modifiers of an answer say.
    #[value(skip)]
    Answer,
    /// Pairs of key and value
    Vars,
    /// Items
    Array,
    /// Bytes with a meaning of their own
    Raw,
    /// No payload: a datasize above 0 is an error
    None,
}

/// How bodies are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// As many bytes as the var CONTENT_LENGTH says; none without it
    ContentLength,
    /// Everything up to the end of the input
    Rest,
    /// No packet has a body
    None,
}

impl DecodeArgs {
    /// How payloads are to be read: `--answer` and `--payload` together.
    pub(crate) const fn form(&self) -> Form {
        if self.answer { Form::Answer } else { self.payload }
    }
}

impl Framing {
    /// The word on the command line and in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ContentLength => "content-length",
            Self::Rest => "rest",
            Self::None => "none",
        }
    }
}

/// Write a packet: from pairs, from a URL as a front end would, or from JSON
#[derive(Debug, Args)]
#[command(override_usage = "\
uwsgictl encode [OPTIONS] KEY=VALUE...
       uwsgictl encode [OPTIONS] [-X METHOD] [-H HEADER]... [-d DATA]... URL [KEY=VALUE]...
       uwsgictl encode [OPTIONS] --payload array [ITEM]...
       uwsgictl encode [OPTIONS] --json FILE")]
#[command(after_help = "\
From a URL comes the request that a front end would send for it, and its body. The path goes out as it is written, without \
the tidying of .. that curl and nginx do; PATH_INFO is the path with its percent-encoding taken off once. -H, -d, -X and -I \
are curl's. A header that could be mistaken for something else (Proxy, a name with an underscore, a line break) is refused; \
a KEY=VALUE argument is written as it is, and replaces vars of the same key.

--json takes what `uwsgictl decode --json` prints: an array of packets, or an object with one in its field `packets`. \
Bodies are not in it. `modifier1` and `modifier2` are 0 when left out, and `datasize` is checked when it is there.

Examples:
  uwsgictl encode REQUEST_METHOD=GET PATH_INFO=/ | nc -N 127.0.0.1 3031
  uwsgictl encode http://example.com/form -H 'X-Real-IP: 203.0.113.9' -d name=value -o form.bin
  uwsgictl encode http://example.com/ REMOTE_USER=alice HTTP_PROXY=evil --hex
  uwsgictl encode --modifier1 rpc --payload array hello world --hex
  uwsgictl encode --modifier1 ping --hex
  uwsgictl decode --json get.bin | sed s/GET/PUT/ | uwsgictl encode --json - > put.bin")]
pub(crate) struct EncodeArgs {
    /// KEY=VALUE pairs; a URL (http:// or https://) and pairs to add to its vars; or the items of an array
    #[arg(value_name = "URL|KEY=VALUE|ITEM")]
    pub(crate) arguments: Vec<OsString>,

    /// Read packets in JSON; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["arguments", "modifier1", "modifier2", "payload", "header", "request", "head"],
        conflicts_with_all = BodyArgs::IDS
    )]
    pub(crate) json: Option<PathBuf>,

    /// What the packet is, or which handler it is for: a number, or a name such as wsgi, ping, rpc [default: 0]
    #[arg(long, value_name = "N|NAME", value_parser = modifier1)]
    pub(crate) modifier1: Option<Modifier1>,

    /// The sub-command; its meaning depends on modifier1 [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) modifier2: Option<u8>,

    /// What the arguments are: pairs, items, or one argument with the payload's bytes [default: vars]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) payload: Option<WrittenForm>,

    /// A header of the request; 'Name;' sends it empty, 'Name:' leaves out one that is sent by default
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<OsString>,

    #[command(flatten)]
    pub(crate) body: BodyArgs,

    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(crate) request: Option<OsString>,

    /// Ask for the head alone: the method HEAD
    #[arg(short = 'I', long, conflicts_with_all = BodyArgs::IDS)]
    pub(crate) head: bool,

    /// Write hex digits, as decode --hex reads them
    #[arg(long)]
    pub(crate) hex: bool,

    /// Write to this file; - is standard output, even if that is a terminal
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How the arguments become a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WrittenForm {
    /// Each argument is a pair KEY=VALUE
    Vars,
    /// Each argument is an item
    Array,
    /// One argument is the whole payload
    Raw,
}

/// Print a script that teaches a shell to complete uwsgictl's arguments
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uwsgictl completions bash > ~/.local/share/bash-completion/completions/uwsgictl
  uwsgictl completions zsh > ~/.zfunc/_uwsgictl
  uwsgictl completions fish > ~/.config/fish/completions/uwsgictl.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual pages
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uwsgictl man | man -l -
  uwsgictl man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write one page for uwsgictl and one for each command into this directory, which is made if need be
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// A modifier1 by number or name.
pub(crate) fn modifier1(text: &str) -> Result<Modifier1, String> {
    if let Ok(number) = text.parse() {
        return Ok(Modifier1(number));
    }
    let named = Modifier1::NAMED.iter().find(|modifier| modifier.name() == Some(text));
    named.copied().ok_or_else(|| {
        let names: Vec<_> = Modifier1::NAMED.iter().filter_map(|modifier| modifier.name()).collect();
        format!("neither a number from 0 to 255 nor one of {}", names.join(", "))
    })
}
