//! The options of `uwsgictl decode`.

use std::path::PathBuf;

use clap::ValueEnum;

/// Show the content of a capture: every packet, every var, and where each begins
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The input is what one side of a connection sent: one packet after another, each followed by its body. Offsets are in bytes \
from the start of the input, and begin at 0. The packets are read as a client's. For those of a server add --answer, because \
the same modifiers can mean another payload: the payload of an RPC call is an array, that of its answer is raw.

Bytes that are not printable text are shown as \\xNN, a backslash as \\\\. In JSON, strings are latin-1: one character \
U+0000 to U+00FF for each byte.

If the input is malformed, the command shows the packets before the error, then the error and its place, and the exit status \
is 1. With --json the document is then {\"packets\": [...], \"error\": {\"kind\", \"offset\", \"needed\", \"message\"}}. \
`needed` is the number of further bytes that complete an input that is cut short.

Examples:
  uwsgictl decode request.bin
  uwsgictl decode --json request.bin | jq -r '.[].vars[] | join(\"=\")'
  uwsgictl decode --answer rpc-answer.bin
  uwsgictl decode --answer --body rest cache-answer.bin
  echo '00 0600 00  0100 41 0100 42  # A=B' | uwsgictl decode --hex")]
pub(crate) struct Args {
    /// Print JSON, one document per file
    #[arg(long)]
    pub(super) json: bool,

    /// The input is hex digits in pairs; white space is ignored, and so is everything from # to the end of the line
    #[arg(long)]
    pub(super) hex: bool,

    /// The input was sent by a server: read the payloads of answers
    #[arg(long, conflicts_with = "payload")]
    answer: bool,

    /// The form of the payloads
    #[arg(long, value_enum, default_value_t = Form::Auto, value_name = "FORM")]
    payload: Form,

    /// Where the body after a packet ends
    #[arg(long, value_enum, default_value_t = Framing::ContentLength, value_name = "FRAMING")]
    pub(super) body: Framing,

    /// Files to read; - is standard input, which is the default
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// The form in which payloads are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// The form that the modifiers mean for a request or, with --answer, for an answer
    Auto,
    /// The form that the modifiers mean for an answer.
    #[value(skip)]
    Answer,
    /// Pairs of key and value
    Vars,
    /// Items
    Array,
    /// Bytes without a structure
    Raw,
    /// No payload: a datasize above 0 is an error
    None,
}

/// Where bodies end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Framing {
    /// After the number of bytes in the var CONTENT_LENGTH; there is no body without it
    ContentLength,
    /// At the end of the input
    Rest,
    /// No packet has a body
    None,
}

impl Args {
    /// Returns the form that `--answer` and `--payload` choose together.
    pub(super) const fn form(&self) -> Form {
        if self.answer { Form::Answer } else { self.payload }
    }
}

impl Framing {
    /// Returns the word on the command line and in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ContentLength => "content-length",
            Self::Rest => "rest",
            Self::None => "none",
        }
    }
}
