//! Lines for nginx that several findings recommend. The only text from outside in them is names and paths that a configuration
//! can hold unchanged.

use uwsgi::Request;

use crate::findings::inspected_request::InspectedRequest;

/// A finding has lines for at most this many names. A client can send thousands of names.
const MAX_NAMES: usize = 20;

/// Returns the value that `HTTP_HOST` should have: the host by which nginx chose the server block, and the port that nginx
/// listens at.
///
/// It is never `$http_host`, the client's header. For an absolute target, nginx chooses the server block by the host of the
/// target (RFC 9112 section 3.2.2). With `$http_host`, the application would get a host that no server block has.
///
/// It is not `$host$is_request_port$request_port` either, which nginx sends by default since 1.29.5. nginx chooses the server
/// block by the name alone, so the client can write any port there.
pub(super) fn host(request: &InspectedRequest<'_>) -> &'static str {
    match request.var("SERVER_PORT").and_then(Request::port) {
        Some(port) if !request.is_default_port(port) => "$host:$server_port",
        _ => "$host",
    }
}

/// Returns a rewrite that removes a mount from the path: `/shop/cart` becomes `/cart`, and `/shop` becomes `/`.
///
/// The path is decoded and can have a line end. Without `(?s)`, `.` does not match a line end. `$` would also match before a
/// line end at the end of the path (pcre2pattern, "Circumflex and dollar"): `/shop%0A` would become `/`.
pub(super) fn rewrite(mount: &[u8]) -> Option<String> {
    let mount = plain_path(mount)?.trim_matches('/');
    (!mount.is_empty()).then(|| format!("rewrite (?s)^/{mount}(?:/(.*))?\\z /$1 break;"))
}

/// Returns lines that remove these headers. Names that a configuration cannot hold get no line.
pub(super) fn removals(names: &[&[u8]]) -> String {
    let lines = names.iter().filter_map(|name| plain_key(name)).map(|name| match name {
        "HTTP_CONNECTION" => CONNECTION.to_owned(),
        "HTTP_UPGRADE" => UPGRADE.to_owned(),
        _ => format!("uwsgi_param {name} \"\";"),
    });
    lines.take(MAX_NAMES).collect::<Vec<_>>().join("\n")
}

/// These lines remove the header, except for WebSockets, where applications need it.
const CONNECTION: &str = "map $http_upgrade $connection_upgrade { websocket upgrade; default \"\"; }\n\
    uwsgi_param HTTP_CONNECTION $connection_upgrade if_not_empty;";
const UPGRADE: &str = "map $http_upgrade $upgrade { websocket websocket; default \"\"; }\n\
    uwsgi_param HTTP_UPGRADE $upgrade if_not_empty;";

/// Returns the path if a configuration and a regular expression can hold it unchanged.
pub(super) fn plain_path(path: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    core::str::from_utf8(path).ok().filter(|path| path.as_bytes().iter().all(is_plain))
}

/// Returns the key if a configuration can hold it unchanged.
pub(super) fn plain_key(key: &[u8]) -> Option<&str> {
    core::str::from_utf8(key).ok().filter(|key| is_plain_name(key.as_bytes()))
}

/// Returns whether a name has only upper-case letters, digits and underscores.
pub(super) fn is_plain_name(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}
