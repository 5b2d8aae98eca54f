//! The findings.
//!
//! To add a finding, add a row to a table in `tables`. Then add a row to the table of the same name in `tests/findings`, with
//! requests that have the finding. Nothing else lists the findings.

mod evidence;
mod excerpt;
mod finding;
mod inspected_request;
mod nginx_lines;
mod tables;

pub use finding::{Finding, Found, FrontEnd, Severity};

pub(crate) use inspected_request::InspectedRequest;

impl Finding {
    /// Returns all findings that this crate looks for, the most severe first.
    ///
    /// ```
    /// use uwsgi_inspect::{Finding, Severity};
    ///
    /// let httpoxy = Finding::all().find(|finding| finding.id() == "httpoxy").unwrap();
    /// assert_eq!(httpoxy.severity(), Severity::Error);
    /// ```
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let with_severity = |severity| tables::rows().filter(move |finding: &&Self| finding.severity() == severity);
        severities.into_iter().flat_map(with_severity)
    }
}
