//! The server that a command asks.

use core::time::Duration;

use uwsgi_io::Client;

use super::values;
use crate::exit::Failure;

/// `--to` and `--timeout`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long = "to", value_name = "ADDR", value_parser = values::address)]
    pub(crate) address: String,

    /// How long the whole exchange may take, in seconds [default: 10 to connect, 60 to wait for each byte]
    #[arg(long, value_name = "SECS", value_parser = values::seconds)]
    timeout: Option<Duration>,
}

impl ServerArgs {
    /// Returns a client of this server.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client =
            Client::new(&self.address).map_err(|error| Failure::Failed(format!("--to {}: {error}", self.address)))?;
        Ok(match self.timeout {
            Some(after) => client.with_connect_timeout(after).with_total_timeout(after),
            None => client,
        })
    }
}
