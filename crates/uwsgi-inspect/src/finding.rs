//! What a finding is: a row of a table, and what it says about one request.

use alloc::borrow::Cow;
use core::fmt;

use crate::seen::Seen;

/// One thing that is worth knowing about a request: a row of the table that [`Finding::all`] lists.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    id: &'static str,
    severity: Severity,
    test: fn(&Seen<'_>) -> Option<Evidence>,
    /// `{0}` to `{9}` stand for what the test saw.
    text: &'static str,
    change: &'static [(FrontEnd, &'static str)],
}

impl Finding {
    pub(crate) const fn new(
        id: &'static str,
        severity: Severity,
        test: fn(&Seen<'_>) -> Option<Evidence>,
        text: &'static str,
        change: &'static [(FrontEnd, &'static str)],
    ) -> Self {
        Self { id, severity, test, text, change }
    }

    /// Every finding there is, the most severe first.
    ///
    /// ```
    /// use uwsgi_inspect::{Finding, Severity};
    ///
    /// let httpoxy = Finding::all().find(|finding| finding.id() == "httpoxy").unwrap();
    /// assert_eq!(httpoxy.severity(), Severity::Error);
    /// ```
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let of = |severity| crate::findings::tables().filter(move |finding: &&Self| finding.severity == severity);
        severities.into_iter().flat_map(of)
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
    pub(crate) fn look(&'static self, seen: &Seen<'_>) -> Option<Found> {
        let evidence = (self.test)(seen)?;
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

    /// What was seen, and what it means. What came from outside is [`Escaped`](crate::Escaped) and cut short.
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

/// What a test saw: what stands for `{0}`, `{1}` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence(Vec<String>);

impl Evidence {
    pub(crate) fn one(shown: impl fmt::Display) -> Self {
        Self(vec![shown.to_string()])
    }

    pub(crate) fn two(first: impl fmt::Display, second: impl fmt::Display) -> Self {
        Self::one(first).and(second)
    }

    /// One thing more.
    pub(crate) fn and(mut self, shown: impl fmt::Display) -> Self {
        self.0.push(shown.to_string());
        self
    }

    /// Nothing to show, if it is so.
    pub(crate) fn when(is_so: bool) -> Option<Self> {
        is_so.then_some(Self(Vec::new()))
    }

    /// The template with what was seen in its places. What is put in is not looked at again.
    fn fill(&self, template: &'static str) -> Cow<'static, str> {
        if !template.contains('{') {
            return Cow::Borrowed(template);
        }
        let mut rest = template;
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (shown, after) = self.place(after).unwrap_or(("{", after));
            filled.push_str(before);
            filled.push_str(shown);
            rest = after;
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// What stands for the place that a template goes on with, and what follows it; nothing for an ordinary brace, as a line of
    /// lighttpd's may hold one.
    fn place(&self, template: &'static str) -> Option<(&str, &'static str)> {
        let (digit, after) = template.split_once('}')?;
        let nth: usize = digit.parse().ok().filter(|_| digit.len() == 1)?;
        Some((self.0.get(nth)?, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let evidence = Evidence::two("{1}", "b");
        for (template, filled) in [
            ("", ""),
            ("no", "no"),
            ("{0}", "{1}"),
            ("{1}-{0}.", "b-{1}."),
            ("if {\n}", "if {\n}"),
            ("{", "{"),
            ("{2}", "{2}"),
        ] {
            assert_eq!(evidence.fill(template), filled);
        }
        // Nothing shown, and nothing before it.
        assert_eq!(Evidence::one("").fill("{0}a"), "a");
    }
}
