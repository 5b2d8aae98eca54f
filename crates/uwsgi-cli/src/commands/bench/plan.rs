//! The plan of a run, made before the first connection.

use core::time::Duration;
use std::path::Path;
use std::thread;

use uwsgi::client::Exchange;
use uwsgi::{Modifier1, Packet, Request};
use uwsgi_inspect::Escaped;

use super::args::Args;
use super::target::Target;
use crate::exit::Failure;
use crate::files;
use crate::options::BodyArgs;
use crate::request_packet::{RequestOptions, Url, VarSyntax};

/// The requests of a run, and when the run ends.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// The packet, and the body after it.
    pub(super) bytes: Vec<u8>,
    /// The state of the exchange before the first byte. Each request starts with a copy.
    pub(super) exchange: Exchange,
    pub(super) method: String,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) keepalive: bool,
    pub(super) timeout: Duration,
    pub(super) end: End,
    /// Requests per second; `None` for a closed loop, in which each answer starts the next request.
    pub(super) rate: Option<f64>,
}

/// When the last request is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    After(Duration),
    Requests(u64),
}

impl Plan {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let bytes = request_bytes(args)?;
        let (exchange, method) = exchange(&bytes)?;
        let connections = usize::from(args.connections);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            target: Target::resolve(&args.to)?,
            bytes,
            exchange,
            method,
            connections,
            threads: args.threads.map_or_else(|| default_threads(cores, args.rate), usize::from).min(connections),
            keepalive: args.keepalive,
            timeout: args.timeout,
            end: match (args.requests, args.duration) {
                (Some(requests), _) => End::Requests(requests),
                (None, duration) => End::After(duration.unwrap_or(Duration::from_secs(10))),
            },
            rate: args.rate,
        })
    }
}

/// Returns the default number of threads. With a rate, all threads wake up for each request that is due, and one of them takes
/// it. So this returns no more threads than the rate needs: one thread easily sends 5000 requests per second.
fn default_threads(cores: usize, rate: Option<f64>) -> usize {
    let Some(rate) = rate else { return cores };
    let are_enough = |threads: &usize| u32::try_from(*threads).is_ok_and(|threads| f64::from(threads) * 5000.0 >= rate);
    (1..cores).find(are_enough).unwrap_or(cores)
}

/// Returns the bytes of the request: of the file, or of the URL as `uwsgictl encode` makes them.
fn request_bytes(args: &Args) -> Result<Vec<u8>, Failure> {
    if let Some(file) = &args.packet {
        return files::read(file);
    }
    let url = Url::parse_or_path(&args.url)?;
    let body = args.body.clone().map(BodyArgs::binary).unwrap_or_default().read()?;
    let length = body.as_ref().map(Vec::len);
    let options = RequestOptions::form(args.request.as_ref(), false, &args.headers, length, VarSyntax::Packet);
    let mut bytes = options.packet(&url, &[], Modifier1::WSGI, 0)?;
    bytes.extend(body.unwrap_or_default());
    Ok(bytes)
}

/// Returns the state machine of the client for this request, and the method.
fn exchange(bytes: &[u8]) -> Result<(Exchange, String), Failure> {
    let failed = |why: String| Failure::Failed(format!("the request: {why}"));
    let (packet, body) = Packet::decode(bytes).map_err(|error| failed(error.to_string()))?;
    let request = Request::decode(&packet).map_err(|error| failed(error.to_string()))?;
    let mut exchange = Exchange::of(&request).map_err(|error| failed(error.to_string()))?;
    let declared = exchange.outgoing();
    if exchange.send(body.len()) != body.len() || exchange.outgoing() > 0 {
        let length = body.len();
        return Err(failed(format!(
            "its CONTENT_LENGTH is {declared}, but {length} bytes follow the packet: give one packet and its whole body"
        )));
    }
    Ok((exchange, Escaped(request.method().unwrap_or(b"GET")).to_string()))
}

/// Returns the source of the request, a file or a URL, for the report.
pub(super) fn source(args: &Args) -> String {
    match &args.packet {
        Some(file) => files::name(Path::new(file)),
        None => Escaped(args.url.as_encoded_bytes()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_no_more_threads_than_it_needs() {
        for (cores, rate, expected) in [
            (6, None, 6),
            (6, Some(0.001), 1),
            (6, Some(5000.0), 1),
            (6, Some(5001.0), 2),
            (6, Some(29_000.0), 6),
            (6, Some(1e7), 6),
            (1, Some(1e7), 1),
        ] {
            assert_eq!(default_threads(cores, rate), expected, "{rate:?}");
        }
    }
}
