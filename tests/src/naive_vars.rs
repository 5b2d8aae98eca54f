//! A second list of the rules for the vars that an encoder writes: `SECURITY.md`, RFC 9110 and RFC 3875.

use uwsgi::EncodeErrorKind as Kind;

use crate::naive::Pair;
use crate::naive_cgi;

/// A refusal: its kind, the bytes that it needs or the position of the refused byte, and the bytes that there is room for.
pub type Refusal = (Kind, Option<usize>, Option<usize>);

/// What a policy allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    pub proxy: bool,
    pub underscores: bool,
    pub chunked: bool,
}

/// Returns the pair, if its strings fit in their length fields.
pub fn pair(key: &[u8], value: &[u8]) -> Result<Pair, Refusal> {
    if key.is_empty() {
        Err((Kind::EmptyKey, None, None))
    } else if key.len() > 65535 {
        Err((Kind::KeyTooLong, Some(key.len()), Some(65535)))
    } else if value.len() > 65535 {
        Err((Kind::ValueTooLong, Some(value.len()), Some(65535)))
    } else {
        Ok((key.to_vec(), value.to_vec()))
    }
}

/// Returns the var, if `SECURITY.md` allows it after the checked vars before it.
pub fn var(allowed: Allowed, before: &[Pair], key: &[u8], value: &[u8]) -> Result<Pair, Refusal> {
    let length = |value: &[u8]| naive_cgi::framing(&[value], None, false);
    let lengths: Vec<&[u8]> = values(before, b"CONTENT_LENGTH").collect();
    let repeats = lengths.iter().any(|other| length(other) == length(value));
    let has_length = lengths.iter().any(|length| !length.is_empty());
    let is_chunked = values(before, b"HTTP_TRANSFER_ENCODING").next().is_some();
    let refused = match key {
        b"CONTENT_LENGTH" | b"HTTP_CONTENT_LENGTH" if length(value).is_err() => Some((Kind::ContentLength, None, None)),
        b"CONTENT_LENGTH" if !lengths.is_empty() => Some((Kind::SecondContentLength, None, None)),
        b"CONTENT_LENGTH" if is_chunked && !value.is_empty() => Some((Kind::TransferEncoding, None, None)),
        b"HTTP_CONTENT_LENGTH" if !repeats => Some((Kind::SecondContentLength, None, None)),
        b"HTTP_TRANSFER_ENCODING" if !allowed.chunked || has_length || is_chunked => {
            Some((Kind::TransferEncoding, None, None))
        }
        b"HTTP_TRANSFER_ENCODING" if !value.eq_ignore_ascii_case(b"chunked") => {
            Some((Kind::TransferEncoding, None, None))
        }
        b"HTTP_PROXY" if !allowed.proxy => Some((Kind::ProxyHeader, None, None)),
        _ => key
            .iter()
            .position(|byte| b"\r\n\0".contains(byte))
            .map(|at| (Kind::Key, Some(at), None))
            .or_else(|| refused_value(key, value)),
    };
    refused.map_or_else(|| pair(key, value), Err)
}

/// Returns why a server refuses the value of a var.
fn refused_value(key: &[u8], value: &[u8]) -> Option<Refusal> {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let bad: &[u8] = match key {
        b"REQUEST_METHOD" if value.is_empty() => return Some((Kind::Method, None, None)),
        b"REQUEST_METHOD" => {
            return value.iter().position(|byte| !token(byte)).map(|at| (Kind::Method, Some(at), None));
        }
        b"PATH_INFO" => b"\0",
        b"REQUEST_URI" | b"SERVER_PROTOCOL" => b"\r\n\0",
        _ if key.starts_with(b"HTTP_") || key.starts_with(b"CONTENT_") => b"\r\n\0",
        _ => b"",
    };
    value.iter().position(|byte| bad.contains(byte)).map(|at| (Kind::HeaderValue, Some(at), None))
}

/// Returns the values of a key.
pub fn values<'p>(pairs: &'p [Pair], key: &[u8]) -> impl Iterator<Item = &'p [u8]> {
    pairs.iter().filter(move |pair| pair.0 == key).map(|pair| &pair.1[..])
}

/// Returns the var of a client's header, by the rules of RFC 9110 sections 5.1 and 5.5, RFC 3875 section 4.1.18 and the
/// policy.
pub fn header(allowed: Allowed, before: &[Pair], name: &[u8], value: &[u8]) -> Result<Pair, Refusal> {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let lower = name.to_ascii_lowercase();
    if name.is_empty() {
        return Err((Kind::HeaderName, None, None));
    }
    if let Some(at) = name.iter().position(|byte| !token(byte)) {
        return Err((Kind::HeaderName, Some(at), None));
    }
    if let (Some(at), false) = (name.iter().position(|byte| *byte == b'_'), allowed.underscores) {
        return Err((Kind::UnderscoreHeader, Some(at), None));
    }
    if lower == b"proxy" && !allowed.proxy {
        return Err((Kind::ProxyHeader, None, None));
    }
    if let Some(at) = value.iter().position(|byte| b"\r\n\0".contains(byte)) {
        return Err((Kind::HeaderValue, Some(at), None));
    }
    let key = String::from_utf8(name.to_ascii_uppercase()).expect("a token").replace('-', "_");
    if lower == b"content-type" || lower == b"content-length" {
        return var(allowed, before, key.as_bytes(), value);
    }
    var(allowed, before, format!("HTTP_{key}").as_bytes(), value)
}
