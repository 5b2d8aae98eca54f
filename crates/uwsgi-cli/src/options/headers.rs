//! `-H` and `-u`: the headers of a request.

use std::ffi::OsString;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uwsgi_inspect::Escaped;

use super::argument_start;
use crate::exit::Failure;

/// `-H` and `-u`.
#[derive(Debug, clap::Args)]
pub(crate) struct HeaderArgs {
    /// A header of the request; 'Name;' sends an empty value, 'Name:' leaves out a default header
    #[arg(id = "header", short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<OsString>,

    /// Send this user and password in the header Authorization, by the scheme Basic
    #[arg(short, long, value_name = "USER:PASSWORD", allow_hyphen_values = true)]
    user: Option<OsString>,
}

impl HeaderArgs {
    /// The ids of the options. Other options name them as conflicts.
    pub(crate) const IDS: [&'static str; 2] = ["header", "user"];

    /// Whether no header is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.user.is_none()
    }

    /// Returns the value of Authorization for `-u`.
    pub(crate) fn authorization(&self) -> Result<Option<String>, Failure> {
        let Some(user) = &self.user else { return Ok(None) };
        let bytes = user.as_encoded_bytes();
        if !bytes.contains(&b':') {
            let start = Escaped(argument_start(bytes));
            return Err(Failure::Failed(format!(
                "-u {start}: no password: write USER:PASSWORD, or USER: for an empty password"
            )));
        }
        Ok(Some(format!("Basic {}", STANDARD.encode(bytes))))
    }
}
