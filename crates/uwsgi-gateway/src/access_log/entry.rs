//! One request and its answer, as a line of an access log.

use core::net::IpAddr;
use core::slice::EscapeAscii;
use core::time::Duration;
use std::io::{self, Write};

use http::{HeaderValue, Method, Version, header, request};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// One request and its answer.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The client, or `None` for a client on a Unix socket of which no proxy said anything.
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: Method,
    /// The target in origin form, as it was received.
    pub(crate) uri: String,
    pub(crate) protocol: Version,
    pub(crate) status: u16,
    /// The bytes of the body that left.
    pub(crate) bytes: u64,
    pub(crate) referer: Option<HeaderValue>,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) host: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) duration: Duration,
}

/// Writes an entry as a line that ends with LF and has no other control character.
pub(super) type Format = fn(&Entry, OffsetDateTime, &mut Vec<u8>) -> io::Result<()>;

const COMBINED: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
const JSON: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Entry {
    /// Takes from the head of a request what the log needs. The other fields say that no answer left.
    pub(crate) fn new(parts: &request::Parts) -> Self {
        let header = |name| parts.headers.get(name).cloned();
        let uri = match parts.uri.path_and_query() {
            Some(origin_form) => origin_form.as_str().into(),
            None => parts.uri.to_string(),
        };
        Self {
            client: None,
            method: parts.method.clone(),
            uri,
            protocol: parts.version,
            status: 0,
            bytes: 0,
            referer: header(header::REFERER),
            user_agent: header(header::USER_AGENT),
            host: None,
            request_id: None,
            duration: Duration::ZERO,
        }
    }

    /// Writes the format that Apache and nginx call "combined".
    pub(super) fn combined(&self, now: OffsetDateTime, line: &mut Vec<u8>) -> io::Result<()> {
        match self.client {
            Some(client) => write!(line, "{client} - - [")?,
            None => write!(line, "- - - [")?,
        }
        now.format_into(line, COMBINED).map_err(io::Error::other)?;
        writeln!(
            line,
            "] \"{} {} {:?}\" {} {} \"{}\" \"{}\"",
            self.method,
            self.uri.as_bytes().escape_ascii(),
            self.protocol,
            self.status,
            self.bytes,
            quoted(self.referer.as_ref()),
            quoted(self.user_agent.as_ref()),
        )
    }

    /// Writes a JSON object.
    pub(super) fn json(&self, now: OffsetDateTime, line: &mut Vec<u8>) -> io::Result<()> {
        write!(line, "{{\"bytes\":{},\"client\":", self.bytes)?;
        match self.client {
            Some(client) => write!(line, "\"{client}\"")?,
            None => write!(line, "\"-\"")?,
        }
        text(line, "host", self.host.as_deref().map(str::as_bytes))?;
        text(line, "method", Some(self.method.as_str().as_bytes()))?;
        write!(line, ",\"milliseconds\":{},\"protocol\":\"{:?}\"", self.duration.as_millis(), self.protocol)?;
        text(line, "referer", self.referer.as_ref().map(HeaderValue::as_bytes))?;
        text(line, "request_id", self.request_id.as_deref().map(str::as_bytes))?;
        write!(line, ",\"status\":{},\"time\":\"", self.status)?;
        now.format_into(line, JSON).map_err(io::Error::other)?;
        write!(line, "\"")?;
        text(line, "uri", Some(self.uri.as_bytes()))?;
        write!(line, ",\"user\":null")?;
        text(line, "user_agent", self.user_agent.as_ref().map(HeaderValue::as_bytes))?;
        writeln!(line, "}}")
    }
}

/// Escapes a value for quotes. `-` stands for a header that is absent.
fn quoted(value: Option<&HeaderValue>) -> EscapeAscii<'_> {
    value.map_or(&b"-"[..], HeaderValue::as_bytes).escape_ascii()
}

/// Writes a member of a JSON object. Each byte is one character, as in the strings of WSGI.
fn text(line: &mut Vec<u8>, name: &str, value: Option<&[u8]>) -> io::Result<()> {
    let Some(value) = value else { return write!(line, ",\"{name}\":null") };
    write!(line, ",\"{name}\":\"")?;
    for byte in value {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => line.push(*byte),
            // A terminal may act on DEL and the C1 controls, though JSON allows them in a string (ECMA-48 section 5.3,
            // RFC 8259 section 7).
            0x00..=0x9f => write!(line, "\\u{byte:04x}")?,
            0xa0.. => write!(line, "{}", char::from(*byte))?,
        }
    }
    write!(line, "\"")
}
