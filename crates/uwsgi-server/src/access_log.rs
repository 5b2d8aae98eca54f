//! The access log: one line for each request, except those that the server refused before they waited for a permit.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Mutex;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uwsgi::Request;
use uwsgi_io::Addresses;

use crate::lock::lock;

/// A log of requests. It has no cookies and no credentials: of the headers it writes only Referer and User-Agent.
///
/// ```
/// use uwsgi_server::AccessLog;
///
/// let log = AccessLog::combined(std::io::stderr());
/// ```
pub struct AccessLog {
    format: fn(&Entry<'_>, OffsetDateTime) -> io::Result<Vec<u8>>,
    output: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").finish_non_exhaustive()
    }
}

/// One request and its response, for a line of an [`AccessLog`].
#[derive(Debug)]
pub struct Entry<'r> {
    request: Request<'r>,
    client: Cow<'r, str>,
    status: u16,
    body_bytes: u64,
    duration: Duration,
}

impl AccessLog {
    /// Writes lines in the format that Apache and nginx call "combined".
    pub fn combined(output: impl Write + Send + 'static) -> Self {
        Self { format: |entry, now| entry.combined(now), output: Mutex::new(Box::new(output)) }
    }

    /// Writes one JSON object a line: `time`, `client`, `user`, `method`, `uri`, `protocol`, `status`, `bytes`, `referer`,
    /// `user_agent`, `milliseconds`. All control characters are escaped, including DEL and C1.
    pub fn json(output: impl Write + Send + 'static) -> Self {
        Self { format: |entry, now| entry.json(now), output: Mutex::new(Box::new(output)) }
    }

    /// Writes one line, and flushes the output. If that fails, this logs the error through `tracing`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use uwsgi::{Packet, Request};
    /// use uwsgi_server::{AccessLog, Addresses, Entry};
    ///
    /// let log = AccessLog::combined(std::io::sink());
    /// let (packet, _) = Packet::decode(b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET")?;
    /// let request = Request::decode(&packet)?;
    /// log.log(&Entry::new(&request, Addresses::default(), 200, 5, Duration::from_millis(3)));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    pub fn log(&self, entry: &Entry<'_>) {
        let written = (self.format)(entry, OffsetDateTime::now_utc()).and_then(|line| {
            let mut output = lock(&self.output);
            output.write_all(&line).and_then(|()| output.flush())
        });
        if let Err(error) = written {
            tracing::error!("the access log cannot be written: {error}");
        }
    }
}

const COMBINED: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
const JSON: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl<'r> Entry<'r> {
    /// The status of an entry if the peer closed the connection before a byte of the response left. nginx logs the same
    /// (`NGX_HTTP_CLIENT_CLOSED_REQUEST`).
    pub const CLIENT_CLOSED_REQUEST: u16 = 499;

    /// Describes a request that was answered: the addresses of its connection, the status, the bytes of the body that left, and
    /// how long it took.
    #[must_use]
    pub fn new(request: &Request<'r>, addresses: Addresses, status: u16, body_bytes: u64, duration: Duration) -> Self {
        let request = *request;
        let client = match (request.remote_addr(), addresses.peer) {
            (Some(address), _) if !address.is_empty() => Cow::Owned(address.escape_ascii().to_string()),
            (_, Some(peer)) => Cow::Owned(peer.ip().to_string()),
            _ => Cow::Borrowed("-"),
        };
        Self { request, client, status, body_bytes, duration }
    }

    fn combined(&self, now: OffsetDateTime) -> io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(256);
        let user = self.request.remote_user().filter(|user| !user.is_empty()).unwrap_or(b"-");
        write!(line, "{} - {} [", unquoted(&self.client), unquoted(&user.escape_ascii().to_string()))?;
        now.format_into(&mut line, COMBINED).map_err(io::Error::other)?;
        writeln!(
            line,
            "] \"{} {} {}\" {} {} \"{}\" \"{}\"",
            self.request.method_or_get().escape_ascii(),
            self.request.target().from_root(),
            self.request.server_protocol().unwrap_or(b"-").escape_ascii(),
            self.status,
            self.body_bytes,
            self.request.header("referer").as_deref().unwrap_or(b"-").escape_ascii(),
            self.request.header("user-agent").as_deref().unwrap_or(b"-").escape_ascii(),
        )?;
        Ok(line)
    }

    fn json(&self, now: OffsetDateTime) -> io::Result<Vec<u8>> {
        let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        let text_or_null = |bytes: Option<&[u8]>| bytes.map(text);
        let object = serde_json::json!({
            "time": now.format(JSON).map_err(io::Error::other)?,
            "client": self.client,
            "user": text_or_null(self.request.remote_user().filter(|user| !user.is_empty())),
            "method": text(self.request.method_or_get()),
            "uri": self.request.target().from_root().to_string(),
            "protocol": text_or_null(self.request.server_protocol()),
            "status": self.status,
            "bytes": self.body_bytes,
            "referer": text_or_null(self.request.header("referer").as_deref()),
            "user_agent": text_or_null(self.request.header("user-agent").as_deref()),
            "milliseconds": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
        });
        let mut line = Vec::with_capacity(256);
        for char in serde_json::to_string(&object).map_err(io::Error::other)?.chars() {
            match char {
                // A terminal may act on DEL and the C1 controls, though JSON allows them in a string (ECMA-48 section 5.3,
                // RFC 8259 section 7). JSON has them nowhere else.
                '\x7f'..='\u{9f}' => write!(line, "\\u{:04x}", u32::from(char))?,
                _ => write!(line, "{char}")?,
            }
        }
        line.push(b'\n');
        Ok(line)
    }
}

/// Escapes spaces. A space would end a field that has no quotes.
fn unquoted(field: &str) -> String {
    field.replace(' ', "\\x20")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use uwsgi::{Modifier1, Packet, VarsEncoder};

    use super::*;

    /// A client cannot send control characters to the terminal that shows the log.
    #[test]
    fn lines_have_no_control_characters() {
        let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| !matches!(byte, 0 | b'\r' | b'\n')).collect();
        let mut packet = Vec::new();
        let mut vars = VarsEncoder::new(&mut packet);
        for key in ["REQUEST_METHOD", "PATH_INFO", "REMOTE_ADDR", "REMOTE_USER", "SERVER_PROTOCOL", "HTTP_USER_AGENT"] {
            vars.push_raw(key, &bytes).unwrap();
        }
        vars.finish(Modifier1::WSGI, 0).unwrap();
        let (packet, _) = Packet::decode(&packet).unwrap();
        let request = Request::decode(&packet).unwrap();
        let entry = Entry::new(&request, Addresses::default(), 200, 0, Duration::ZERO);
        let now = OffsetDateTime::UNIX_EPOCH;
        for line in [entry.combined(now).unwrap(), entry.json(now).unwrap()] {
            let line = String::from_utf8(line).unwrap();
            assert_eq!(line.find(char::is_control), Some(line.len() - 1), "{}", line.escape_debug());
        }
        let line: serde_json::Value = serde_json::from_slice(&entry.json(now).unwrap()).unwrap();
        let agent: String = bytes.iter().copied().map(char::from).collect();
        assert_eq!(line["user_agent"], agent.trim_matches([' ', '\t']), "the value is unchanged");
    }
}
