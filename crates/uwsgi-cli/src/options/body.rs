//! `-d`, `--data-binary` and `--data-raw`: the parts of a request's body, joined as curl joins them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Args, Error, FromArgMatches, ValueHint};

use crate::exit::Failure;
use crate::files;

/// The parts of the body in the order of the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyArgs {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    /// The position on the command line.
    index: usize,
    kind: Kind,
    value: OsString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `@FILE` stands for the file without its line ends and NUL bytes.
    Data,
    /// `@FILE` stands for the unchanged file.
    Binary,
    /// `@` has no meaning.
    Raw,
}

impl BodyArgs {
    /// The ids of the options. Other options name them as conflicts.
    pub(crate) const IDS: [&'static str; 3] = ["data", "data-binary", "data-raw"];

    /// Returns the body of one `--data-binary`.
    pub(crate) fn binary(value: OsString) -> Self {
        Self { parts: vec![Part { index: 0, kind: Kind::Binary, value }] }
    }

    /// Whether the request has no body. An empty body is a body.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the bytes of the body, all parts with `&` between them; `None` without a body.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        let mut body: Option<Vec<u8>> = None;
        for part in &self.parts {
            let bytes = part.read()?;
            match &mut body {
                Some(body) => {
                    body.push(b'&');
                    body.extend(bytes);
                }
                None => body = Some(bytes),
            }
        }
        Ok(body)
    }
}

impl Part {
    fn read(&self) -> Result<Vec<u8>, Failure> {
        let value = self.value.as_encoded_bytes();
        let file = match self.kind {
            Kind::Raw => None,
            Kind::Data | Kind::Binary => self.value.to_str().and_then(|text| text.strip_prefix('@')),
        };
        let Some(file) = file else {
            if self.kind != Kind::Raw && value.starts_with(b"@") {
                return Err(Failure::Failed("the name of a file after @ must be UTF-8".to_owned()));
            }
            return Ok(value.to_vec());
        };
        let mut bytes = files::read(Path::new(OsStr::new(file)))?;
        if self.kind == Kind::Data {
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        }
        Ok(bytes)
    }
}

// A derived implementation would keep the order of the values of one option, but not the order among several options.
impl FromArgMatches for BodyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut body = Self::default();
        body.update_from_arg_matches(matches)?;
        Ok(body)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (id, kind) in Self::IDS.into_iter().zip([Kind::Data, Kind::Binary, Kind::Raw]) {
            let indices = matches.indices_of(id).into_iter().flatten();
            let values = matches.get_many::<OsString>(id).into_iter().flatten();
            self.parts.extend(indices.zip(values).map(|(index, value)| Part { index, kind, value: value.clone() }));
        }
        self.parts.sort_by_key(|part| part.index);
        Ok(())
    }
}

impl Args for BodyArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let option = |id: &'static str| {
            Arg::new(id)
                .long(id)
                .value_name("DATA")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(clap::value_parser!(OsString))
                .value_hint(ValueHint::FilePath)
        };
        command
            .arg(option("data").short('d').help(
                "The body of the request, sent with POST as a form; @FILE is the content of a file without its line ends, \
                 @- that of standard input; several bodies are joined with &",
            ))
            .arg(option("data-binary").help("As --data, but a file keeps its line ends"))
            .arg(option("data-raw").help("As --data, but @ has no meaning"))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}
