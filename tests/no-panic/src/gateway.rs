//! The rules of a gateway, without `client_address`, which parses addresses with core.

use uwsgi::Scheme;
use uwsgi::gateway::{
    Expectation, PathError, TransferCoding, asks_for_websocket, decode_path, expectation, forwarded_scheme,
    is_forwarding_header, is_plain_header_name, is_request_id, transfer_coding,
};

proven! {
    fn path_decoded<'b>(path: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], PathError> {
        decode_path(path, buffer)
    }
    fn forwarding_header_is_one(name: &str) -> bool {
        is_forwarding_header(name)
    }
    fn header_name_is_plain(name: &str) -> bool {
        is_plain_header_name(name, true)
    }
    fn scheme_forwarded(values: &[&[u8]]) -> Option<Scheme> {
        forwarded_scheme(values.iter().copied())
    }
    fn coding_of_transfer(values: &[&[u8]]) -> TransferCoding {
        transfer_coding(values.iter().copied())
    }
    fn expectation_of(values: &[&[u8]]) -> Expectation {
        expectation(values.iter().copied())
    }
    fn websocket_is_asked_for(connection: &[&[u8]], upgrade: &[&[u8]]) -> bool {
        asks_for_websocket(b"GET", connection.iter().copied(), upgrade.iter().copied())
    }
    fn request_id_is_one(value: &[u8]) -> bool {
        is_request_id(value)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let (mut small, mut large) = ([0; 8], [0; 1024]);
    let path = [b"/a/%2e%2e/", bytes].concat();
    let name = String::from_utf8_lossy(bytes);
    call! {
        path_decoded: &path, &mut small[..];
        path_decoded: &path, &mut large[..];
        path_decoded: b"/a//b/./../c%00", &mut large[..];
        forwarding_header_is_one: &name;
        forwarding_header_is_one: "X-Forwarded-For";
        header_name_is_plain: &name;
        header_name_is_plain: "X-Real-IP";
        scheme_forwarded: &[bytes, b"http, HTTPS"];
        coding_of_transfer: &[bytes];
        coding_of_transfer: &[b"chunked", bytes];
        expectation_of: &[bytes, b"100-continue"];
        websocket_is_asked_for: &[bytes, b"keep-alive, Upgrade"], &[bytes, b"h2c, websocket"];
        request_id_is_one: bytes;
        request_id_is_one: b"7f0c9a52";
    }
}
