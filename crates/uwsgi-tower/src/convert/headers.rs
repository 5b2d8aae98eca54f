//! Converts headers of `http` to vars.

use alloc::vec::Vec;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use uwsgi::{Buffer, EncodeErrorKind, VarsEncoder, connection_lists, is_upgrade};

use crate::convert::more_vars::MoreVars;
use crate::convert::vars_error::VarsError;

/// Removes the headers that belong to one connection only: those that `Connection` lists, and `Connection` itself (RFC 9110
/// section 7.6.1).
///
/// A gateway from HTTP to uwsgi calls this function first, before anything sets a header of its own. The order matters: a
/// client may list any name, `X-Real-IP` for example, and must not be able to remove a header of the gateway. For the same
/// reason [`encode_vars`](crate::encode_vars) ignores what `Connection` lists. A request that came from a uwsgi server does not
/// need this call.
///
/// Host, Content-Length and Content-Type stay: see [`connection_lists`]. If the request asks for an upgrade, `Upgrade` stays
/// too, and `Connection` then lists only that. An `Upgrade` that `Connection` does not list asks for nothing (RFC 9110 section
/// 7.8), and is removed.
///
/// ```
/// use http::Request;
/// use uwsgi_tower::remove_connection_headers;
///
/// let mut request = Request::get("/").header("Connection", "close, X-Hop, X-Real-IP").header("X-Hop", "1").body(())?;
/// remove_connection_headers(request.headers_mut());
/// request.headers_mut().insert("X-Real-IP", "192.0.2.1".parse()?);
/// assert_eq!(request.headers().len(), 1); // X-Real-IP
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_connection_headers(headers: &mut HeaderMap) {
    let lists = |name: &str| {
        let connection = headers.get_all(CONNECTION).iter().map(HeaderValue::as_bytes);
        connection_lists(connection, name.as_bytes())
    };
    let upgrade = asks_for_upgrade(headers);
    let is_listed = |name: &&HeaderName| lists(name.as_str()) && !(upgrade && **name == UPGRADE);
    let keeps_upgrade = upgrade && lists("upgrade");
    let listed: Vec<_> = headers.keys().filter(is_listed).cloned().collect();
    for name in listed {
        headers.remove(name);
    }
    headers.remove(CONNECTION);
    if keeps_upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(UPGRADE);
    }
}

/// Encodes the headers for a backend, except Host and Content-Length.
///
/// It ignores what `Connection` lists, because it cannot know whether a header is the client's or the gateway's.
pub(crate) fn encode<B: Buffer + ?Sized>(
    headers: &HeaderMap,
    more: &MoreVars,
    vars: &mut VarsEncoder<'_, B>,
) -> Result<(), VarsError> {
    let upgrade = asks_for_upgrade(headers);
    for name in headers.keys() {
        let rules = uwsgi::HeaderName::from_name(name.as_str());
        let key: Vec<u8> = rules.key().collect();
        if *name == HOST || *name == CONTENT_LENGTH || more.has(&key) {
            continue;
        }
        if !rules.passes(upgrade) {
            continue;
        }
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let value = rules.joined(values).unwrap_or_default();
        match vars.push_header(name.as_str(), &*value) {
            Ok(()) => {}
            // A server could mistake these headers for others, so they are left out.
            Err(error) => match error.kind() {
                EncodeErrorKind::ProxyHeader | EncodeErrorKind::UnderscoreHeader => {}
                _ => return Err(error.into()),
            },
        }
    }
    Ok(())
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().next_back().is_some_and(|value| is_upgrade(value.as_bytes()))
}
