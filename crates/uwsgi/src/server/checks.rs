//! The checks of a packet that a server makes before it asks the application.

use crate::cgi::check::check_var;
use crate::cgi::request::Request;
use crate::http::body_framing::RequestFraming;
use crate::http::upgrade::Protocols;
use crate::server::refusal::Refusal;
use crate::server::settings::Settings;
use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::header::Header;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// What the vars of a request say about its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestFacts {
    /// The method is HEAD, whose answer has no body.
    pub(crate) is_head: bool,
    /// The request has no body unless it declares one: GET or HEAD, and no Transfer-Encoding.
    pub(crate) is_bodiless: bool,
    /// There is a `CONTENT_LENGTH` that is not empty, and all of them have the same bytes.
    pub(crate) allows_keepalive: bool,
    /// The body has a declared length.
    pub(crate) has_length: bool,
    /// The protocols that the request offers to upgrade its connection to.
    pub(crate) upgrade: Protocols,
}

impl RequestFacts {
    /// The facts before there is a request.
    pub(crate) const NONE: Self = Self {
        is_head: false,
        is_bodiless: false,
        allows_keepalive: false,
        has_length: false,
        upgrade: Protocols::NONE,
    };
}

/// Whether a packet is not a web request. A caller must recognize a ping first.
pub(crate) fn is_message(header: &Header) -> bool {
    !header.modifier1.is_request(header.modifier2)
}

/// Makes the checks that need only the four bytes of a header.
pub(crate) fn check_header(settings: &Settings, header: &Header, got: &[u8]) -> Result<(), Refusal> {
    let is_ping = header.modifier1 == Modifier1::PING;
    if !is_ping && !settings.accepts(header.modifier1) {
        return Err(header.foreign().map_or(Refusal::Modifier1(header.modifier1), Refusal::Foreign));
    }
    if header.datasize > settings.limits.datasize() {
        // The decoder makes the error. It looks at the header only.
        if let Err(error) = Packet::decode_with(got, &settings.limits) {
            return Err(Refusal::Decode(error));
        }
    }
    // A ping and a signal are headers without a payload.
    if header.datasize == 0 && !is_ping && !is_message(header) { Err(Refusal::Empty) } else { Ok(()) }
}

/// Decodes the block and checks it, in this order: well-formed, limits, length, limit of the length, contents.
pub(crate) fn decode_request<'b>(
    settings: &Settings,
    head: &'b [u8],
    facts: &mut RequestFacts,
) -> Result<(Request<'b>, RequestFraming), Refusal> {
    let (packet, _) = Packet::decode(head).map_err(Refusal::Decode)?;
    let request = Request::decode_with(&packet, &settings.limits).map_err(|error| match error.kind() {
        DecodeErrorKind::VarsLimit | DecodeErrorKind::KeyLimit | DecodeErrorKind::ValueLimit => {
            // If the block is also malformed, that is the reason of the refusal.
            Refusal::Decode(Vars::decode(packet.payload()).err().map_or(error, DecodeError::after_header))
        }
        _ => Refusal::Decode(error),
    })?;
    // This comes before the checks, because the response of a refusal to HEAD has no body either.
    facts.is_head = request.method() == Some(b"HEAD");
    facts.is_bodiless =
        matches!(request.method_or_get(), b"GET" | b"HEAD") && request.vars().get("HTTP_TRANSFER_ENCODING").is_none();
    facts.allows_keepalive = request.allows_keepalive();
    let framing = if settings.chunked { request.body_framing_or_chunked() } else { request.body_framing() };
    let body = framing.map_err(Refusal::Framing)?;
    match body {
        RequestFraming::Length(length) if length > settings.body_limit => {
            return Err(Refusal::BodyTooLarge { length, limit: settings.body_limit });
        }
        _ => {}
    }
    // One pass checks the vars and looks for `HTTP_UPGRADE`. Few requests have it, and a search for it would be another pass.
    let mut has_upgrade = false;
    for (key, value) in request.vars() {
        check_var(key, value)?;
        has_upgrade |= key.eq_ignore_ascii_case(b"HTTP_UPGRADE");
    }
    facts.upgrade = if has_upgrade { Protocols::of(request.upgrade()) } else { Protocols::NONE };
    Ok((request, body))
}
