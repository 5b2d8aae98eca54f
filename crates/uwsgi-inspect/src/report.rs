//! One request, as it arrived.

use core::fmt;
use std::collections::HashMap;

use uwsgi::framing::RequestBody;
use uwsgi::{Header, Request};

use crate::finding::{Finding, Found, FrontEnd};
use crate::format::Format;
use crate::seen::Seen;
use crate::{html, json, text};

/// What arrived: a request, its body's account, and what is worth knowing about both.
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
    seen: Seen<'a>,
    findings: Vec<Found>,
}

impl<'a> Report<'a> {
    /// The report of a request, once its body was read.
    #[must_use]
    pub fn new(request: Request<'a>, body: Body) -> Self {
        let seen = Seen { request, body };
        Self { seen, findings: Finding::all().filter_map(|finding| finding.look(&seen)).collect() }
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request<'a> {
        &self.seen.request
    }

    /// The packet's header.
    #[must_use]
    pub fn header(&self) -> Header {
        let request = self.request();
        // A decoded request came from a packet, whose datasize is 16 bits.
        let datasize = u16::try_from(request.vars().as_bytes().len()).unwrap_or(u16::MAX);
        Header { modifier1: request.modifier1(), datasize, modifier2: request.modifier2() }
    }

    /// The body's account.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.seen.body
    }

    /// What is worth knowing, the most severe first.
    #[must_use]
    pub fn findings(&self) -> &[Found] {
        &self.findings
    }

    /// What to know before a line is copied, where there is one to which it matters.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let mut lines = self.findings.iter().flat_map(Found::change);
        let is_param = |(_, line): (FrontEnd, &str)| line.contains("uwsgi_param ");
        lines
            .any(is_param)
            .then_some("Replace the uwsgi_param of the same name: nginx sends both, and the last one counts.")
    }

    /// For each var the how-manieth of its key it is, from 1, and of how many.
    pub(crate) fn occurrences(&self) -> Vec<(usize, usize)> {
        let vars = self.request().vars();
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        let mut count = |key| {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
            *count
        };
        let nths: Vec<_> = vars.iter().map(|(key, _)| count(key)).collect();
        vars.iter().zip(nths).map(|((key, _), nth)| (nth, counts.get(key).copied().unwrap_or(nth))).collect()
    }

    /// A page for a browser: it needs no script and nothing from elsewhere, and every byte that came in is escaped.
    #[must_use]
    pub fn html(&self) -> impl fmt::Display {
        html::Page(self)
    }

    /// A document for programs, with a line end behind it. Its strings are [`Latin1`](crate::Latin1).
    #[must_use]
    pub fn json(&self) -> impl fmt::Display {
        json::Document(self)
    }

    /// Lines for a terminal.
    #[must_use]
    pub fn text(&self) -> impl fmt::Display {
        text::Lines(self)
    }

    /// The report in one of its forms.
    #[must_use]
    pub fn to_format(&self, format: Format) -> String {
        match format {
            Format::Html => self.html().to_string(),
            Format::Json => self.json().to_string(),
            Format::Text => self.text().to_string(),
        }
    }
}

/// What a server knows about a request's body once it has read it.
///
/// The body itself is not needed, so that a server may count and hash it on its way past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    framing: RequestBody,
    length: u64,
    sha256: [u8; 32],
}

impl Body {
    /// No body.
    pub const NONE: Self = Self { framing: RequestBody::None, length: 0, sha256: SHA256_OF_NOTHING };

    /// A body that was read: where it was to end, how many bytes came, and their SHA-256.
    #[must_use]
    pub const fn new(framing: RequestBody, length: u64, sha256: [u8; 32]) -> Self {
        Self { framing, length, sha256 }
    }

    /// Where the body was to end.
    #[must_use]
    pub const fn framing(&self) -> RequestBody {
        self.framing
    }

    /// How many bytes came.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The SHA-256 of the bytes that came.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The framing in one word, as `uwsgictl decode --json` prints it.
    pub(crate) const fn framing_name(&self) -> &'static str {
        match self.framing {
            RequestBody::Length(_) => "content-length",
            RequestBody::Chunked => "chunked",
            _ => "none",
        }
    }

    /// The digest in hex digits.
    pub(crate) fn digest(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// FIPS 180-4: the digest of the empty message.
const SHA256_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
