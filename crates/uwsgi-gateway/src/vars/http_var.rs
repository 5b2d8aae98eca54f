//! A var that the operator adds to every request.

use core::error::Error;
use core::fmt;

use alloc::string::String;
use alloc::vec::Vec;

/// A var that the gateway adds to every request, or that replaces one. Its value may have `$remote_addr`, `$host`, `$scheme`,
/// `$request_uri` and `$request_id`, as in nginx; `$$` is a dollar sign.
///
/// `$host` is the host without its port, or the address of the listener. `$remote_addr` and `$scheme` are those that a trusted
/// proxy reported.
///
/// ```
/// use uwsgi_gateway::HttpVar;
///
/// HttpVar::parse("UWSGI_SCHEME=$scheme")?;
/// assert_eq!(HttpVar::parse("A=$hots").unwrap_err().to_string(), "`$hots` is not a variable");
/// # Ok::<(), uwsgi_gateway::HttpVarError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpVar {
    pub(crate) key: String,
    pub(crate) value: Vec<Part>,
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Variable(Variable),
}

/// What stands in a value for a text of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Host,
    RemoteAddr,
    RequestId,
    RequestUri,
    Scheme,
}

/// Why a text is not a var.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVarError {
    /// There is no `=` in the text, or nothing before it.
    NoKey,
    /// The key or the value has CR, LF or NUL.
    ControlByte,
    /// The gateway decides about the var with this key, because it says where the body ends or which answer follows.
    Reserved(String),
    /// The key and the value do not fit into a packet.
    TooLong,
    /// The value has a dollar sign with an unknown name.
    UnknownVariable(String),
}

impl HttpVar {
    /// Parses `KEY=VALUE`.
    ///
    /// # Errors
    ///
    /// [`HttpVarError`].
    pub fn parse(text: &str) -> Result<Self, HttpVarError> {
        /// The vars that say where a body ends, that decide whether an answer has a body, that ask for a WebSocket, or that no
        /// packet may have.
        const RESERVED: [&str; 7] = [
            "CONTENT_LENGTH",
            "HTTP_CONNECTION",
            "HTTP_CONTENT_LENGTH",
            "HTTP_PROXY",
            "HTTP_TRANSFER_ENCODING",
            "HTTP_UPGRADE",
            "REQUEST_METHOD",
        ];
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(HttpVarError::NoKey)?;
        if text.contains(['\r', '\n', '\0']) {
            return Err(HttpVarError::ControlByte);
        }
        if RESERVED.contains(&key) {
            return Err(HttpVarError::Reserved(key.into()));
        }
        if uwsgi::encoded_len([(key, value)]) > MAX_LEN {
            return Err(HttpVarError::TooLong);
        }
        Ok(Self { key: key.into(), value: parts(value)? })
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The longest packet, with its header.
const MAX_LEN: usize = 4 + 65535;

/// Splits a value into texts and variables.
fn parts(value: &str) -> Result<Vec<Part>, HttpVarError> {
    let (first, after) = value.split_once('$').map_or((value, None), |(first, after)| (first, Some(after)));
    let mut parts = Vec::new();
    push_text(&mut parts, first);
    let Some(mut rest) = after else { return Ok(parts) };
    // `rest` is what follows a dollar sign.
    loop {
        if let Some(after) = rest.strip_prefix('$') {
            push_text(&mut parts, "$");
            rest = after;
        } else {
            let end = rest.find(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            let variable = Variable::named(name).ok_or_else(|| HttpVarError::UnknownVariable(name.into()))?;
            parts.push(Part::Variable(variable));
            rest = after;
        }
        match rest.split_once('$') {
            Some((text, after)) => {
                push_text(&mut parts, text);
                rest = after;
            }
            None => {
                push_text(&mut parts, rest);
                return Ok(parts);
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.into())),
    }
}

impl Variable {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "host" => Self::Host,
            "remote_addr" => Self::RemoteAddr,
            "request_id" => Self::RequestId,
            "request_uri" => Self::RequestUri,
            "scheme" => Self::Scheme,
            _ => return None,
        })
    }
}

