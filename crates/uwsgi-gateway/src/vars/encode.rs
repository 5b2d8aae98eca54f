//! Writes the packet of a request.

use alloc::vec::Vec;

use http::Version;
use http::header::{CONNECTION, CONTENT_TYPE, FORWARDED, HOST, HeaderName, UPGRADE};
use uwsgi::gateway::{is_forwarding_header, is_plain_header_name};
use uwsgi::{EncodeErrorKind, HeaderPolicy, Host, Scheme, VarsEncoder};
use uwsgi_tower::PacketBuf;

use crate::vars::body::FrontBody;
use crate::vars::front_request::FrontRequest;
use crate::vars::head_error::HeadError;
use crate::vars::headers::{
    X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID, received, spelling, values,
};
use crate::vars::http_var::{HttpVar, Part, Variable};
use crate::vars::translation::{Forwarding, Translation};

impl FrontRequest<'_> {
    /// Makes the packet. `length` is the length of the body, which becomes `CONTENT_LENGTH`.
    ///
    /// # Errors
    ///
    /// [`HeadError::Encode`]: the vars do not fit into a packet.
    pub fn packet(&self, length: u64) -> Result<PacketBuf, HeadError> {
        packet(self, length)
    }
}

/// Refuses a request whose vars do not fit into a packet, before its body is read.
pub(crate) fn check_size(request: &FrontRequest<'_>) -> Result<(), HeadError> {
    if max_bytes(request) <= usize::from(u16::MAX) {
        return Ok(());
    }
    let length = if let FrontBody::Length(length) = request.body { length } else { 0 };
    packet(request, length).map(drop)
}

/// Makes the packet of a request with a body of this length.
fn packet(request: &FrontRequest<'_>, length: u64) -> Result<PacketBuf, HeadError> {
    let translation = request.translation;
    let mut bytes = Vec::with_capacity(max_bytes(request).min(usize::from(u16::MAX)));
    let policy = HeaderPolicy::default().allow_underscores(translation.underscores);
    let mut packet = Writer { vars: VarsEncoder::with_policy(&mut bytes, policy), translation };
    packet.push_params(request, length)?;
    packet.push_headers(request)?;
    packet.push_forwarded(request)?;
    packet.push_header(&X_REQUEST_ID, request.request_id.as_bytes())?;
    for var in &translation.vars {
        packet.vars.push(&var.key, &value_of(var, request))?;
    }
    let (modifier1, modifier2) = translation.modifiers;
    Ok(PacketBuf::new(modifier1, modifier2, packet.vars.payload())?)
}

/// Writes vars, except those that the operator's vars replace.
struct Writer<'t, 'b> {
    vars: VarsEncoder<'b, Vec<u8>>,
    translation: &'t Translation,
}

impl Writer<'_, '_> {
    /// Writes the vars of nginx's `uwsgi_params`, in their order.
    fn push_params(&mut self, request: &FrontRequest<'_>, length: u64) -> Result<(), HeadError> {
        let FrontRequest { parts, front, target, client, .. } = request;
        self.push("QUERY_STRING", target.query.as_bytes())?;
        self.push("REQUEST_METHOD", parts.method.as_str().as_bytes())?;
        let content_type = uwsgi::HeaderName::from_name(CONTENT_TYPE.as_str());
        let content_type = content_type.joined(values(&parts.headers, &CONTENT_TYPE));
        self.push("CONTENT_TYPE", content_type.as_deref().unwrap_or_default())?;
        self.vars.push_number("CONTENT_LENGTH", length)?;
        self.push("REQUEST_URI", target.request_uri.as_bytes())?;
        self.push("PATH_INFO", &target.path)?;
        self.push("SERVER_PROTOCOL", if parts.version == Version::HTTP_10 { b"HTTP/1.0" } else { b"HTTP/1.1" })?;
        self.push("REQUEST_SCHEME", client.scheme.as_str().as_bytes())?;
        if client.scheme == Scheme::Https {
            self.push("HTTPS", b"on")?;
        }
        self.push("REMOTE_ADDR", client.remote_addr.as_bytes())?;
        if let Some(port) = client.remote_port {
            self.push("REMOTE_PORT", port.as_bytes())?;
        }
        self.push("SERVER_PORT", front.server_port.as_bytes())?;
        self.push("SERVER_NAME", server_name(request).as_bytes())
    }

    /// Writes the headers of the client, in their order.
    fn push_headers(&mut self, request: &FrontRequest<'_>) -> Result<(), HeadError> {
        let headers = &request.parts.headers;
        let host = request.target.host.map(|host| host.as_str().as_bytes());
        if let (false, Some(host)) = (headers.contains_key(HOST), host) {
            self.push_header(&HOST, host)?;
        }
        for name in headers.keys().filter(|name| is_sent(request, name)) {
            let value = match *name {
                HOST => host.unwrap_or_default().into(),
                // The client may offer more protocols, but the gateway can only tunnel a WebSocket.
                UPGRADE => b"websocket"[..].into(),
                CONNECTION => b"upgrade"[..].into(),
                _ => {
                    let rules = uwsgi::HeaderName::from_name(name.as_str());
                    rules.joined(values(headers, name)).unwrap_or_default()
                }
            };
            self.push_header(name, &value)?;
        }
        Ok(())
    }

