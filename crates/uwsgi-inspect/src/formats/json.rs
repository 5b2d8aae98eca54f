//! The report as JSON.

use core::fmt;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;
use uwsgi::HeaderName;

use crate::escape::{EscapedJson, Latin1};
use crate::findings::Found;
use crate::report::Report;

/// The report as one JSON object and a line end.
#[derive(Debug)]
pub(crate) struct Document<'r>(pub(crate) &'r Report<'r>);

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
        Fields::new(self.0).serialize(&mut serializer).map_err(|_| fmt::Error)?;
        let text = String::from_utf8(text).map_err(|_| fmt::Error)?;
        writeln!(f, "{}", EscapedJson(&text))
    }
}

/// The fields of the JSON object, in their order.
#[derive(Debug, Serialize)]
struct Fields<'a> {
    modifier1: u8,
    modifier2: u8,
    datasize: u16,
    vars: Vec<(Latin1<'a>, Latin1<'a>)>,
    request: RequestFields<'a>,
    headers: Vec<(String, Latin1<'a>)>,
    body: BodyFields,
    findings: Vec<FindingFields<'a>>,
}

/// What the vars mean. A var that did not come is null.
#[derive(Debug, Serialize)]
struct RequestFields<'a> {
    method: Option<Latin1<'a>>,
    scheme: &'static str,
    host: Option<Latin1<'a>>,
    mount: Latin1<'a>,
    target: String,
    script_name: Option<Latin1<'a>>,
    path_info: Option<Latin1<'a>>,
    query_string: Option<Latin1<'a>>,
    request_uri: Option<Latin1<'a>>,
    server_protocol: Option<Latin1<'a>>,
    server_name: Option<Latin1<'a>>,
    server_port: Option<Latin1<'a>>,
    remote_addr: Option<Latin1<'a>>,
    remote_port: Option<Latin1<'a>>,
    remote_user: Option<Latin1<'a>>,
    document_root: Option<Latin1<'a>>,
    content_type: Option<Latin1<'a>>,
    content_length: Option<u64>,
}

#[derive(Debug, Serialize)]
struct BodyFields {
    framing: &'static str,
    length: u64,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct FindingFields<'a> {
    id: &'static str,
    severity: &'static str,
    text: &'a str,
    change: Change<'a>,
}

/// The lines of a finding for each front end, nginx first.
#[derive(Debug)]
struct Change<'a>(&'a Found);

impl Serialize for Change<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.change().map(|(front_end, line)| (front_end.as_str(), line)))
    }
}

impl<'a> Fields<'a> {
    fn new(report: &'a Report<'_>) -> Self {
        let (request, header, body) = (report.request(), report.header(), report.body());
        Self {
            modifier1: header.modifier1.0,
            modifier2: header.modifier2,
            datasize: header.datasize,
            vars: request.vars().iter().map(|(key, value)| (Latin1(key), Latin1(value))).collect(),
            request: RequestFields {
                method: request.method().map(Latin1),
                scheme: request.scheme().as_str(),
                host: request.host().map(Latin1),
                mount: Latin1(request.target().mount()),
                target: request.target().to_string(),
                script_name: request.script_name().map(Latin1),
                path_info: request.path_info().map(Latin1),
                query_string: request.query_string().map(Latin1),
                request_uri: request.request_uri().map(Latin1),
                server_protocol: request.server_protocol().map(Latin1),
                server_name: request.server_name().map(Latin1),
                server_port: request.server_port().map(Latin1),
                remote_addr: request.remote_addr().map(Latin1),
                remote_port: request.remote_port().map(Latin1),
                remote_user: request.remote_user().map(Latin1),
                document_root: request.document_root().map(Latin1),
                content_type: request.content_type().map(Latin1),
                content_length: request.content_length().unwrap_or(None),
            },
            headers: request.headers().map(|(name, value)| (latin1(name), Latin1(value))).collect(),
            body: BodyFields { framing: body.framing_name(), length: body.length(), sha256: body.sha256_hex() },
            findings: report.findings().iter().map(FindingFields::new).collect(),
        }
    }
}

impl<'a> FindingFields<'a> {
    fn new(found: &'a Found) -> Self {
        Self { id: found.id(), severity: found.severity().as_str(), text: found.text(), change: Change(found) }
    }
}

/// Returns a header's name in lower case with dashes, one character for each byte.
fn latin1(name: HeaderName<'_>) -> String {
    name.bytes().map(char::from).collect()
}
