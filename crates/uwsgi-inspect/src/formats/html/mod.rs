//! The report as a page.

mod entities;
mod packet;

use core::fmt;

use crate::escape::Escaped;
use crate::findings::{Found, Severity};
use crate::formats::title;
use crate::report::Report;

use entities::Text;

/// The whole page. All text from outside goes through [`Text`].
#[derive(Debug)]
pub(crate) struct Page<'r>(pub(crate) &'r Report<'r>);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let title = title::title(report.request());
        f.write_str(concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta name=\"color-scheme\" content=\"light dark\">\n",
            "<meta name=\"robots\" content=\"noindex\">\n",
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        ))?;
        writeln!(f, "<title>{}</title>", Text(&title))?;
        f.write_str(concat!("<style>\n", include_str!("page.css"), "</style>\n</head>\n<body>\n"))?;
        self.heading(f)?;
        self.findings(f)?;
        self.vars(f)?;
        self.headers(f)?;
        self.request(f)?;
        self.body(f)?;
        self.wire(f)?;
        // This is not a link, because a link would lose the method and the query, and so report another request.
        f.write_str(concat!(
            "<footer>The same as JSON or text: ask again with format=json or format=text in the query. ",
            "uwsgi-inspect ",
            env!("CARGO_PKG_VERSION"),
            "</footer>\n</body>\n</html>\n"
        ))
    }
}

impl Page<'_> {
    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0.request();
        let method = request.method().unwrap_or(b"(no method)");
        writeln!(
            f,
            "<h1><span class=\"method\">{}</span> <span class=\"url\">{}</span></h1>",
            Text(Escaped(method)),
            Text(title::target(request))
        )?;
        let (vars, bytes) = (request.vars().len(), self.0.header().datasize);
        write!(f, "<p class=\"summary\">{vars} var{} in {bytes} byte{}, ", plural(vars), plural(usize::from(bytes)))?;
        match self.0.body().length() {
            0 => f.write_str("no body")?,
            1 => f.write_str("a body of 1 byte")?,
            length => write!(f, "a body of {length} bytes")?,
        }
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let count = self.0.findings().iter().filter(|found| found.severity() == severity).count();
            if count > 0 {
                write!(f, ", {count} {severity}{}", plural(count))?;
            }
        }
        f.write_str("</p>\n")?;
        match title::other_uri(request) {
            Some(uri) => writeln!(f, "<p class=\"summary\">REQUEST_URI is {}</p>", Text(Escaped(uri))),
            None => Ok(()),
        }
    }

    fn findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<h2>Findings</h2>\n")?;
        let findings = self.0.findings();
        if findings.is_empty() {
            return f.write_str("<p class=\"fine\">No findings: these vars are as they should be.</p>\n");
        }
        f.write_str("<ul class=\"findings\">\n")?;
        findings.iter().try_for_each(|found| write_finding(f, found))?;
        f.write_str("</ul>\n")?;
        match self.0.advice() {
            Some(advice) => writeln!(f, "<p class=\"advice\">{}</p>", Text(advice)),
            None => Ok(()),
        }
    }

    fn vars(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<h2>Vars <span>as they arrived</span></h2>\n<table>\n")?;
        for ((key, value), (index, count)) in self.0.request().vars().iter().zip(self.0.occurrences()) {
            f.write_str("<tr><th scope=\"row\">")?;
            match key.strip_prefix(b"HTTP_") {
                Some(name) => write!(f, "<span class=\"prefix\">HTTP_</span>{}", Text(Escaped(name)))?,
                None => write!(f, "{}", Text(Escaped(key)))?,
            }
            f.write_str("</th><td>")?;
            write_value(f, Some(value))?;
            if count > 1 {
                write!(f, "<span class=\"mark\">{index} of {count}</span>")?;
            }
            f.write_str("</td></tr>\n")?;
        }
        f.write_str("</table>\n")
    }

    fn headers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<h2>Headers <span>as an application sees them</span></h2>\n<table>\n")?;
        for (name, value) in self.0.request().headers() {
            write_row(f, name, Some(value))?;
        }
        f.write_str("</table>\n")
    }

    fn request(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0.request();
        let target = request.target();
        let path_and_query = target.to_string();
        f.write_str("<h2>Request <span>as an application sees it</span></h2>\n<table>\n")?;
        for (name, value) in [
            ("method", request.method()),
            ("scheme", Some(request.scheme().as_str().as_bytes())),
            ("host", request.host()),
            ("mounted at", Some(target.mount())),
            ("target", Some(path_and_query.as_bytes())),
            ("path", request.path_info()),
            ("query", request.query_string()),
            ("URI", request.request_uri()),
            ("protocol", request.server_protocol()),
            ("client", request.remote_addr()),
            ("client's port", request.remote_port()),
            ("user", request.remote_user()),
            ("server", request.server_name()),
            ("server's port", request.server_port()),
        ] {
            write_row(f, name, value)?;
        }
        f.write_str("</table>\n")
    }

    fn body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.0.body();
        f.write_str("<h2>Body</h2>\n<table>\n")?;
        write_row(f, "framing", Some(body.framing_name().as_bytes()))?;
        write_row(f, "length", Some(format!("{}", body.length()).as_bytes()))?;
        write_row(f, "SHA-256", Some(body.sha256_hex().as_bytes()))?;
        f.write_str("</table>\n")
    }

    fn wire(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.0.header();
        let [modifier1, low, high, modifier2] = header.to_bytes();
        f.write_str("<h2>Packet <span>on the wire</span></h2>\n<div class=\"header\">\n")?;
        let name = header.modifier1.name().unwrap_or("unknown");
        writeln!(f, "<div><b>{modifier1:02x}</b>modifier1 <span>{modifier1} {name}</span></div>")?;
        writeln!(f, "<div><b>{low:02x} {high:02x}</b>datasize <span>{}</span></div>", header.datasize)?;
        writeln!(f, "<div><b>{modifier2:02x}</b>modifier2 <span>{modifier2}</span></div>\n</div>")?;
        packet::write(f, self.0)
    }
}

fn write_finding(f: &mut fmt::Formatter<'_>, found: &Found) -> fmt::Result {
    let (severity, id) = (found.severity(), found.id());
    writeln!(f, "<li class=\"{severity}\"><h3><b>{severity}</b>{id}</h3>\n<p>{}</p>", Text(found.text()))?;
    if found.change().len() > 0 {
        f.write_str("<dl class=\"change\">")?;
        for (front_end, line) in found.change() {
            write!(f, "<dt>{}</dt><dd><code>{}</code></dd>", front_end.name(), Text(line))?;
        }
        f.write_str("</dl>\n")?;
    }
    f.write_str("</li>\n")
}

/// Writes a row of a table. A client may have chosen the name.
fn write_row(f: &mut fmt::Formatter<'_>, name: impl fmt::Display, value: Option<&[u8]>) -> fmt::Result {
    write!(f, "<tr><th scope=\"row\">{}</th><td>", Text(name))?;
    write_value(f, value)?;
    f.write_str("</td></tr>\n")
}

fn write_value(f: &mut fmt::Formatter<'_>, value: Option<&[u8]>) -> fmt::Result {
    match value {
        Some(b"") => f.write_str("<span class=\"none\">empty</span>"),
        Some(value) => write!(f, "{}", Text(Escaped(value))),
        None => f.write_str("<span class=\"none\">not sent</span>"),
    }
}

/// Returns the plural ending of a noun.
const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
