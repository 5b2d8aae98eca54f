//! The asynchronous server allocates nothing for each var: a request costs the same number of allocations, however many
//! vars it has.

use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
use uwsgi_tests::counting::{CountingAllocator, allocations};
use uwsgi_tower::request_parts;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Names that `http` knows, so that it allocates nothing for them either, and names that browsers and front ends also
/// send.
const NAMES: [&str; 24] = [
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
    "HTTP_AUTHORIZATION",
    "HTTP_CACHE_CONTROL",
    "HTTP_COOKIE",
    "HTTP_DATE",
    "HTTP_DNT",
    "HTTP_FORWARDED",
    "HTTP_FROM",
    "HTTP_HOST",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_RANGE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_ORIGIN",
    "HTTP_PRAGMA",
    "HTTP_RANGE",
    "HTTP_REFERER",
    "HTTP_UPGRADE_INSECURE_REQUESTS",
    "HTTP_USER_AGENT",
    "HTTP_VIA",
];

/// Returns a packet with `count` of these headers, and as many vars that are not headers.
fn packet(count: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    vars.push("REQUEST_METHOD", "GET").expect("it fits");
    vars.push("REQUEST_URI", "/a/path").expect("it fits");
    for (number, name) in NAMES[..count].iter().enumerate() {
        vars.push(name, "a value").expect("it fits");
        vars.push(&format!("VAR_{number}"), "another").expect("it fits");
    }
    vars.finish(Modifier1::WSGI, 0).expect("it fits");
    packet
}

/// Returns how many allocations it takes to make a request of a packet.
fn counted(packet: &[u8]) -> usize {
    let (packet, _) = Packet::decode(packet).expect("a packet");
    let request = Request::decode(&packet).expect("a request");
    let mut parts = None;
    let count = allocations(|| parts = Some(request_parts(&request)));
    let headers = parts.expect("the conversion has run").expect("a request of http").headers;
    assert_eq!(headers.len(), request.headers().count(), "a header is lost");
    count
}

#[test]
fn a_var_allocates_nothing() {
    let one = counted(&packet(1));
    // The vars, the handle that shares them, the map of headers, the map of extensions.
    assert!(one > 0 && one < 20, "{one}");
    for count in [2, 8, NAMES.len()] {
        assert_eq!(counted(&packet(count)), one, "{count} headers");
    }
}

/// A name that `http` does not know is the only thing that it allocates for.
#[test]
fn an_unknown_name_allocates_once() {
    let with = |name: &str| {
        let mut packet = Vec::new();
        let mut vars = VarsEncoder::new(&mut packet);
        vars.push(name, "a value").expect("it fits");
        vars.finish(Modifier1::WSGI, 0).expect("it fits");
        counted(&packet)
    };
    assert_eq!(with("HTTP_X_MY_OWN"), with("HTTP_ACCEPT") + 1);
}
