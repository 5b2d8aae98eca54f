//! The view of a packet as a request, and where its body ends.

use uwsgi::framing::{self, FramingError, RequestFraming};
use uwsgi::{
    DecodeError, HeaderName, Headers, Limits, Modifier1, Packet, Request, RequestUri, Scheme, Target, Vars,
    below_mount, check, check_var, connection_lists, is_request_uri_of, is_upgrade, trim_mount,
};

proven! {
    fn request_decode<'a>(packet: &Packet<'a>) -> Result<Request<'a>, DecodeError> {
        Request::decode(packet)
    }
    fn request_decode_with<'a>(packet: &Packet<'a>, limits: &Limits) -> Result<Request<'a>, DecodeError> {
        Request::decode_with(packet, limits)
    }
    fn request_parts<'a>(request: &Request<'a>) -> (Modifier1, u8, Vars<'a>) {
        (request.modifier1(), request.modifier2(), request.vars())
    }
    fn request_located<'a>(request: &Request<'a>) -> [Option<&'a [u8]>; 14] {
        [
            request.content_type(),
            request.document_root(),
            request.host(),
            request.method(),
            request.path_info(),
            request.query_string(),
            request.remote_addr(),
            request.remote_port(),
            request.remote_user(),
            request.request_uri(),
            request.script_name(),
            request.server_name(),
            request.server_port(),
            request.server_protocol(),
        ]
    }
    fn request_check(request: &Request<'_>) -> bool {
        check(request).is_ok()
    }
    fn var_check(key: &[u8], value: &[u8]) -> bool {
        check_var(key, value).is_ok()
    }
    fn request_var<'a>(request: &Request<'a>, key: &[u8]) -> Option<&'a [u8]> {
        request.var(key)
    }
    fn request_var_str<'a>(request: &Request<'a>, key: &[u8]) -> Option<&'a str> {
        request.var_str(key).ok().flatten()
    }
    fn request_content_length(request: &Request<'_>) -> Result<Option<u64>, FramingError> {
        request.content_length()
    }
    fn request_body_framing(request: &Request<'_>) -> Result<RequestFraming, FramingError> {
        request.body_framing()
    }
    fn request_body_framing_or_chunked(request: &Request<'_>) -> Result<RequestFraming, FramingError> {
        request.body_framing_or_chunked()
    }
    fn request_scheme(request: &Request<'_>) -> Scheme {
        request.scheme()
    }
    fn request_says_https(request: &Request<'_>) -> bool {
        request.says_https()
    }
    fn scheme_of_vars(vars: &Vars<'_>) -> Option<Scheme> {
        Scheme::of_vars(vars)
    }
    fn scheme_as_str(scheme: Scheme) -> &'static str {
        scheme.as_str()
    }
    fn request_port(value: &[u8]) -> Option<u16> {
        Request::port(value)
    }
    fn request_headers<'a>(request: &Request<'a>) -> (usize, Headers<'a>) {
        let mut headers = request.headers();
        let mut bytes = 0;
        for (name, value) in headers.by_ref() {
            bytes ^= name.as_bytes().len() ^ value.len();
        }
        (bytes, headers)
    }
    fn request_raw_headers(request: &Request<'_>) -> usize {
        request.raw_headers().fold(0, |bytes, (name, value)| bytes ^ name.as_bytes().len() ^ value.len())
    }
    fn request_upgrade<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
        request.upgrade()
    }
    fn request_allows_keepalive(request: &Request<'_>) -> bool {
        request.allows_keepalive()
    }
    fn request_target<'a>(request: &Request<'a>) -> Target<'a> {
        request.target()
    }
    fn target_bytes(target: &Target<'_>) -> u8 {
        target.bytes().fold(0, |bytes, byte| bytes ^ byte)
    }
    fn target_parts(target: &Target<'_>) -> u8 {
        let query = target.query().into_iter().flat_map(|query| query.bytes());
        target.path().bytes().chain(query).chain(target.mount().iter().copied()).fold(0, |bytes, byte| bytes ^ byte)
    }
    fn below_a_mount<'p>(path: &'p [u8], mount: &[u8]) -> Option<&'p [u8]> {
        below_mount(path, mount)
    }
    fn request_uri_parts<'a>(uri: &'a [u8], path_info: &'a [u8]) -> (RequestUri<'a>, &'a [u8]) {
        let uri = RequestUri::parse(uri);
        (uri, uri.path_of(path_info))
    }
    fn request_uri_decoded_path(uri: &RequestUri<'_>) -> u8 {
        uri.decoded_path().into_iter().flatten().fold(0, |bytes, byte| bytes ^ byte)
    }
    fn mount_without_slashes(mount: &[u8]) -> &[u8] {
        trim_mount(mount)
    }
    fn request_uri_is_of(request_uri: &[u8], mount: &[u8], target: &[u8]) -> bool {
        is_request_uri_of(request_uri, mount, target)
    }
    fn upgrade_is_one(protocols: &[u8]) -> bool {
        is_upgrade(protocols)
    }
    fn connection_lists_a_name(connection: &[&[u8]], name: &[u8]) -> bool {
        connection_lists(connection.iter().copied(), name)
    }
    fn request_header_all(request: &Request<'_>, name: &str) -> usize {
        request.header_all(name).fold(0, |bytes, value| bytes ^ value.len())
    }
    fn request_header_values(request: &Request<'_>, name: HeaderName<'_>) -> usize {
        request.header_values(name).fold(0, |bytes, value| bytes ^ value.len())
    }
    fn request_with_mount<'a>(request: Request<'a>, script_name: &'a [u8], path_info: &'a [u8]) -> Request<'a> {
        request.with_mount(script_name, path_info)
    }

    fn framing_request_body(
        length: Option<&[u8]>,
        transfer_encoding: Option<&[u8]>,
        accept_chunked: bool,
    ) -> Result<RequestFraming, FramingError> {
        framing::request_framing(length, transfer_encoding, accept_chunked)
    }
    fn framing_declared_length(lengths: &[&[u8]]) -> Result<Option<u64>, FramingError> {
        framing::declared_length(lengths.iter().copied())
    }
    fn framing_content_length(value: &[u8]) -> Result<Option<u64>, FramingError> {
        framing::content_length(value)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let packet = crate::packet(bytes);
    call! {
        request_decode: &packet;
        request_decode_with: &packet, &Limits::server();
        scheme_as_str: Scheme::Https;
        request_port: b"65535";
        request_port: bytes;
        framing_request_body: Some(b"5"), Some(b"chunked"), true;
        framing_request_body: Some(bytes), None, false;
        framing_declared_length: &[b"", bytes, b"5"];
        framing_content_length: b"18446744073709551616";
        framing_content_length: bytes;
        below_a_mount: bytes, b"/mount";
        request_uri_parts: bytes, bytes;
        request_uri_decoded_path: &RequestUri::parse(bytes);
        mount_without_slashes: bytes;
        request_uri_is_of: bytes, b"/mount", b"/a?b";
        upgrade_is_one: bytes;
        connection_lists_a_name: &[bytes, b"close, x"], b"x";
    }
    let (Ok(request), Some(name)) = (Request::decode(&packet), HeaderName::from_key(b"CONTENT_TYPE")) else { return };
    call! {
        request_parts: &request;
        scheme_of_vars: &request.vars();
        request_located: &request;
        request_check: &request;
        var_check: b"HTTP_X", bytes;
        request_var: &request, b"SCRIPT_NAME";
        request_var: &request, b"GATEWAY_INTERFACE";
        request_var_str: &request, b"PATH_INFO";
        request_content_length: &request;
        request_body_framing: &request;
        request_body_framing_or_chunked: &request;
        request_scheme: &request;
        request_says_https: &request;
        request_headers: &request;
        request_raw_headers: &request;
        request_upgrade: &request;
        request_allows_keepalive: &request;
        request_target: &request;
        request_header_all: &request, "Cookie";
        request_header_values: &request, name;
        request_with_mount: request, b"/mount", b"/path";
        target_bytes: &request.target();
        target_parts: &request.target();
    }
}
