//! The server that a command asks.

use core::time::Duration;
use std::fs;

use uwsgi::Address;
use uwsgi_io::Client;

use super::values;
use crate::exit::Failure;

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
        if let Some(why) = not_a_socket(address) {
            return Err(failed(why));
        }
        Ok(match self.timeout {
            Some(after) => client.with_connect_timeout(after).with_total_timeout(after),
            None => client,
        })
    }
}

/// Says why no server can listen at this address, if it is the path of a directory or of a file with content. The system says
/// of such a file that nobody listens there.
pub(crate) fn not_a_socket(address: &str) -> Option<&'static str> {
    let Ok(Address::Unix(path)) = Address::parse(address) else { return None };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Some("this is a directory: name the socket in it"),
        Ok(metadata) if metadata.is_file() => Some("this is a file, not a socket"),
        _ => None,
    }
}
