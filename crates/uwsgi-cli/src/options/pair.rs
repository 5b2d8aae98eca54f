//! KEY=VALUE arguments.

use std::ffi::{OsStr, OsString};

use uwsgi::VarsEncoder;
use uwsgi_inspect::Escaped;

use crate::exit::Failure;

/// A KEY=VALUE argument. The first `=` ends the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    argument: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl<'a> Pair<'a> {
    /// Parses one argument.
    pub(crate) fn parse(argument: &'a OsStr) -> Result<Self, Failure> {
        let argument = argument.as_encoded_bytes();
        let mut halves = argument.splitn(2, |byte| *byte == b'=');
        match (halves.next(), halves.next()) {
            (Some(key), Some(value)) => Ok(Pair { argument, key, value }),
            _ => Err(Failure::Failed(format!(
                "{}: neither KEY=VALUE nor a URL that begins with http:// or https://",
                Escaped(argument_start(argument))
            ))),
        }
    }

    /// Parses all arguments. The error is that of the first argument without `=`.
    pub(crate) fn parse_all(arguments: &'a [OsString]) -> Result<Vec<Self>, Failure> {
        arguments.iter().map(|argument| Self::parse(argument)).collect()
    }

    /// Appends the pair to the packet, without a check of its bytes.
    pub(crate) fn push_to(&self, encoder: &mut VarsEncoder<'_, Vec<u8>>) -> Result<(), Failure> {
        encoder.push_raw(self.key, self.value).map_err(|error| Failure::encode(argument_start(self.argument), error))
    }
}

/// Returns the start of an argument, which is enough for a message to name it.
pub(crate) fn argument_start(argument: &[u8]) -> &[u8] {
    argument.get(..40).unwrap_or(argument)
}
