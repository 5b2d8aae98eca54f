//! The vars of a request that came from a uwsgi server, and how they are sent on.

use alloc::collections::BTreeMap;

use http::request::Parts;
use http::uri;
use uwsgi::{Scheme, passes_to_backend};

use crate::convert::request::{RemoteAddr, Vars};

/// The vars that a request came with, and the extensions that replace some of them.
#[derive(Debug)]
pub(crate) struct Received<'p> {
    vars: Option<uwsgi::Vars<'p>>,
    /// The client, if the extension is set.
    pub(crate) client: Option<RemoteAddr>,
    /// Whether the extension has another address than the vars.
    is_other_client: bool,
    /// The scheme of the extension, else of the vars, else of the URI.
    pub(crate) scheme: Scheme,
}

impl<'p> Received<'p> {
    pub(crate) fn of(parts: &'p Parts) -> Self {
        let vars = parts.extensions.get::<Vars>().map(Vars::as_vars);
        let var = |key: &str| vars.and_then(|vars| vars.get(key));
        let client = parts.extensions.get::<RemoteAddr>().copied();
        let named = var("REMOTE_ADDR").and_then(RemoteAddr::parse);
        let of_uri = if parts.uri.scheme() == Some(&uri::Scheme::HTTPS) { Scheme::Https } else { Scheme::Http };
        let of_vars = || vars.as_ref().and_then(Scheme::of_vars);
        let scheme = parts.extensions.get().copied().or_else(of_vars).unwrap_or(of_uri);
        let is_other_client = client.is_some_and(|client| named.is_none_or(|named| named.ip() != client.ip()));
        Self { vars, client, is_other_client, scheme }
    }

    /// Returns whether the request came with this var.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.vars.is_some_and(|vars| vars.get(key).is_some())
    }

    /// Returns the vars that are sent as they came. Of vars with the same key, the last counts.
    pub(crate) fn vars(&self) -> impl Iterator<Item = (&'p [u8], &'p [u8])> {
        let vars = || self.vars.into_iter().flat_map(|vars| vars.iter()).enumerate();
        let last: BTreeMap<_, _> = vars().map(|(index, (key, _))| (key, index)).collect();
        let is_last = move |key: &[u8], index| last.get(key) == Some(&index);
        vars().filter(move |(index, (key, _))| self.is_sent(key) && is_last(key, *index)).map(|(_, pair)| pair)
    }

    /// Returns whether a var is sent as it came: [`passes_to_backend`] allows it, and no extension replaces it.
    fn is_sent(&self, key: &[u8]) -> bool {
        passes_to_backend(key)
            && match key {
                // `encode_vars` makes these from the scheme.
                b"HTTPS" | b"REQUEST_SCHEME" => false,
                b"REMOTE_ADDR" => self.client.is_none(),
                b"REMOTE_PORT" => !self.is_other_client && self.client.is_none_or(|client| client.port().is_none()),
                // These vars belong to the address.
                b"REMOTE_HOST" | b"REMOTE_IDENT" => !self.is_other_client,
                _ => true,
            }
    }
}
