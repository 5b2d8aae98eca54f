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
    /// Splits one argument; `None` without a `=`.
    pub(crate) fn split(argument: &'a OsStr) -> Option<Self> {
        let argument = argument.as_encoded_bytes();
        let mut halves = argument.splitn(2, |byte| *byte == b'=');
        let (key, value) = (halves.next()?, halves.next()?);
        Some(Pair { argument, key, value })
    }

    /// Splits all arguments. The error is that of the first argument without a `=`. `option` is the option that takes the
    /// arguments, with a space after it; empty if no option does.
    pub(crate) fn split_all(arguments: &'a [OsString], option: &str) -> Result<Vec<Self>, Failure> {
        let pairs = arguments.iter().map(|argument| {
            Self::split(argument).ok_or_else(|| {
                let start = Escaped(argument_start(argument.as_encoded_bytes()));
                Failure::Failed(format!("{option}{start}: not of the form KEY=VALUE"))
            })
        });
        pairs.collect()
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
