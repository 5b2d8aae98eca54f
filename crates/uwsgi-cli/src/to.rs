//! The server that is asked.

use core::time::Duration;
use std::io::BufRead;

use uwsgi::client::Address;
use uwsgi_io::{Asked, Client, ClientError, ClientErrorKind};

use crate::output::{Failure, Sink};
use crate::quantity;

/// Which server, and how long it may take.
#[derive(Debug, clap::Args)]
pub(crate) struct To {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) to: String,

    /// How long everything may take, in seconds [default: 10 for the connection, 60 for each byte]
    #[arg(long, value_name = "SECS", value_parser = quantity::seconds)]
    timeout: Option<Duration>,
}

impl To {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = Client::new(&self.to).map_err(|error| Failure::Refused(format!("--to {}: {error}", self.to)))?;
        Ok(match self.timeout {
            Some(after) => client.with_connect_timeout(after).with_total_timeout(after),
            None => client,
        })
    }
}

/// The text itself: it is read again where it is used.
pub(crate) fn address(text: &str) -> Result<String, String> {
    Address::parse(text).and_then(Address::to_connect).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// What a server did, or did not: one line.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error.kind() {
            // The cache has no other way to say no.
            ClientErrorKind::Refused(_) | ClientErrorKind::NoAnswer(Asked::Cache) => Self::No(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// Writes all that comes; how many bytes that were. `explain` puts the server's address to an error of reading.
pub(crate) fn copy<R: BufRead>(
    from: &mut R,
    to: &mut Sink,
    explain: impl Fn(&R, std::io::Error) -> ClientError,
) -> Result<u64, Failure> {
    let mut count: u64 = 0;
    loop {
        let here = match from.fill_buf() {
            Ok(here) => here,
            // What came before it is there.
            Err(error) => {
                to.flush()?;
                return Err(explain(from, error).into());
            }
        };
        if here.is_empty() {
            to.flush()?;
            return Ok(count);
        }
        to.write(here)?;
        let taken = here.len();
        count = count.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        from.consume(taken);
    }
}
