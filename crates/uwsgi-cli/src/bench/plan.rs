//! What is to be done, worked out before the first connection.

use core::time::Duration;
use std::path::Path;
use std::thread;

use uwsgi::client::Exchange;
use uwsgi::{Modifier1, Packet, Request};

use super::Args;
use super::target::Target;
use crate::body::BodyArgs;
use crate::escape::Escaped;
use crate::output::{self, Failure};
use crate::request::{self, Told};

/// What every connection does, and when it ends.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// The packet, and the body behind it.
    pub(super) bytes: Vec<u8>,
    /// The exchange of a request that is about to be sent whole.
    pub(super) exchange: Exchange,
    pub(super) method: String,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) keepalive: bool,
    pub(super) timeout: Duration,
    pub(super) end: End,
    /// Requests per second; as many as there are answers for if there is none.
    pub(super) rate: Option<f64>,
}

/// When no further request is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    After(Duration),
    Requests(u64),
}

impl Plan {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let bytes = bytes(args)?;
        let (exchange, method) = exchange(&bytes)?;
        let connections = usize::from(args.connections);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            target: Target::resolve(&args.to)?,
            bytes,
            exchange,
            method,
            connections,
            threads: args.threads.map_or_else(|| threads(cores, args.rate), usize::from).min(connections),
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

/// How many threads there are unless that is said. With a rate all of them wake up for each request that is due, to see who
/// has a connection for it, so that there are no more than it needs: a thread that does little else makes 5000 a second with
/// ease.
fn threads(cores: usize, rate: Option<f64>) -> usize {
    let Some(rate) = rate else { return cores };
    let are_enough = |threads: &usize| u32::try_from(*threads).is_ok_and(|threads| f64::from(threads) * 5000.0 >= rate);
    (1..cores).find(are_enough).unwrap_or(cores)
}

/// The request, from a file or from the URL as `uwsgictl encode` makes it.
fn bytes(args: &Args) -> Result<Vec<u8>, Failure> {
    if let Some(file) = &args.packet {
        return output::read(file);
    }
    let url = request::url(&args.url)?;
    let body = args.body.clone().map(BodyArgs::binary).unwrap_or_default().read()?;
    let told = Told::form(args.request.as_ref(), false, &args.header, body.as_ref().map(Vec::len));
    let mut bytes = request::packet(&told, &url, &[], Modifier1::WSGI, 0)?;
    bytes.extend(body.unwrap_or_default());
    Ok(bytes)
}

/// The client's machine for this request, and its method.
fn exchange(bytes: &[u8]) -> Result<(Exchange, String), Failure> {
    let refused = |why: String| Failure::Refused(format!("the request: {why}"));
    let (packet, body) = Packet::decode(bytes).map_err(|error| refused(error.to_string()))?;
    let request = Request::decode(&packet).map_err(|error| refused(error.to_string()))?;
    let mut exchange = Exchange::of(&request).map_err(|error| refused(error.to_string()))?;
    let declared = exchange.outgoing();
    if exchange.send(body.len()) != body.len() || exchange.outgoing() > 0 {
        let there = body.len();
        return Err(refused(format!(
            "its CONTENT_LENGTH is {declared}, but {there} bytes follow the packet: give one packet and its whole body"
        )));
    }
    Ok((exchange, Escaped(request.method().unwrap_or(b"GET")).to_string()))
}

/// What the request was made from, for the report.
pub(super) fn source(args: &Args) -> String {
    match &args.packet {
        Some(file) => output::name(Path::new(file)),
        None => Escaped(args.url.as_encoded_bytes()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_the_threads_that_it_needs() {
        for (cores, rate, expected) in [
            (6, None, 6),
            (6, Some(0.001), 1),
            (6, Some(5000.0), 1),
            (6, Some(5001.0), 2),
            (6, Some(29_000.0), 6),
            (6, Some(1e7), 6),
            (1, Some(1e7), 1),
        ] {
            assert_eq!(threads(cores, rate), expected, "{rate:?}");
        }
    }
}
