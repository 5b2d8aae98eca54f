//! The server that a command asks.

use core::time::Duration;

use uwsgi_io::Client;

use super::values;
use crate::exit::Failure;
use crate::files;

/// The environment variable that names the server if `--to` does not.
pub(crate) const SERVER_VARIABLE: &str = "UWSGICTL_TO";

/// `--to` and `--timeout`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long = "to", value_name = "ADDR", value_parser = values::address, env = SERVER_VARIABLE)]
    pub(crate) address: String,

    /// How long the whole exchange may take, in seconds [default: 10 to connect, 60 to wait for each byte]
    #[arg(short = 'm', long, visible_alias = "max-time", value_name = "SECS", value_parser = values::seconds)]
    timeout: Option<Duration>,
}

impl ServerArgs {
    /// Returns a client of this server.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let address = &self.address;
        let failed = |why: &str| Failure::Failed(format!("--to {address}: {why}"));
        let client = Client::new(address).map_err(|error| failed(&error.to_string()))?;
        if let Some(why) = files::not_a_socket(address) {
            return Err(failed(why));
        }
        Ok(match self.timeout {
            Some(after) => client.with_connect_timeout(after).with_total_timeout(after),
            None => client,
        })
    }
}
