//! The report of one request.

use std::collections::HashMap;

use uwsgi::{Header, Request};

use crate::body::Body;
use crate::findings::{Finding, Found, FrontEnd, InspectedRequest};

/// A request, what the server knows about its body, and the findings about both.
///
/// ```
/// use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
/// use uwsgi_inspect::{Body, Report};
///
/// let mut buffer = [0; 256];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// vars.push("X_ONLY", "only")?; // a uwsgi_param in a location that does not include uwsgi_params
/// vars.push("HTTP_HOST", "example.com")?;
/// let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0)?)?;
///
/// let report = Report::new(Request::decode(&packet)?, Body::NONE);
/// assert_eq!(report.findings()[0].id(), "no-uwsgi-params");
/// assert!(report.text().to_string().contains("nginx     include uwsgi_params;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Report<'a> {
    inspected: InspectedRequest<'a>,
    findings: Vec<Found>,
}

impl<'a> Report<'a> {
    /// Creates the report of a request after its body was read.
    #[must_use]
    pub fn new(request: Request<'a>, body: Body) -> Self {
        let inspected = InspectedRequest { cgi: request, body };
        let findings = Finding::all().filter_map(|finding| finding.check(&inspected)).collect();
        Self { inspected, findings }
    }

    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &Request<'a> {
        &self.inspected.cgi
    }

    /// Returns the packet's header.
    #[must_use]
    pub fn header(&self) -> Header {
        let request = self.request();
        // The request was decoded from a packet, and the datasize of a packet has 16 bits.
        let datasize = u16::try_from(request.vars().as_bytes().len()).unwrap_or(u16::MAX);
        Header { modifier1: request.modifier1(), datasize, modifier2: request.modifier2() }
    }

    /// Returns what the server knows about the body.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.inspected.body
    }

    /// Returns the findings, the most severe first.
    #[must_use]
    pub fn findings(&self) -> &[Found] {
        &self.findings
    }

    /// Returns advice for users who copy a line, if the advice applies to one of the lines.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let mut lines = self.findings.iter().flat_map(Found::change);
        let is_param = |(_, line): (FrontEnd, &str)| line.contains("uwsgi_param ");
        lines
            .any(is_param)
            .then_some("Replace the uwsgi_param of the same name: nginx sends both, and the last one counts.")
    }

    /// Returns two numbers for each var: its index among the vars with the same key, from 1, and the number of these vars.
    pub(crate) fn occurrences(&self) -> Vec<(usize, usize)> {
        let vars = self.request().vars();
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        let mut count = |key| {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
            *count
        };
        let indexes: Vec<_> = vars.iter().map(|(key, _)| count(key)).collect();
        vars.iter().zip(indexes).map(|((key, _), index)| (index, counts.get(key).copied().unwrap_or(index))).collect()
    }
}