impl fmt::Display for HttpVarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("a var is KEY=VALUE"),
            Self::ControlByte => f.write_str("a var has no CR, LF or NUL"),
            Self::Reserved(key) => write!(f, "the gateway itself decides about {key}"),
            Self::TooLong => f.write_str("the var does not fit into a packet"),
            Self::UnknownVariable(name) => write!(f, "`${name}` is not a variable"),
        }
    }
}

impl Error for HttpVarError {}

#[cfg(test)]
mod tests {
    use super::Part::{Text, Variable as Var};
    use super::{HttpVar, HttpVarError, Part, Variable};

    fn text(text: &str) -> Part {
        Text(text.into())
    }

    #[test]
    fn values() {
        let rows: [(&str, &str, Vec<Part>); 12] = [
            ("A=b", "A", vec![text("b")]),
            ("A=", "A", vec![]),
            ("A=b=c", "A", vec![text("b=c")]),
            ("HTTP_HOST=$host", "HTTP_HOST", vec![Var(Variable::Host)]),
            ("A=$remote_addr", "A", vec![Var(Variable::RemoteAddr)]),
            ("A=$request_id", "A", vec![Var(Variable::RequestId)]),
            (
                "A=$scheme://$host$request_uri",
                "A",
                vec![Var(Variable::Scheme), text("://"), Var(Variable::Host), Var(Variable::RequestUri)],
            ),
            ("A=a$host-b", "A", vec![text("a"), Var(Variable::Host), text("-b")]),
            ("A=$$", "A", vec![text("$")]),
            ("A=a$$b$$$host", "A", vec![text("a$b$"), Var(Variable::Host)]),
            ("A=$$host", "A", vec![text("$host")]),
            ("a.b=c", "a.b", vec![text("c")]),
        ];
        for (given, key, value) in rows {
            assert_eq!(HttpVar::parse(given), Ok(HttpVar { key: key.into(), value }), "{given}");
        }
    }

    #[test]
    fn refused() {
        let [longest, long] = [65535 - 5, 65535 - 5 + 1].map(|length| format!("A={}", "x".repeat(length)));
        let rows: [(&str, HttpVarError); 17] = [
            ("", HttpVarError::NoKey),
            ("A", HttpVarError::NoKey),
            ("=b", HttpVarError::NoKey),
            ("A=b\n", HttpVarError::ControlByte),
            ("A\r=b", HttpVarError::ControlByte),
            ("A=\0", HttpVarError::ControlByte),
            ("CONTENT_LENGTH=5", HttpVarError::Reserved("CONTENT_LENGTH".into())),
            ("HTTP_CONTENT_LENGTH=5", HttpVarError::Reserved("HTTP_CONTENT_LENGTH".into())),
            ("HTTP_TRANSFER_ENCODING=chunked", HttpVarError::Reserved("HTTP_TRANSFER_ENCODING".into())),
            ("HTTP_PROXY=a", HttpVarError::Reserved("HTTP_PROXY".into())),
            ("HTTP_CONNECTION=upgrade", HttpVarError::Reserved("HTTP_CONNECTION".into())),
            ("HTTP_UPGRADE=websocket", HttpVarError::Reserved("HTTP_UPGRADE".into())),
            ("REQUEST_METHOD=GET", HttpVarError::Reserved("REQUEST_METHOD".into())),
            ("A=$", HttpVarError::UnknownVariable(String::new())),
            ("A=$hosts", HttpVarError::UnknownVariable("hosts".into())),
            ("A=$host$uri", HttpVarError::UnknownVariable("uri".into())),
            (&long, HttpVarError::TooLong),
        ];
        for (given, error) in rows {
            assert_eq!(HttpVar::parse(given), Err(error), "{}", given.get(..40).unwrap_or(given));
        }
        assert!(HttpVar::parse(&longest).is_ok());
    }
}
