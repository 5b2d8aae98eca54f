//! What a connection is doing: its socket, its request, and the permit of the request.

use alloc::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use uwsgi::{Modifier1, Packet, Request};
use uwsgi_io::{Socket, Transport};

use crate::lock::lock;
use crate::log::request_name;

/// The state of a connection. The thread that serves the connection shares it with the thread that ends the server.
#[derive(Debug, Default)]
pub(crate) struct ConnectionState {
    /// `None` between two connections of one thread.
    pub(crate) socket: Option<Arc<Socket>>,
    /// Whether everything is written. Then the connection must not be reset.
    pub(super) is_over: bool,
    pub(super) permit: PermitState,
    /// Whether the request has gone on without a permit. Then it does not wait for a permit again.
    pub(super) goes_without_permit: bool,
    /// When the application began with the request. `None` if there is no request.
    begun: Option<Instant>,
    modifier1: u8,
    modifier2: u8,
    /// The vars of a web request. Empty for other packets. The log names the request by them.
    payload: Vec<u8>,
}

/// Whether the request of a connection has a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PermitState {
    /// There is no request.
    #[default]
    NotNeeded,
    /// The request has a permit, or goes on without one.
    Held,
    /// The permit is released until the peer is ready and a permit is free again.
    Lent,
}

impl ConnectionState {
    /// Notes that the application begins with this packet. The request has a permit.
    pub(super) fn begin(&mut self, packet: &Packet<'_>) {
        (self.permit, self.begun, self.goes_without_permit) = (PermitState::Held, Some(Instant::now()), false);
        (self.modifier1, self.modifier2) = (packet.modifier1().0, packet.modifier2());
        self.payload.clear();
        if packet.modifier1().is_request(self.modifier2) {
            self.payload.extend_from_slice(packet.payload());
        }
    }

    /// Notes that the application has finished the request. Returns whether the request had a permit.
    pub(super) fn end(&mut self) -> bool {
        self.begun = None;
        core::mem::take(&mut self.permit) == PermitState::Held
    }

    /// Returns a name of the request for the log.
    pub(super) fn request_name(&self) -> String {
        let modifier1 = Modifier1(self.modifier1);
        let packet = Packet::new(modifier1, self.modifier2, &self.payload);
        match packet.as_ref().map(Request::decode) {
            Ok(Ok(request)) if modifier1.is_request(self.modifier2) => request_name(&request),
            _ => format!("a packet of modifier1 {modifier1}"),
        }
    }

    /// Makes the close of the connection a reset, unless everything is written.
    pub(crate) fn abort(&self) {
        if let (Some(socket), false) = (&self.socket, self.is_over) {
            let _ = socket.abort();
        }
    }
}

/// How many requests a log line lists at most.
const MAX_LISTED: usize = 10;

/// Lists the requests that the application works on, for the log: at most 10, the oldest first, each with its name and its age.
/// The text is empty if it works on no request.
pub(crate) fn list_requests<'a>(connections: impl Iterator<Item = &'a Mutex<ConnectionState>>) -> String {
    let mut requests: Vec<_> = connections.filter_map(|state| Some((lock(state).begun?, state))).collect();
    requests.sort_by_key(|(begun, _)| *begun);
    let describe = |(begun, state): &(Instant, &Mutex<ConnectionState>)| {
        format!("{} (at work for {} s)", lock(state).request_name(), begun.elapsed().as_secs())
    };
    let list = requests.iter().take(MAX_LISTED).map(describe).collect::<Vec<_>>().join(", ");
    let more = requests.len().saturating_sub(MAX_LISTED);
    if more > 0 { format!("{list}, and {more} more") } else { list }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use core::ops::Range;

    use uwsgi::VarsEncoder;

    use super::*;

    const LONG_PATH: &str = match core::str::from_utf8(&[b'x'; 1000]) {
        Ok(path) => path,
        Err(_) => "",
    };

    #[test]
    fn the_10_oldest_requests_are_listed() {
        let connections: Vec<Mutex<ConnectionState>> = (0..13).map(|_| Mutex::default()).collect();
        let begin = |number: usize| {
            let mut packet = Vec::new();
            let mut vars = VarsEncoder::new(&mut packet);
            vars.push_raw("REQUEST_URI", format!("/{number}?secret").as_bytes()).unwrap();
            vars.finish(Modifier1::WSGI, 0).unwrap();
            lock(&connections[number]).begin(&Packet::decode(&packet).unwrap().0);
        };
        let listed = || list_requests(connections.iter());
        let expected = |numbers: Range<usize>| {
            numbers.map(|number| format!("GET /{number} (at work for 0 s)")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(listed(), "");
        (0..10).for_each(begin);
        assert_eq!(listed(), expected(0..10));
        (10..13).for_each(begin);
        assert_eq!(listed(), format!("{}, and 3 more", expected(0..10)));
        for connection in &connections[..8] {
            assert!(lock(connection).end());
        }
        assert_eq!(listed(), expected(8..13));
        for (number, connection) in connections.iter().enumerate() {
            assert_eq!(lock(connection).end(), number >= 8);
        }
        assert_eq!(listed(), "");
    }

    #[test]
    fn a_request_is_named_by_its_method_and_target() {
        type Vars = &'static [(&'static str, &'static str)];
        let rows: [(u8, Vars, String); 6] = [
            (0, &[("PATH_INFO", "/a")], "GET /a".into()),
            (
                0,
                &[("REQUEST_URI", "/shop/a%2Fb?secret"), ("SCRIPT_NAME", "/shop"), ("PATH_INFO", "/a/b")],
                "GET /shop/a%2Fb".into(),
            ),
            (
                0,
                &[("REQUEST_METHOD", "PUT"), ("SCRIPT_NAME", "/my blog"), ("PATH_INFO", "/\n?")],
                "PUT /my%20blog/%0A%3F".into(),
            ),
            (0, &[("REQUEST_URI", "/only")], "GET /only".into()),
            (0, &[("PATH_INFO", LONG_PATH)], format!("GET /{}", "x".repeat(395))),
            (110, &[], "a packet of modifier1 110".into()),
        ];
        for (modifier1, vars, expected) in rows {
            let mut bytes = Vec::new();
            let mut encoder = VarsEncoder::new(&mut bytes);
            vars.iter().for_each(|(key, value)| encoder.push(key, value).unwrap());
            let packet = encoder.finish(Modifier1(modifier1), 0).unwrap();
            let mut connection = ConnectionState::default();
            connection.begin(&Packet::decode(packet).unwrap().0);
            assert_eq!(connection.request_name(), expected);
        }
    }
}
