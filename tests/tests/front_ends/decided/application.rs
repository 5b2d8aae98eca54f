//! What the application of the three servers does, and what it says that it was given.

use std::fmt;

/// A request as an application is given it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The row that it belongs to: the header `X-Row`.
    pub row: String,
    method: String,
    /// The path, and the query after a `?` where there is one.
    target: String,
    mount: Option<String>,
    /// How many bytes came of a body; nothing where it did not come to its end.
    body: Option<u64>,
    /// Headers, as `name: value`, of the name that the header `X-Show` gives.
    shown: Vec<String>,
    is_authorized: bool,
    /// What the server had it from, for the words of a failure.
    pub vars: String,
}

/// What it answers.
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

    /// The answer to it: what front ends act on, and 200 otherwise.
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
