//! The options of `uwsgictl gateway`.

use core::time::Duration;
use std::io;
use std::path::PathBuf;

use clap::ValueEnum;
use http::{HeaderName, HeaderValue};
use uwsgi::Address;
use uwsgi::Modifier1;
use uwsgi_gateway::{HttpVar, TrustedProxies};

use crate::options::values;

/// Put HTTP in front of a server of uwsgi, as uWSGI's HTTP router does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
ADDR is host:port, :port (every IPv4 address of this machine), unix:/path, a path with a / in it, @name (a Linux socket \
without a file), or, for --http, fd:N (inherited). SIZE is a number of bytes, with an optional k, M or G for powers of 1024. \
SECS may have a fraction. Options that uWSGI has too have its names.

The gateway reads the body of a request before it asks the backend, and takes the answer as fast as the backend gives it. So \
a slow client holds no worker of the backend. --stream-bodies and --stream-answers switch this off.

A client can write anything into X-Forwarded-For, X-Real-IP, Forwarded and similar headers. So the gateway removes them, and \
sets X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host itself. If another proxy is in front of the gateway, name it with \
--trusted-proxy: then REMOTE_ADDR and the scheme are those that it reports.

If the backend fails before the head of its answer, the status is 502 (not there, or not a valid answer), 503 (too busy) or \
504 (too slow), and the reason is in the log, on standard error. If it fails later, the gateway breaks the answer off. RUST_LOG \
sets what the log has.

SIGTERM or SIGINT stops the gateway: what has begun is finished, for --stop-timeout at most. A second signal ends it at once.

It has no TLS, no HTTP/2, no compression, no rate limits, no cache and no static files. If you need them, put nginx, HAProxy \
or Caddy in front, and name it with --trusted-proxy. nginx can also do without the gateway: uwsgi_pass.

Examples:
  uwsgictl gateway --http-to 127.0.0.1:3031
  uwsgictl gateway --http :80 --http-to unix:/run/app.sock --access-log -
  uwsgictl gateway --http /run/web.sock --socket-mode 666 --http-to @app
  uwsgictl gateway --http :8080 --http-to /run/app.sock \\
      --trusted-proxy 10.0.0.0/8 --http-var 'SERVER_ADMIN=me@example.com'")]
