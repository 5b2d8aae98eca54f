//! The headers of the request: the default headers, with the changes that `-H` makes, as in curl.

use std::ffi::OsStr;

use uwsgi_inspect::Escaped;

use super::options::RequestOptions;
use super::url::Url;
use crate::exit::Failure;

#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Header {
    fn new(name: &str, value: &[u8]) -> Self {
        Self { name: name.as_bytes().to_vec(), value: value.to_vec() }
    }
}

/// Returns all headers. A `-H` replaces or removes the default header of its name, and the header of `-u`, as in curl.
pub(super) fn headers(options: &RequestOptions<'_>, url: &Url) -> Result<Vec<Header>, Failure> {
    let mut headers = vec![
        Header::new("Host", url.host.as_bytes()),
        Header::new("User-Agent", concat!("uwsgictl/", env!("CARGO_PKG_VERSION")).as_bytes()),
        Header::new("Accept", b"*/*"),
    ];
    // Without a body the length is 0: some servers keep no connection on which a request declares no length.
    headers.push(Header::new("Content-Length", options.length.unwrap_or(0).to_string().as_bytes()));
    if options.is_form && options.length.is_some() {
        headers.push(Header::new("Content-Type", b"application/x-www-form-urlencoded"));
    }
    if let Some(authorization) = options.headers.authorization()? {
        headers.push(Header::new("Authorization", authorization.as_bytes()));
    }
    let given = options.headers.headers.iter().map(|argument| parse(argument)).collect::<Result<Vec<_>, _>>()?;
    headers.retain(|header| !given.iter().any(|(name, _)| name.eq_ignore_ascii_case(&header.name)));
    let sent = given.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_vec(), value.to_vec())));
    headers.extend(sent.map(|(name, value)| Header { name, value }));
    Ok(headers)
}

/// Parses the value of `-H`: `Name: value`, `Name;` for an empty value, or `Name:`, which has no value and is not sent.
fn parse(argument: &OsStr) -> Result<(&[u8], Option<&[u8]>), Failure> {
    let bytes = argument.as_encoded_bytes();
    let mut halves = bytes.splitn(2, |byte| *byte == b':');
    match (halves.next(), halves.next(), bytes.split_last()) {
        (Some(name), Some(value), _) => Ok((name, Some(trim(value)).filter(|value| !value.is_empty()))),
        (_, None, Some((b';', name))) => Ok((name, Some(b""))),
        _ => Err(Failure::Failed(format!(
            "-H '{}': neither 'Name: value', nor 'Name;' for an empty value, nor 'Name:' to send no such header",
            Escaped(bytes)
        ))),
    }
}

/// Removes the spaces and tabs around a value. They are not part of the value (RFC 9110 section 5.5).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
