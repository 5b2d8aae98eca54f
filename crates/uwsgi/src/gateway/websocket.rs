//! Requests that ask for a WebSocket.

use crate::gateway::list::elements;
use crate::http::connection::connection_lists;

/// Whether a request of HTTP/1.1 asks to become a WebSocket (RFC 6455 section 4.2.1): its method is GET, one element of its
/// `Upgrade` is `websocket`, and its `Connection` lists `upgrade`.
///
/// Firefox sends `Connection: keep-alive, Upgrade`, so the list is read as a list. Names are compared without their case. The
/// application checks the other headers of a WebSocket.
///
/// ```
/// use uwsgi::gateway::asks_for_websocket;
///
/// assert!(asks_for_websocket(b"GET", [&b"keep-alive, Upgrade"[..]], [&b"websocket"[..]]));
/// assert!(!asks_for_websocket(b"GET", [&b"keep-alive"[..]], [&b"websocket"[..]]));
/// assert!(!asks_for_websocket(b"GET", [&b"Upgrade"[..]], [&b"h2c"[..]]));
/// ```
pub fn asks_for_websocket<'v, U>(method: &[u8], connection: impl IntoIterator<Item = &'v [u8]>, upgrade: U) -> bool
where
    U: IntoIterator<Item = &'v [u8], IntoIter: DoubleEndedIterator>,
{
    let offers = |mut protocols: U::IntoIter| {
        elements(protocols.by_ref()).any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
    };
    method == b"GET" && offers(upgrade.into_iter()) && connection_lists(connection, b"upgrade")
}

#[cfg(test)]
mod tests {
    use super::asks_for_websocket;

    /// The method, the values of Connection and of Upgrade, and whether the request asks for a WebSocket.
    type Row = (&'static str, &'static [&'static str], &'static [&'static str], bool);

    const ROWS: &[Row] = &[
        ("GET", &["Upgrade"], &["websocket"], true),
        ("GET", &["upgrade"], &["WebSocket"], true),
        ("GET", &["keep-alive, Upgrade"], &["websocket"], true),
        ("GET", &["Upgrade, keep-alive"], &["websocket"], true),
        ("GET", &["keep-alive", "Upgrade"], &["websocket"], true),
        ("GET", &["keep-alive,Upgrade,"], &["websocket,"], true),
        ("GET", &["Upgrade"], &["h2c, websocket"], true),
        ("GET", &["Upgrade"], &["h2c", "websocket"], true),
        ("GET", &[], &["websocket"], false),
        ("GET", &["keep-alive"], &["websocket"], false),
        ("GET", &["not-upgrade"], &["websocket"], false),
        ("GET", &["Upgrade"], &[], false),
        ("GET", &["Upgrade"], &[""], false),
        ("GET", &["Upgrade"], &["h2c"], false),
        ("GET", &["Upgrade"], &["websocket/13"], false),
        ("GET", &["Upgrade"], &["made-up/1.0"], false),
        ("POST", &["Upgrade"], &["websocket"], false),
        ("HEAD", &["Upgrade"], &["websocket"], false),
        ("get", &["Upgrade"], &["websocket"], false),
    ];

    #[test]
    fn upgrades() {
        for (method, connection, upgrade, expected) in ROWS {
            let [connection, upgrade] = [connection, upgrade].map(|values| values.iter().map(|value| value.as_bytes()));
            assert_eq!(
                asks_for_websocket(method.as_bytes(), connection.clone(), upgrade.clone()),
                *expected,
                "{method} {connection:?} {upgrade:?}"
            );
        }
    }
}
