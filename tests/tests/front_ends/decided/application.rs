//! The application of the three servers, and its record of the requests that it sees.

use std::fmt;

/// A request as an application sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The name of its row: the header `X-Row`.
    pub row: String,
    method: String,
    /// The path, and a `?` and the query if there is one.
    target: String,
    mount: Option<String>,
    /// The length of the body; `None` if the body was cut off.
    body: Option<u64>,
    /// The headers, as `name: value`, that have the name in the header `X-Show`.
    shown: Vec<String>,
    is_authorized: bool,
    /// The vars that the server read, for the message of a failure.
    pub vars: String,
}

/// The answer of the application.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: &'static str,
}

impl Seen {
    pub fn new(
        method: &str,
        target: String,
        mount: Option<String>,
        body: Option<u64>,
        headers: Vec<(String, String)>,
        vars: String,
    ) -> Self {
        let header = |name: &str| headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = |name: &str| header(name).map(|(_, value)| value.clone()).unwrap_or_default();
        let show = value("X-Show");
        let shown = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&show));
        Self {
            row: value("X-Row"),
            method: method.to_owned(),
            target,
            mount,
            body,
            shown: shown.map(|(_, value)| format!("{show}: {value}")).collect(),
            is_authorized: header("Authorization").is_some(),
            vars,
        }
    }

    /// Returns the answer: one that front ends act on, or 200.
    pub fn reply(&self) -> Reply {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let accel = query.strip_prefix("accel=").map(|to| ("X-Accel-Redirect", to.to_owned()));
        let status = match path {
            _ if self.body.is_none() => 408,
            _ if path.starts_with("/auth") && !self.is_authorized => 401,
            "/missing" => 404,
            _ => 200,
        };
        let body = if path == "/page" { "<!--# include virtual=\"/part?x=2\" -->" } else { "seen\n" };
        Reply { status, headers: accel.into_iter().chain([("Content-Type", "text/html".to_owned())]).collect(), body }
    }
}

/// `POST /cart?x=1, mounted at /shop, 5 bytes`
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        if let Some(mount) = &self.mount {
            write!(f, ", mounted at {mount}")?;
        }
        match self.body {
            Some(0) => {}
            Some(bytes) => write!(f, ", {bytes} bytes")?,
            None => f.write_str(", a body that does not come")?,
        }
        self.shown.iter().try_for_each(|header| write!(f, ", {header}"))
    }
}