pub(crate) struct Args {
    /// Where to listen for HTTP; may be given several times
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address, help_heading = LISTENERS)]
    pub(super) http: Vec<String>,

    /// The mode of the file of a Unix socket, which says which users may connect
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = values::mode, help_heading = LISTENERS)]
    pub(super) socket_mode: u32,

    /// The most connections of clients at once
    #[arg(long, value_name = "N", default_value = "1024", help_heading = LISTENERS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_connections: u32,

    /// How many threads work [default: one for each core]
    #[arg(long, value_name = "N", help_heading = LISTENERS)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,

    /// Where the backend listens: uWSGI, gunicorn --protocol uwsgi, or another server of uwsgi
    #[arg(long, value_name = "ADDR", required = true, value_parser = values::address, help_heading = BACKEND)]
    pub(super) http_to: Vec<String>,

    /// Add a var to each request, after all others; may be given several times. VALUE may have $remote_addr, $host, $scheme,
    /// $request_uri and $request_id in it
    #[arg(long, value_name = "KEY=VALUE", value_parser = http_var, help_heading = BACKEND)]
    pub(super) http_var: Vec<HttpVar>,

    /// The modifier1 of each request
    #[arg(long, value_name = "N|NAME", default_value = "0", value_parser = values::modifier1, help_heading = BACKEND)]
    pub(super) http_modifier1: Modifier1,

    /// The modifier2 of each request
    #[arg(long, value_name = "N", default_value = "0", help_heading = BACKEND)]
    pub(super) http_modifier2: u8,

    /// A proxy in front of the gateway, whose X-Forwarded-For and X-Forwarded-Proto count: an address or a network, or `unix`
    /// for every peer of a Unix socket; may be given several times
    #[arg(long, value_name = "NETWORK|unix", value_parser = trusted_proxy, help_heading = HEADERS)]
    pub(super) trusted_proxy: Vec<String>,

    /// Let this header of a trusted proxy through, which the gateway otherwise removes, such as X-Real-IP; may be given several
    /// times
    #[arg(long, value_name = "NAME", value_parser = header_name, requires = "trusted_proxy", help_heading = HEADERS)]
    pub(super) trusted_header: Vec<HeaderName>,

    /// What the backend sees in X-Forwarded-For: the client's address alone, the address of the trusted proxy appended to what
    /// it sent, or no such header; with none, also no X-Forwarded-Proto and no X-Forwarded-Host
    #[arg(long, value_name = "HOW", value_enum, default_value = "replace", help_heading = HEADERS)]
    pub(super) forwarded: Forwarded,

    /// What happens to headers with a _ in their name. X_Real_IP could pass for X-Real-IP, since both become one var. Names with
    /// other characters than letters, digits, - and _ are always dropped
    #[arg(long, value_name = "HOW", value_enum, default_value = "drop", help_heading = HEADERS)]
    pub(super) underscores: Underscores,

    /// The longest body of a request, and the most bytes of an answer that wait for a slow client
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = values::size, help_heading = BODIES)]
    pub(super) max_body: u64,

    /// The most memory for all bodies that wait; the rest of them is in temporary files
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = values::size, help_heading = BODIES)]
    pub(super) buffer_memory: u64,

    /// The directory of temporary files
    #[arg(long, value_name = "DIR", default_value = "/var/tmp", value_parser = directory, help_heading = BODIES)]
    pub(super) temp_dir: PathBuf,

    /// The most bytes of all temporary files
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = values::size, help_heading = BODIES)]
    pub(super) temp_max: u64,

    /// Send a body to the backend while the client still sends it, if its length is known
    #[arg(long, help_heading = BODIES)]
    pub(super) stream_bodies: bool,

    /// Take no more of an answer from the backend than the client takes
    #[arg(long, help_heading = BODIES)]
    pub(super) stream_answers: bool,

    /// From the first byte of a request to the end of its headers
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) http_headers_timeout: Duration,

    /// For the next request of a client that keeps its connection, and for its first
    #[arg(long, value_name = "SECS", default_value = "75", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) http_keepalive: Duration,

    /// For a connection to the backend
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) http_connect_timeout: Duration,

    /// For the head of the backend's answer, and then for each next byte
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) http_timeout: Duration,

    /// For the next bytes of a body
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) body_timeout: Duration,

    /// For a client that takes no byte of its answer
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) send_timeout: Duration,

    /// For the next byte of a WebSocket, in either direction
    #[arg(long, value_name = "SECS", default_value = "3600", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) websocket_timeout: Duration,

    /// For requests that run when the gateway stops
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = values::seconds, help_heading = TIMEOUTS)]
    pub(super) stop_timeout: Duration,

    /// Log each request in this file; - is standard output. If lines come faster than they can be written, some are dropped and
    /// counted
    #[arg(long, value_name = "FILE", help_heading = OPERATION)]
    pub(super) access_log: Option<PathBuf>,

    /// The format of the access log: that of nginx and Apache, or a JSON object a line
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "combined", help_heading = OPERATION)]
    pub(super) access_log_format: LogFormat,

    /// Answer requests for this path without the backend: 200. While the gateway stops, new connections are refused, and open
    /// ones get 503
    #[arg(long, value_name = "PATH", value_parser = health_path, help_heading = OPERATION)]
    pub(super) health_path: Option<String>,

    /// The header Server of all answers [default: the backend's]
    #[arg(long, value_name = "TEXT", value_parser = header_value, help_heading = OPERATION)]
    pub(super) server_header: Option<HeaderValue>,
}

const LISTENERS: &str = "Listeners";
const BACKEND: &str = "Backend";
const HEADERS: &str = "Headers of clients and proxies";
const BODIES: &str = "Bodies";
const TIMEOUTS: &str = "The longest waits";
const OPERATION: &str = "Operation";

/// The values of `--forwarded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Forwarded {
    Replace,
    Append,
    None,
}

/// The values of `--underscores`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Underscores {
    Allow,
    Drop,
}

/// The values of `--access-log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Combined,
    Json,
}

/// Checks an address to listen at, and returns it unchanged.
fn address(text: &str) -> Result<String, String> {
    Address::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn http_var(text: &str) -> Result<HttpVar, String> {
    HttpVar::parse(text).map_err(|error| error.to_string())
}

/// Checks a list of proxies, and returns it unchanged.
fn trusted_proxy(text: &str) -> Result<String, String> {
    match TrustedProxies::parse(text) {
        Ok(proxies) if !proxies.is_empty() => Ok(text.to_owned()),
        _ => Err("neither an address nor a network nor unix: write 10.0.0.0/8, ::1 or unix".to_owned()),
    }
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "not the name of a header: write X-Real-IP".to_owned())
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(text).ok().filter(|_| !text.trim().is_empty());
    value.ok_or_else(|| "not the value of a header: it is empty, or has a control character".to_owned())
}

/// Checks the directory of temporary files.
fn directory(text: &str) -> Result<PathBuf, String> {
    let directory = PathBuf::from(text);
    match std::fs::metadata(&directory) {
        Ok(metadata) if metadata.is_dir() => Ok(directory),
        Ok(_) => Err("not a directory".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("the directory does not exist: make it, or choose another".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Checks the path of the health check.
fn health_path(text: &str) -> Result<String, String> {
    let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%".contains(&byte));
    if is_path { Ok(text.to_owned()) } else { Err("not a path: write /health, without ? and %".to_owned()) }
}
