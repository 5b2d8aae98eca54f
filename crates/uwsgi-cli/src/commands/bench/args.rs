//! The options of `uwsgictl bench`.

use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::options::{HeaderArgs, SERVER_VARIABLE, values};

/// Load a server, and measure how fast it answers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A connection carries one request, as with nginx. With --keepalive it carries the next request too, if the server allows it. \
Without --rate each connection starts its next request after the answer to the request before, so that a slow server gets \
fewer requests. With --rate each request is due at a fixed time, and its latency counts from that time: if a server stalls, \
the requests that have to wait count as slow requests. A request that was due before the end of -d and found no free \
connection still starts after the end, but no later than --timeout after it. The rate counts the answers before the end.

The command reads each answer to its end, as a front end does. An answer of any status is an answer. A request without an \
answer is an error, counted by its kind. If the server has closed a kept connection, its request is sent again on a new \
connection, and counts as repeated, not as answered.

Latencies include those of requests that waited in vain: requests that timed out, that were due and never started, or that \
had no answer at Ctrl-C. The latency of such a request is the time that it waited. If this makes a percentile too small, the \
percentile is marked with >=, and in JSON it is in at_least. A request that failed at once has no latency. The report says of \
how many requests the latencies are.

The command contacts nothing but ADDR. If nothing listens there, the run ends after a second. Ctrl-C ends it at once and \
prints the result so far. The exit status is 2 if no request was answered.

Examples:
  uwsgictl bench --to 127.0.0.1:3031
  uwsgictl bench --to unix:/run/app.sock -c 64 -d 30 \\
      'http://example.com/search?q=x' -H 'Accept: application/json'
  uwsgictl bench --to @app --rate 2000 --json | jq .latency_us.p99
  uwsgictl bench --to @app -n 10000 -X PUT --body @upload.bin /file
  uwsgictl bench --to /run/app.sock --packet captured.bin")]
pub(crate) struct Args {
    /// Where the server listens: host:port, unix:/path, a path with a / in it, or @name
    #[arg(long, value_name = "ADDR", value_parser = values::address, env = SERVER_VARIABLE)]
    pub(super) to: String,

    /// The URL, or a path of http://localhost; the request is the one that `uwsgictl encode` makes of the URL
    #[arg(value_name = "URL", default_value = "http://localhost/")]
    pub(super) url: OsString,

    /// How many connections there are at once
    #[arg(short, long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) connections: u16,

    /// How many seconds new requests are started [default: 10]
    #[arg(short, long, value_name = "SECS", value_parser = values::seconds, conflicts_with = "requests")]
    pub(super) duration: Option<Duration>,

    /// How many requests are sent
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) requests: Option<u64>,

    /// Start this number of requests per second, even if earlier requests are not answered yet
    #[arg(long, value_name = "PER SECOND", value_parser = rate)]
    pub(super) rate: Option<f64>,

    /// Use a connection for more than one request, if the server allows it
    #[arg(long)]
    pub(super) keepalive: bool,

    /// How long a request may take, from the connection to the last byte of the answer
    #[arg(long, value_name = "SECS", value_parser = values::seconds, default_value = "10")]
    pub(super) timeout: Duration,

    /// How many threads share the connections [default: one for each core; with --rate one for every 5000 per second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,

    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(super) request: Option<OsString>,

    #[command(flatten)]
    pub(super) headers: HeaderArgs,

    /// The body; @FILE reads a file, @- standard input
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    pub(super) body: Option<OsString>,

    /// Send this file instead of the request of a URL: a packet and its body, as `uwsgictl encode` writes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "request", "header", "user", "body"])]
    pub(super) packet: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Parses a number of requests per second.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("not a number from 0.001 to 10000000".to_owned()),
    }
}