    /// Writes what the gateway says about the client.
    fn push_forwarded(&mut self, request: &FrontRequest<'_>) -> Result<(), HeadError> {
        let FrontRequest { client, translation, .. } = request;
        let client_address = || client.address.map(|_| client.remote_addr.as_bytes().to_vec());
        let forwarded_for = match translation.forwarding {
            Forwarding::None => return Ok(()),
            Forwarding::Append if client.is_peer_trusted => appended(request),
            Forwarding::Append | Forwarding::Replace => client_address(),
        };
        let host = request.target.host.map(|host| host.as_str().as_bytes());
        let written = [
            (&X_FORWARDED_FOR, forwarded_for.as_deref()),
            (&X_FORWARDED_PROTO, Some(client.scheme.as_str().as_bytes())),
            (&X_FORWARDED_HOST, host),
        ];
        for (name, value) in written {
            let of_proxy = || spelling(&request.parts.headers, name, translation.underscores);
            let is_received = translation.trusts_header(name) && of_proxy().is_some_and(|name| is_sent(request, name));
            if let (Some(value), false) = (value, is_received) {
                self.push_header(name, value)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, key: &str, value: &[u8]) -> Result<(), HeadError> {
        if !self.translation.replaces(key.bytes()) {
            self.vars.push(key, value)?;
        }
        Ok(())
    }

    fn push_header(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), HeadError> {
        if self.translation.replaces(uwsgi::HeaderName::from_name(name.as_str()).key()) {
            return Ok(());
        }
        match self.vars.push_header(name.as_str(), value) {
            // Programs take `HTTP_PROXY` for the address of a proxy to use (CVE-2016-5385), so the header is left out.
            Err(error) if error.kind() == EncodeErrorKind::ProxyHeader => Ok(()),
            result => Ok(result?),
        }
    }
}

/// Whether a header of the client is sent. The encoder decides about `Proxy`.
fn is_sent(request: &FrontRequest<'_>, name: &HeaderName) -> bool {
    let FrontRequest { translation, client, websocket, .. } = request;
    if !is_plain_header_name(name.as_str(), translation.underscores) {
        return false;
    }
    let rules = uwsgi::HeaderName::from_name(name.as_str());
    // These are written already. A name with an underscore becomes one of them too.
    let is_written = ["content-type", "content-length", X_REQUEST_ID.as_str()].iter().any(|written| rules == *written);
    let is_listed = request.listed.contains(name) && !(*websocket && *name == UPGRADE);
    if is_written || is_listed || !rules.passes(*websocket) {
        return false;
    }
    if translation.trusts_header(name) {
        return client.is_peer_trusted && rules != *FORWARDED.as_str();
    }
    !is_forwarding_header(name.as_str())
}

/// Returns what a trusted proxy sent as `X-Forwarded-For`, and after it the address of this proxy.
fn appended(request: &FrontRequest<'_>) -> Option<Vec<u8>> {
    let received = received(&request.parts.headers, &X_FORWARDED_FOR, request.translation.underscores);
    let peer = request.front.peer.map(|_| request.front.remote_addr.as_bytes());
    let entries: Vec<&[u8]> = received.map(<[u8]>::trim_ascii).chain(peer).filter(|entry| !entry.is_empty()).collect();
    if entries.is_empty() { None } else { Some(entries.join(&b", "[..])) }
}

/// Returns the value of a var that the operator adds.
fn value_of(var: &HttpVar, request: &FrontRequest<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    for part in &var.value {
        value.extend_from_slice(text_of(part, request).as_bytes());
    }
    value
}

fn text_of<'r>(part: &'r Part, request: &'r FrontRequest<'_>) -> &'r str {
    match part {
        Part::Text(text) => text,
        Part::Variable(Variable::Host) => server_name(request),
        Part::Variable(Variable::RemoteAddr) => &request.client.remote_addr,
        Part::Variable(Variable::RequestId) => &request.request_id,
        Part::Variable(Variable::RequestUri) => &request.target.request_uri,
        Part::Variable(Variable::Scheme) => request.client.scheme.as_str(),
    }
}

/// Returns the name of the host that the request is for, else the address of the listener.
fn server_name<'r>(request: &'r FrontRequest<'_>) -> &'r str {
    request.target.host.as_ref().map_or(&request.front.server_name, Host::name)
}

/// Returns an upper bound of the packet's length.
fn max_bytes(request: &FrontRequest<'_>) -> usize {
    /// More than the keys, and the values that a client does not choose.
    const FIXED: usize = 1024;
    /// More than is added to a header: `HTTP_`, two lengths, and two bytes to join it with the line before it.
    const HEADER: usize = 11;
    let headers = request.parts.headers.iter().map(|(name, value)| sum([name.as_str().len(), value.len(), HEADER]));
    let parts = request.translation.vars.iter().flat_map(|var| &var.value);
    let keys = request.translation.vars.iter().map(|var| sum([var.key.len(), HEADER]));
    let host = request.target.host.map_or(0, |host| host.as_str().len());
    // The target is in QUERY_STRING, REQUEST_URI and PATH_INFO, and the host in SERVER_NAME and two headers.
    let target = request.target.request_uri.len().saturating_mul(3);
    let texts = parts.map(|part| text_of(part, request).len());
    let values = [FIXED, target, host.saturating_mul(3), request.parts.method.as_str().len()];
    // `append` writes X-Forwarded-For again.
    let again = received(&request.parts.headers, &X_FORWARDED_FOR, request.translation.underscores);
    let again = again.map(|value| value.len().saturating_add(2));
    sum(values.into_iter().chain(headers).chain(keys).chain(texts).chain(again))
}

fn sum(lengths: impl IntoIterator<Item = usize>) -> usize {
    lengths.into_iter().fold(0, usize::saturating_add)
}
