//! Declares that a request has no body.

use crate::cgi::request::Request;
use crate::wire::header::Header;

/// Returns what a client adds to a request that does not declare the length of its body: the packet's new header, and the bytes
/// that follow its block. `None` where the request declares a length or a Transfer-Encoding, or where the packet has no room.
///
/// A server can keep a connection only after a request that declares the length of its body, even if that is 0.
///
/// ```
/// use uwsgi::client::declare_no_body;
/// use uwsgi::{Packet, Request};
///
/// let sent = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
/// let (packet, _) = Packet::decode(sent)?;
/// let (header, var) = declare_no_body(packet.header(), &Request::decode(&packet)?).unwrap();
/// let declared = [&header.to_bytes(), packet.payload(), var].concat();
/// let (packet, _) = Packet::decode(&declared)?;
/// assert_eq!(packet.vars()?.get("CONTENT_LENGTH"), Some(&b"0"[..]));
/// assert!(declare_no_body(packet.header(), &Request::decode(&packet)?).is_none());
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[must_use]
pub fn declare_no_body(header: Header, request: &Request<'_>) -> Option<(Header, &'static [u8])> {
    const VAR: &[u8] = b"\x0e\0CONTENT_LENGTH\x01\x000";
    let is_undeclared =
        request.vars().get("CONTENT_LENGTH").is_none() && request.vars().get("HTTP_CONTENT_LENGTH").is_none();
    if !is_undeclared || request.vars().get("HTTP_TRANSFER_ENCODING").is_some() {
        return None;
    }
    let datasize = header.datasize.checked_add(u16::try_from(VAR.len()).ok()?)?;
    Some((Header { datasize, ..header }, VAR))
}
