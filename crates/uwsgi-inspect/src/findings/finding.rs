//! What a finding is: a row of a table, and what it says about one request.

use alloc::borrow::Cow;
use core::fmt;

use crate::findings::evidence::Evidence;
use crate::findings::inspected_request::InspectedRequest;

/// One thing that is worth knowing about a request: a row of the table that [`Finding::all`] lists.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    id: &'static str,
    severity: Severity,
    test: fn(&InspectedRequest<'_>) -> Option<Evidence>,
    /// `{0}` to `{9}` stand for what the test saw.
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

    /// A name that stays the same, such as `no-uwsgi-params`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What the finding says about a request, or nothing.
    pub(crate) fn check(&'static self, request: &InspectedRequest<'_>) -> Option<Found> {
        let evidence = (self.test)(request)?;
        let text = evidence.fill(self.text).into_owned();
        let change = self.change.iter().map(|(front_end, line)| (*front_end, evidence.fill(line)));
        // A line that the test has no words for is not recommended.
        let change = change.filter(|(_, line)| !line.is_empty()).collect();
        Some(Found { finding: self, text, change })
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The application gets something wrong, or somebody else gets power over it.
    Error,
    /// Good to know; harmless where it is expected.
    Note,
    /// Some applications or servers stumble over it.
    Warning,
}

impl Severity {
    /// `error`, `warning` or `note`.
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

/// Whose configuration a line belongs into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrontEnd {
    /// Apache httpd with `mod_proxy_uwsgi`.
    Apache,
    /// lighttpd with `mod_scgi` and `scgi.protocol = "uwsgi"`.
    Lighttpd,
    /// nginx with `uwsgi_pass`.
    Nginx,
    /// uWSGI, its HTTP router or the server behind it.
    Uwsgi,
}

impl FrontEnd {
    /// `apache`, `lighttpd`, `nginx` or `uwsgi`: the keys of `change` in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
            Self::Uwsgi => "uwsgi",
        }
    }

    /// How its makers write it.
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

/// A finding about one request.
#[derive(Debug, Clone)]
pub struct Found {
    finding: &'static Finding,
    text: String,
    change: Vec<(FrontEnd, Cow<'static, str>)>,
}

impl Found {
    /// The row of the table.
    #[must_use]
    pub const fn finding(&self) -> &'static Finding {
        self.finding
    }

    /// [`Finding::id`].
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.finding.id
    }

    /// [`Finding::severity`].
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.finding.severity
    }

    /// What was request, and what it means. What came from outside is [`Escaped`](crate::Escaped) and cut short.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that changes it, for each front end that has one, nginx first; where it takes two, there is a line end
    /// between them.
    #[must_use]
    pub fn change(&self) -> impl ExactSizeIterator<Item = (FrontEnd, &str)> {
        self.change.iter().map(|(front_end, line)| (*front_end, line.as_ref()))
    }
}
