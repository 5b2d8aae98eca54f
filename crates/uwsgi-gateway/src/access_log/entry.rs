//! One request and its answer, as a line of an access log.

use core::net::IpAddr;
use core::slice::EscapeAscii;
use core::time::Duration;
use std::io::{self, Write};

use http::uri::Authority;
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
    /// The bytes of the body that the connection took. If it broke, not all of them have reached the client.
    pub(crate) bytes: u64,
    pub(crate) referer: Option<HeaderValue>,
    pub(crate) user_agent: Option<HeaderValue>,
    /// The host that the client asks for. It may be invalid.
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
        // The host of the target wins over that of the header (RFC 9112 section 3.2.2).
        let host = match parts.uri.authority().map(Authority::as_str) {
            Some(authority) => Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host)),
            None => parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
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
            host: host.map(String::from),
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
            // The only control character that the value of a header may have (RFC 9110 section 5.5).
            b'\t' => line.extend_from_slice(b"\\t"),
            b' '..=b'~' => line.push(*byte),
            // A terminal may act on DEL and the C1 controls, though JSON allows them in a string (ECMA-48 section 5.3,
            // RFC 8259 section 7).
            0x00..=0x9f => write!(line, "\\u{byte:04x}")?,
            0xa0.. => write!(line, "{}", char::from(*byte))?,
        }
    }
    write!(line, "\"")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use alloc::sync::Arc;
    use std::sync::Mutex;

    use uwsgi::{Modifier1, Packet, VarsEncoder};

    use super::*;

    /// A vector that two owners write to.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// All bytes that http allows in the value of a header. No blank is first or last, since HTTP/1.1 drops those.
    fn all_bytes() -> Vec<u8> {
        let allowed = (0..=u8::MAX).filter(|byte| HeaderValue::from_bytes(&[*byte]).is_ok());
        [b'('].into_iter().chain(allowed).chain([b')']).collect()
    }

    fn request(target: &str, headers: &[(&str, &[u8])]) -> request::Parts {
        let mut request = http::Request::builder().method("PROPFIND").uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn line(entry: &Entry, format: Format, now: OffsetDateTime) -> String {
        let mut line = Vec::new();
        format(entry, now, &mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    /// Lines of uwsgi-server and of the gateway look the same.
    #[test]
    fn the_format_is_that_of_uwsgi_server() {
        let all = all_bytes();
        let no_headers: &[(&str, &[u8])] = &[];
        for (client, target, headers) in [
            (Some("192.0.2.7"), "/", no_headers),
            (Some("2001:db8::1"), "/a%20b?x=1", &[("referer", b"http://example.com/\"x\""), ("user-agent", b"")]),
            (None, "/", &[("user-agent", &all)]),
        ] {
            let parts = request(target, headers);
            let mut entry = Entry::new(&parts);
            entry.client = client.map(|client| client.parse().unwrap());
            (entry.status, entry.bytes, entry.duration) = (207, 12_345, Duration::from_micros(45_678));

            let mut packet = Vec::new();
            let mut vars = VarsEncoder::new(&mut packet);
            for (key, value) in
                [("REQUEST_METHOD", "PROPFIND"), ("REQUEST_URI", target), ("SERVER_PROTOCOL", "HTTP/1.1")]
            {
                vars.push(key, value).unwrap();
            }
            vars.push("PATH_INFO", if target == "/" { "/" } else { "/a b" }).unwrap();
            vars.push("QUERY_STRING", if target == "/" { "" } else { "x=1" }).unwrap();
            vars.push("REMOTE_ADDR", client.unwrap_or_default()).unwrap();
            for (name, value) in headers {
                vars.push_header(name, *value).unwrap();
            }
            vars.finish(Modifier1::WSGI, 0).unwrap();
            let (packet, _) = Packet::decode(&packet).unwrap();
            let server = uwsgi_server::Entry::new(
                &uwsgi::Request::decode(&packet).unwrap(),
                uwsgi_server::Addresses::default(),
                entry.status,
                entry.bytes,
                entry.duration,
            );
            let (combined, json) = (Shared::default(), Shared::default());
            uwsgi_server::AccessLog::combined(combined.clone()).log(&server);
            uwsgi_server::AccessLog::json(json.clone()).log(&server);

            // The time of a line is the only part that may differ.
            let without_time = |line: &str, begin: &str, end: char| {
                let (before, rest) = line.split_once(begin).unwrap();
                let (time, after) = rest.split_once(end).unwrap();
                assert!(matches!(time.len(), 24 | 26), "{time}");
                format!("{before}{begin}{end}{after}")
            };
            let now = OffsetDateTime::now_utc();
            let theirs = String::from_utf8(combined.0.lock().unwrap().clone()).unwrap();
            let ours = line(&entry, Entry::combined, now);
            assert_eq!(without_time(&ours, "[", ']'), without_time(&theirs, "[", ']'));

            let theirs = String::from_utf8(json.0.lock().unwrap().clone()).unwrap();
            let ours = line(&entry, Entry::json, now).replace("\"host\":null,", "").replace("\"request_id\":null,", "");
            assert_eq!(without_time(&ours, "\"time\":\"", '"'), without_time(&theirs, "\"time\":\"", '"'));
        }
    }

    /// A client cannot send control characters to the terminal that shows the log, nor end a field.
    #[test]
    fn lines_have_no_control_characters() {
        let all = all_bytes();
        let parts = request("/\"\u{80}\u{9b}", &[("user-agent", &all), ("referer", &all)]);
        let mut entry = Entry::new(&parts);
        (entry.host, entry.request_id) = (Some("a\"\n\u{85}".into()), Some("\0\\".into()));
        let formats: [Format; 2] = [Entry::combined, Entry::json];
        for format in formats {
            let line = line(&entry, format, OffsetDateTime::UNIX_EPOCH);
            assert_eq!(line.find(char::is_control), Some(line.len() - 1), "{}", line.escape_debug());
        }
        let combined = line(&entry, Entry::combined, OffsetDateTime::UNIX_EPOCH);
        let start = "- - - [01/Jan/1970:00:00:00 +0000] \"PROPFIND /\\\"\\xc2\\x80\\xc2\\x9b HTTP/1.1\" 0 0 \"(";
        assert!(combined.starts_with(start), "{combined}");
        let json: serde_json::Value =
            serde_json::from_str(&line(&entry, Entry::json, OffsetDateTime::UNIX_EPOCH)).unwrap();
        let agent: String = all.iter().copied().map(char::from).collect();
        assert_eq!(json["user_agent"], agent, "the value is unchanged");
        assert_eq!(json["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!((&json["host"], &json["request_id"]), (&"a\"\n\u{c2}\u{85}".into(), &"\0\\".into()));
    }

    /// The log has the origin form, also for a request to a proxy, and no password.
    #[test]
    fn the_uri_is_the_origin_form() {
        for (target, header, uri, host) in [
            ("/a?b=c", Some("example.com:80"), "/a?b=c", Some("example.com:80")),
            ("http://user:secret@example.org:81/a?b", Some("example.com"), "/a?b", Some("example.org:81")),
            ("*", None, "*", None),
            ("example.com:443", None, "example.com:443", Some("example.com:443")),
        ] {
            let headers: Vec<_> = header.iter().map(|host| ("host", host.as_bytes())).collect();
            let entry = Entry::new(&request(target, &headers));
            assert_eq!((&*entry.uri, entry.host.as_deref()), (uri, host), "{target}");
        }
    }
}
