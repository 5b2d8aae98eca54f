//! Lines for nginx that several findings recommend. Of what came from outside they hold only names, paths and ports that can
//! stand in a configuration as they are.

use uwsgi::Request;

use crate::findings::inspected_request::InspectedRequest;

/// Findings have lines for so many names at most; a client may send thousands.
const MOST_NAMES: usize = 20;

/// What `HTTP_HOST` is to be: the host by which nginx chose the server block, and the port that nginx listens at.
///
/// It is never `$http_host`. That is the client's header, and nginx goes by the host of an absolute target instead
/// (RFC 9112 section 3.2.2): with `$http_host` such a request reaches the application with a host that no server block has.
///
/// Nor is it `$host$is_request_port$request_port`, which nginx sends by itself since 1.29.5: nginx chooses the server block by
/// the name alone, so that this port is any that the client wrote.
pub(super) fn host(request: &InspectedRequest<'_>) -> &'static str {
    match request.var("SERVER_PORT").and_then(Request::port) {
        Some(port) if !request.is_default_port(port) => "$host:$server_port",
        _ => "$host",
    }
}

/// A rewrite that takes a mount off the path: `/shop/cart` becomes `/cart`, and `/shop` becomes `/`.
///
/// The path is decoded and may hold a line end. Without `(?s)` a `.` does not match it, and `$` also matches before one at the
/// end of the path (pcre2pattern, "Circumflex and dollar"): `/shop%0A` would become `/`.
pub(super) fn rewrite(mount: &[u8]) -> Option<String> {
    let mount = plain_path(mount)?.trim_matches('/');
    (!mount.is_empty()).then(|| format!("rewrite (?s)^/{mount}(?:/(.*))?\\z /$1 break;"))
}

/// Lines that remove these headers, for the names that can stand in a configuration.
pub(super) fn removals(names: &[&[u8]]) -> String {
    let lines = names.iter().filter_map(|name| plain_key(name)).map(|name| match name {
        "HTTP_CONNECTION" => CONNECTION.to_owned(),
        "HTTP_UPGRADE" => UPGRADE.to_owned(),
        _ => format!("uwsgi_param {name} \"\";"),
    });
    lines.take(MOST_NAMES).collect::<Vec<_>>().join("\n")
}

/// Without the header, but for WebSockets: an application looks for it there.
const CONNECTION: &str = "map $http_upgrade $connection_upgrade { websocket upgrade; default \"\"; }\n\
    uwsgi_param HTTP_CONNECTION $connection_upgrade if_not_empty;";
const UPGRADE: &str = "map $http_upgrade $upgrade { websocket websocket; default \"\"; }\n\
    uwsgi_param HTTP_UPGRADE $upgrade if_not_empty;";

/// A path that can stand in a configuration, and in a regular expression, as it is.
pub(super) fn plain_path(path: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    core::str::from_utf8(path).ok().filter(|path| path.as_bytes().iter().all(is_plain))
}

/// A key that can stand in a configuration as it is.
pub(super) fn plain_key(key: &[u8]) -> Option<&str> {
    core::str::from_utf8(key).ok().filter(|key| is_plain_name(key.as_bytes()))
}

/// Upper-case letters, digits and underscores.
pub(super) fn is_plain_name(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}
