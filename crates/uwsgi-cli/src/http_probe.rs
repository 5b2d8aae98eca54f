//! Finds out whether a server speaks HTTP instead of uwsgi.

use core::time::Duration;
use std::io::Read;

use uwsgi_io::{Client, ClientError, ClientErrorKind, Timeout};

use crate::exit::Failure;

/// What is wrong with such a server.
pub(crate) const MESSAGE: &str =
    "this server speaks HTTP, not uwsgi: give the address of its uwsgi socket, or ask it with curl";

/// Returns the failure of an exchange if the server turns out to speak HTTP.
pub(crate) fn failure(error: &ClientError) -> Option<Failure> {
    let may_be_http = match error.kind() {
        ClientErrorKind::TimedOut(timeout) => !matches!(timeout, Timeout::Connect(_)),
        ClientErrorKind::Answer(_) | ClientErrorKind::Http { .. } | ClientErrorKind::NoAnswer(_) => true,
        _ => false,
    };
    let to = error.address();
    (may_be_http && speaks_http(to)).then(|| Failure::Failed(format!("{to}: {MESSAGE}")))
}

/// Whether the server at this address answers a request of HTTP as a server of HTTP does.
///
/// Servers of uwsgi refuse it with a status for malformed requests, or close the connection, or wait for the rest of a packet.
pub(crate) fn speaks_http(address: &str) -> bool {
    /// The longest wait for the answer. It is short, because a message waits for it.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// The longest head that is read.
    const LONGEST: u64 = 4096;
    let Ok(client) = Client::new(address) else { return false };
    let mut client = client.with_connect_timeout(PATIENCE).with_total_timeout(PATIENCE);
    let Ok(answer) = client.raw(b"HEAD / HTTP/1.0\r\n\r\n") else { return false };
    let mut head = Vec::new();
    // The server may keep the connection open, or break it: what came before counts.
    let _end = answer.take(LONGEST).read_to_end(&mut head);
    is_http(&head)
}

/// Whether these bytes are the answer of a server of HTTP, and not a refusal of a server of uwsgi, which is HTTP too.
fn is_http(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let status: Option<u16> = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok());
    let has = |name: &str| {
        let mut names = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        names.any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    match status {
        // The refusals of servers of uwsgi. Servers of HTTP have a date in each answer (RFC 9110 section 6.6.1).
        Some(400 | 403 | 408 | 431 | 500..) => has("date") || has("server"),
        Some(_) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_date_is_that_of_a_server_of_uwsgi() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.0 404 Not Found\r\n\r\n", true),
            ("HTTP/1.1 403 Forbidden\r\nServer: nginx\r\n\r\n", true),
            ("HTTP/1.1 400 Bad Request\r\ndate: Mon, 30 Nov 2026 23:43:30 GMT\r\n\r\n", true),
            ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 501 Not Implemented\r\n\r\n", false),
            ("HTTP/1.1 ", false),
            ("", false),
            ("x\r\nServer: y\r\n\r\n", false),
        ] {
            assert_eq!(is_http(head.as_bytes()), expected, "{head}");
        }
    }
}
