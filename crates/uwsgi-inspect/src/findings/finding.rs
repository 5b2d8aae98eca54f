//! A finding, which is a row of a table, and its result for one request.

use alloc::borrow::Cow;
use core::fmt;

use crate::findings::evidence::Evidence;
use crate::findings::inspected_request::InspectedRequest;

/// Something that this crate looks for in every request; [`Found`] is its result for one request. [`Finding::all`] lists all
/// findings.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    id: &'static str,
    severity: Severity,
    test: fn(&InspectedRequest<'_>) -> Option<Evidence>,
    /// The placeholders `{0}` to `{9}` stand for what the test saw.
    text: &'static str,
    change: &'static [(FrontEnd, &'static str)],
}

impl Finding {
    pub(crate) const fn new(
        id: &'static str,
        severity: Severity,
        test: fn(&InspectedRequest<'_>) -> Option<Evidence>,
        text: &'static str,
        change: &'static [(FrontEnd, &'static str)],
    ) -> Self {
        Self { id, severity, test, text, change }
    }

    /// Returns an identifier that never changes, such as `no-uwsgi-params`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// Returns the severity.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Checks a request. Returns a result if the request has this finding.
    pub(crate) fn check(&'static self, request: &InspectedRequest<'_>) -> Option<Found> {
        let evidence = (self.test)(request)?;
        let text = evidence.fill(self.text).into_owned();
        let change = self.change.iter().map(|(front_end, line)| (*front_end, evidence.fill(line)));
        // An empty line is left out: the test found nothing to recommend.
        let change = change.filter(|(_, line)| !line.is_empty()).collect();
        Some(Found { finding: self, text, change })
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The application gets wrong data, or a client can control it.
    Error,
    /// Harmless if the user expects it.
    Note,
    /// Some applications or servers fail on the request.
    Warning,
}

impl Severity {
    /// Returns `error`, `warning` or `note`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The program whose configuration a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrontEnd {
    /// Apache httpd with `mod_proxy_uwsgi`.
    Apache,
    /// lighttpd with `mod_scgi` and `scgi.protocol = "uwsgi"`.
    Lighttpd,
    /// nginx with `uwsgi_pass`.
    Nginx,
    /// uWSGI: its HTTP router, or its server.
    Uwsgi,
}

impl FrontEnd {
    /// Returns `apache`, `lighttpd`, `nginx` or `uwsgi`: the keys of `change` in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
            Self::Uwsgi => "uwsgi",
        }
    }

    /// Returns the name as its makers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apache => "Apache",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
            Self::Uwsgi => "uWSGI",
        }
    }
}

/// The result of a [`Finding`] for one request.
#[derive(Debug, Clone)]
pub struct Found {
    finding: &'static Finding,
    text: String,
    change: Vec<(FrontEnd, Cow<'static, str>)>,
}

impl Found {
    /// Returns the finding.
    #[must_use]
    pub const fn finding(&self) -> &'static Finding {
        self.finding
    }

    /// Returns the [identifier](Finding::id) of the finding.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.finding.id
    }

    /// Returns the [severity](Finding::severity) of the finding.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.finding.severity
    }

    /// Returns what the test saw, and what that means. Bytes from outside are [`Escaped`](crate::Escaped), and cut if they are
    /// long.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the configuration lines that remove the cause, for each front end that has such lines, nginx first. Line ends
    /// separate several lines.
    #[must_use]
    pub fn change(&self) -> impl ExactSizeIterator<Item = (FrontEnd, &str)> {
        self.change.iter().map(|(front_end, line)| (*front_end, line.as_ref()))
    }
}
