//! A format of gunicorn's atoms, such as `%(h)s "%(r)s" %(s)s` (gunicorn 27, `gunicorn/glogging.py`).

use core::fmt::Write;
use core::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uwsgi::Request;
use uwsgi::response::ResponseHead;
use uwsgi_server::Addresses;

/// A format of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Atom(Atom),
}

/// What an atom stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    /// `h`: the client's address.
    Client,
    /// `l`: always `-`.
    Dash,
    /// `u`: the user.
    User,
    /// `t`: the date.
    Date,
    /// `r`: the request line.
    RequestLine,
    /// `m`
    Method,
    /// `U`: the path without the query.
    Path,
    /// `q`
    Query,
    /// `H`
    Protocol,
    /// `s`
    Status,
    /// `B`: the bytes of the body.
    BodyBytes,
    /// `b`: the bytes of the body, `-` for 0.
    BodyBytesOrDash,
    /// `f`
    Referer,
    /// `a`
    UserAgent,
    /// `T`
    Seconds,
    /// `M`
    Milliseconds,
    /// `D`
    Microseconds,
    /// `L`: seconds with six decimals.
    DecimalSeconds,
    /// `p`: the process in angle brackets.
    Process,
    /// `{name}i`
    RequestHeader(String),
    /// `{name}o`
    ResponseHeader(String),
    /// `{name}e`
    Var(String),
}

const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[[[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000]");

impl Format {
    /// Reads a format. The error says what is wrong.
    pub(crate) fn parse(format: &str) -> Result<Self, String> {
        let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), format);
        while let Some(at) = rest.find('%') {
            let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
            text.push_str(before);
            let after = after.strip_prefix('%').unwrap_or_default();
            if let Some(after) = after.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let atom = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
            let Some((name, after)) = atom else {
                return Err(format!("cannot read the access log format after {before:?}: write %(h)s, or %% for a %"));
            };
            let atom =
                Atom::parse(name).ok_or_else(|| format!("the access log format has an unknown atom %({name})s"))?;
            pieces.push(Piece::Text(core::mem::take(&mut text)));
            pieces.push(Piece::Atom(atom));
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }

    /// Writes the line of one request.
    pub(crate) fn line(
        &self,
        request: &Request<'_>,
        addresses: Addresses,
        head: &[u8],
        status: u16,
        body_bytes: u64,
        duration: Duration,
    ) -> String {
        let mut line = String::with_capacity(256);
        for piece in &self.0 {
            let written = match piece {
                Piece::Text(text) => line.write_str(text),
                Piece::Atom(atom) => match atom {
                    Atom::Client => match (request.remote_addr(), addresses.peer) {
                        (Some(address), _) if !address.is_empty() => escape(&mut line, Some(address)),
                        (_, Some(peer)) => write!(line, "{}", peer.ip()),
                        _ => line.write_str("-"),
                    },
                    Atom::Dash => line.write_str("-"),
                    Atom::User => escape(&mut line, request.remote_user()),
                    Atom::Date => line.write_str(&OffsetDateTime::now_utc().format(DATE).unwrap_or_default()),
                    Atom::RequestLine => {
                        let target = request.target().from_root();
                        let _ = write!(line, "{} {target} ", request.method_or_get().escape_ascii());
                        escape(&mut line, request.server_protocol())
                    }
                    Atom::Method => escape(&mut line, Some(request.method_or_get())),
                    Atom::Path => {
                        let target = request.target().from_root().to_string();
                        line.write_str(target.split('?').next().unwrap_or_default())
                    }
                    Atom::Query => escape_or_empty(&mut line, request.query_string()),
                    Atom::Protocol => escape(&mut line, request.server_protocol()),
                    Atom::Status => write!(line, "{status}"),
                    Atom::BodyBytes => write!(line, "{body_bytes}"),
                    Atom::BodyBytesOrDash if body_bytes == 0 => line.write_str("-"),
                    Atom::BodyBytesOrDash => write!(line, "{body_bytes}"),
                    Atom::Referer => escape(&mut line, request.header("referer").as_deref()),
                    Atom::UserAgent => escape(&mut line, request.header("user-agent").as_deref()),
                    Atom::Seconds => write!(line, "{}", duration.as_secs()),
                    Atom::Milliseconds => write!(line, "{}", duration.as_millis()),
                    Atom::Microseconds => write!(line, "{}", duration.as_micros()),
                    Atom::DecimalSeconds => write!(line, "{:.6}", duration.as_secs_f64()),
                    Atom::Process => write!(line, "<{}>", std::process::id()),
                    Atom::RequestHeader(name) => escape(&mut line, request.header(name).as_deref()),
                    Atom::ResponseHeader(name) => {
                        let head = ResponseHead::decode(head).ok();
                        let mut lines = head.iter().flat_map(ResponseHead::headers);
                        let found = lines.find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
                        escape(&mut line, found.map(|(_, value)| value))
                    }
                    Atom::Var(name) => escape(&mut line, request.var(name)),
                },
            };
            // A write to a string cannot fail.
            let _ = written;
        }
        line
    }
}

impl Atom {
    fn parse(name: &str) -> Option<Self> {
        if let Some((name, kind)) = name.strip_prefix('{').and_then(|name| name.split_once('}')) {
            return Some(match kind {
                "i" => Self::RequestHeader(name.into()),
                "o" => Self::ResponseHeader(name.into()),
                "e" => Self::Var(name.into()),
                _ => return None,
            });
        }
        Some(match name {
            "h" => Self::Client,
            "l" => Self::Dash,
            "u" => Self::User,
            "t" => Self::Date,
            "r" => Self::RequestLine,
            "m" => Self::Method,
            "U" => Self::Path,
            "q" => Self::Query,
            "H" => Self::Protocol,
            "s" => Self::Status,
            "B" => Self::BodyBytes,
            "b" => Self::BodyBytesOrDash,
            "f" => Self::Referer,
            "a" => Self::UserAgent,
            "T" => Self::Seconds,
            "M" => Self::Milliseconds,
            "D" => Self::Microseconds,
            "L" => Self::DecimalSeconds,
            "p" => Self::Process,
            _ => return None,
        })
    }
}

/// Writes bytes so that no control character and no quote stays; `-` for no value.
fn escape(line: &mut String, value: Option<&[u8]>) -> core::fmt::Result {
    match value {
        Some(value) if !value.is_empty() => write!(line, "{}", value.escape_ascii()),
        _ => line.write_str("-"),
    }
}

fn escape_or_empty(line: &mut String, value: Option<&[u8]>) -> core::fmt::Result {
    write!(line, "{}", value.unwrap_or_default().escape_ascii())
}
