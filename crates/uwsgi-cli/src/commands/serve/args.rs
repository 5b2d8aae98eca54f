//! The options of `uwsgictl serve`.

use core::time::Duration;
use std::path::PathBuf;

use uwsgi::Address;
use uwsgi::server::{AllowList, Settings};
use uwsgi::{Limits, Modifier1};

use crate::options::values;

/// Answer every request with a report of what arrived: the inspector
#[derive(Debug, clap::Args)]
#[command(after_help = "\
ADDR is host:port, :port (every IPv4 address of this machine), unix:/path, a path with a / in it, @name (a Linux socket \
without a file), or fd:N (inherited). SIZE is a number of bytes, with an optional k, M or G for powers of 1024. SECS may have \
a fraction.

The answers to the paths:
  /               a report of what arrived, as for every path not in this
                  list: HTML for a browser, JSON for Accept:
                  application/json, otherwise text; ?format=html, json or
                  text sets the format
  /echo           the body of the request
  /status/NNN     a status from 200 to 999
  /bytes/SIZE     SIZE bytes, with a length
  /stream/SIZE    SIZE bytes, without a length; ?chunk=BYTES&delay_ms=MS
  /delay/MS       an answer after MS milliseconds, at most 60000
  /headers?A=b    these headers
  /drip           bytes one by one; ?bytes=N&duration_ms=MS
  /abort          a failure in the middle of a body;
                  ?after=BYTES&length=BYTES|none
  /upgrade        status 101, then an echo of all bytes

A request whose body is incomplete also has a report, with status 400 or 408. Bytes that are not a valid request (for example \
a length that is not a number, a line end in a value, or too many vars) are answered with a status alone, and the reason is in \
the log, on standard error.

The server raises its own limit of open files (ulimit -n) to what --max-connections needs, as far as the user may.

The server gives every peer the answer that it asks for, headers included. Use it for tests, not on the internet.

Examples:
  uwsgictl serve
  uwsgictl serve --bind unix:/run/inspect.sock --socket-mode 666
  uwsgictl serve --modifier1 psgi
  uwsgictl serve --bind :3031 --allow-from 10.0.0.0/8 --access-log -

and in nginx:
  location / { include uwsgi_params; uwsgi_pass 127.0.0.1:3031; }")]
pub(crate) struct Args {
    /// Where to listen; may be given several times
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3031", value_parser = address)]
    pub(super) bind: Vec<String>,

    /// How many requests run at once; requests that wait for their peer do not count [default: 4 for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) workers: Option<u16>,

    /// The peers that may connect over TCP: addresses and networks with commas between them, or *
    #[arg(long, value_name = "LIST", default_value_t = AllowList::default(), value_parser = allow_list)]
    pub(super) allow_from: AllowList,

    /// The most vars of a request
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_vars: u16,

    /// The longest body
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = values::size)]
    pub(super) max_body: u64,

    /// The longest wait for all vars of a request
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = values::seconds)]
    pub(super) header_timeout: Duration,

    /// The longest wait for the next bytes of a body
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = values::seconds)]
    pub(super) body_timeout: Duration,

    /// The longest time in which the peer takes no byte of the answer; nginx can pause for long while it sends its temporary
    /// file to a slow client
    #[arg(long, value_name = "SECS", default_value = "3600", value_parser = values::seconds)]
    pub(super) write_timeout: Duration,

    /// Keep connections for further requests, for this idle time at most
    #[arg(long, value_name = "SECS", value_parser = values::seconds)]
    pub(super) keepalive: Option<Duration>,

    /// The most connections at once
    #[arg(long, value_name = "N", default_value = "1024", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_connections: u16,

    /// The mode of the file of a Unix socket, which says which users may connect
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = values::mode)]
    pub(super) socket_mode: u32,

    /// Log each request in this file, in the format "combined" of nginx and Apache; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) access_log: Option<PathBuf>,

    /// Also accept requests of this modifier1, for a front end that is configured to send it; may be given several times
    #[arg(long, value_name = "N|NAME", value_parser = values::modifier1)]
    pub(super) modifier1: Vec<Modifier1>,

    /// Read chunked bodies. Only uWSGI's router sends them, with http-chunked-input
    #[arg(long)]
    pub(super) chunked_input: bool,
}

impl Args {
    /// Returns the settings of the server.
    pub(super) fn settings(&self) -> Settings {
        let mut settings =
            Settings::default().with_limits(Limits::server().with_vars(self.max_vars)).with_body_limit(self.max_body);
        settings.header_timeout = self.header_timeout;
        settings.body_idle = self.body_timeout;
        settings.write_idle = self.write_timeout;
        settings.keepalive = self.keepalive;
        settings.chunked = self.chunked_input;
        self.modifier1.iter().fold(settings, |settings, modifier1| settings.with_modifier1(*modifier1))
    }
}

/// Checks an address to listen at, and returns it unchanged.
fn address(text: &str) -> Result<String, String> {
    Address::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Parses a list of peers.
fn allow_list(text: &str) -> Result<AllowList, String> {
    AllowList::parse(text)
        .map_err(|error| format!("{error}: write 127.0.0.1, 10.0.0.0/8, ::1 or *, with commas between them"))
}
