//! The access log: a line for each request that an application was asked for.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uwsgi::Request;

use crate::app::Call;

/// A log of requests. No header but Referer and User-Agent comes into it: no cookie, no credentials.
///
/// ```
/// use uwsgi_server::AccessLog;
///
/// let log = AccessLog::combined(std::io::stderr());
/// ```
pub struct AccessLog {
    format: Format,
    to: Mutex<Box<dyn Write + Send>>,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").field("format", &self.format).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Combined,
    Json,
}

/// One request and what was answered.
pub(crate) struct Entry<'r> {
    request: Request<'r>,
    client: Cow<'r, str>,
    status: u16,
    bytes: u64,
    took: Duration,
}

impl AccessLog {
    /// Lines as Apache and nginx write them under the name "combined".
    pub fn combined(to: impl Write + Send + 'static) -> Self {
        Self { format: Format::Combined, to: Mutex::new(Box::new(to)) }
    }

    /// An object of JSON a line: `time`, `client`, `user`, `method`, `uri`, `protocol`, `status`, `bytes`, `referer`,
    /// `user_agent`, `milliseconds`. Control characters are escaped, DEL and those of C1 included.
    pub fn json(to: impl Write + Send + 'static) -> Self {
        Self { format: Format::Json, to: Mutex::new(Box::new(to)) }
    }

    /// Writes a line, at once. That a log cannot be written stops no server; it is told on the other log.
    pub(crate) fn log(&self, entry: &Entry<'_>) {
        let now = OffsetDateTime::now_utc();
        let line = match self.format {
            Format::Combined => entry.combined(now),
            Format::Json => entry.json(now),
        };
        let written = line.and_then(|line| {
            let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
            to.write_all(&line).and_then(|()| to.flush())
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
    pub(crate) fn new(call: &Call<'r>, status: u16, bytes: u64, took: Duration) -> Self {
        let request = *call.request();
        let client = match (request.remote_addr(), call.ends().peer) {
            (Some(address), _) if !address.is_empty() => Cow::Owned(address.escape_ascii().to_string()),
            (_, Some(peer)) => Cow::Owned(peer.ip().to_string()),
            _ => Cow::Borrowed("-"),
        };
        Self { request, client, status, bytes, took }
    }

    fn combined(&self, now: OffsetDateTime) -> io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(256);
        let user = self.request.remote_user().filter(|user| !user.is_empty()).unwrap_or(b"-");
        write!(line, "{} - {} [", bare(&self.client), bare(&user.escape_ascii().to_string()))?;
        now.format_into(&mut line, COMBINED).map_err(io::Error::other)?;
        writeln!(
            line,
            "] \"{} {} {}\" {} {} \"{}\" \"{}\"",
            self.request.method_or_get().escape_ascii(),
            self.request.target().from_root(),
            self.request.server_protocol().unwrap_or(b"-").escape_ascii(),
            self.status,
            self.bytes,
            self.request.header("referer").as_deref().unwrap_or(b"-").escape_ascii(),
            self.request.header("user-agent").as_deref().unwrap_or(b"-").escape_ascii(),
        )?;
        Ok(line)
    }

    fn json(&self, now: OffsetDateTime) -> io::Result<Vec<u8>> {
        let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        let known = |bytes: Option<&[u8]>| bytes.map(text);
        let object = serde_json::json!({
            "time": now.format(JSON).map_err(io::Error::other)?,
            "client": self.client,
            "user": known(self.request.remote_user().filter(|user| !user.is_empty())),
            "method": text(self.request.method_or_get()),
            "uri": self.request.target().from_root().to_string(),
            "protocol": known(self.request.server_protocol()),
            "status": self.status,
            "bytes": self.bytes,
            "referer": known(self.request.header("referer").as_deref()),
            "user_agent": known(self.request.header("user-agent").as_deref()),
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        });
        let mut line = Vec::with_capacity(256);
        for char in serde_json::to_string(&object).map_err(io::Error::other)?.chars() {
            if is_control(char) {
                write!(line, "\\u{:04x}", u32::from(char))?;
            } else {
                write!(line, "{char}")?;
            }
        }
        line.push(b'\n');
        Ok(line)
    }
}

/// Whether a terminal may act upon a character though JSON lets it stand in a string: DEL and the controls of C1
/// (ECMA-48 section 5.3, RFC 8259 section 7). Outside strings JSON has none of them.
const fn is_control(char: char) -> bool {
    matches!(char, '\x7f'..='\u{9f}')
}

/// A field that stands without quotes ends at its first space.
fn bare(field: &str) -> String {
    field.replace(' ', "\\x20")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use uwsgi::{Modifier1, Packet, VarsEncoder};

    use super::*;
    use crate::app::Ends;
    use crate::workers::Workers;

    /// A terminal that shows the log acts upon nothing that a client has sent.
    #[test]
    fn no_line_has_a_control_character_in_it() {
        let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| !matches!(byte, 0 | b'\r' | b'\n')).collect();
        let mut packet = Vec::new();
        let mut vars = VarsEncoder::new(&mut packet);
        for key in ["REQUEST_METHOD", "PATH_INFO", "REMOTE_ADDR", "REMOTE_USER", "SERVER_PROTOCOL", "HTTP_USER_AGENT"] {
            vars.push_raw(key, &bytes).unwrap();
        }
        vars.finish(Modifier1::WSGI, 0).unwrap();
        let (packet, _) = Packet::decode(&packet).unwrap();
        let workers = Workers::new(1);
        let call = Call::new(Request::decode(&packet).unwrap(), packet, Ends::default(), &workers);
        let entry = Entry::new(&call, 200, 0, Duration::ZERO);
        let now = OffsetDateTime::UNIX_EPOCH;
        for line in [entry.combined(now).unwrap(), entry.json(now).unwrap()] {
            let line = String::from_utf8(line).unwrap();
            assert_eq!(line.find(char::is_control), Some(line.len() - 1), "{}", line.escape_debug());
        }
        let line: serde_json::Value = serde_json::from_slice(&entry.json(now).unwrap()).unwrap();
        let agent: String = bytes.iter().copied().map(char::from).collect();
        assert_eq!(line["user_agent"], agent.trim_matches([' ', '\t']), "and it says what was sent");
    }
}
