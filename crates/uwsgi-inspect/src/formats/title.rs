//! The title of a report: the request as a URL.

use uwsgi::Request;

use crate::escape::Escaped;

/// Returns the method and the URL.
pub(crate) fn title(request: &Request<'_>) -> String {
    let method = request.method().map_or_else(|| "(no method)".to_string(), |method| Escaped(method).to_string());
    format!("{method} {}", target(request))
}

/// Returns the scheme, the host, and the target with its mount.
pub(crate) fn target(request: &Request<'_>) -> String {
    let target = request.target().from_root().to_string();
    // The target `*` is no path, so no host comes before it.
    let host = [request.host(), request.server_name()].into_iter().flatten().find(|host| !host.is_empty());
    match host.filter(|_| target.starts_with('/')) {
        Some(host) => format!("{}://{}{target}", request.scheme().as_str(), Escaped(host)),
        None => target,
    }
}

/// Returns `REQUEST_URI` if it differs from the target.
pub(crate) fn other_uri<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
    request.request_uri().filter(|uri| *uri != request.target().from_root().to_string().as_bytes())
}
