//! Findings about the length of the body.

use uwsgi::framing::RequestFraming;

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Nginx, Uwsgi};
use crate::findings::finding::Severity::{Error, Note, Warning};
use crate::findings::inspected_request::InspectedRequest;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "length-refused",
        Error,
        |request| request.cgi.body_framing().err().map(Evidence::one),
        "{0}, so the end of the body is unknown: the request should be refused (400). uWSGI and gunicorn each guess a \
         different length.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "length-missing",
        Error,
        |request| {
            let header =
                request.non_empty("HTTP_CONTENT_LENGTH").filter(|length| *length != b"0" && has_no_length(request))?;
            (!was_length_removed(request)).then(|| Evidence::one(Excerpt(header)))
        },
        "The client sent a body of {0} bytes (HTTP_CONTENT_LENGTH) and CONTENT_LENGTH is missing or empty: no server \
         reads the body, and a server that keeps the connection takes the body for the next request. gunicorn 27 does. If the \
         front end sends no body on purpose (uwsgi_pass_request_body off), leave CONTENT_LENGTH unchanged and set \
         HTTP_CONTENT_LENGTH to \"\" too.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "chunked-without-length",
        Error,
        |request| {
            let coding = request.non_empty("HTTP_TRANSFER_ENCODING").filter(|_| has_no_length(request))?;
            (request.body.framing() != RequestFraming::Chunked).then(|| Evidence::one(Excerpt(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0} and there is no CONTENT_LENGTH: the body is lost. uWSGI's router drops chunked \
         bodies unless it has the option to pass them on, and servers need an option to read them.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;"), (Uwsgi, "http-chunked-input = true")],
    ),
    Finding::new(
        "length-and-chunked",
        Error,
        |request| {
            let coding = request.non_empty("HTTP_TRANSFER_ENCODING").filter(|_| !request.is_missing("UWSGI_ROUTER"))?;
            let length = request.non_empty("CONTENT_LENGTH")?;
            Some(Evidence::two(Excerpt(coding), Excerpt(length)))
        },
        "HTTP_TRANSFER_ENCODING is {0}, and the client sent a length too: uWSGI's router passes on the first {1} bytes, \
         including the sizes of the chunks, and has no option to change that. nginx, Apache and lighttpd refuse such \
         requests (RFC 9112 section 6.1).",
        &[],
    ),
    Finding::new(
        "body-cut",
        Error,
        |request| match request.body.framing() {
            RequestFraming::Length(declared) if request.body.length() < declared => {
                Some(Evidence::two(declared, request.body.length()))
            }
            _ => None,
        },
        "CONTENT_LENGTH is {0} and {1} bytes of body came: the connection broke, or the front end sends a length without a \
         body. uWSGI's router does for a header Content_Length. If nginx sends no body on purpose, as for auth_request, \
         write uwsgi_param CONTENT_LENGTH \"\" instead.",
        &[(Nginx, "uwsgi_pass_request_body on;")],
    ),
    Finding::new(
        "post-without-length",
        Warning,
        |request| {
            let method =
                request.var("REQUEST_METHOD").filter(|method| matches!(*method, b"POST" | b"PUT" | b"PATCH"))?;
            let has_no_other_finding =
                request.is_missing("HTTP_TRANSFER_ENCODING") && request.non_empty("HTTP_CONTENT_LENGTH").is_none();
            // If CONTENT_LENGTH came empty, nginx sends the client's length already, and the client sent none. So there is
            // nothing to change.
            let line = if request.is_missing("CONTENT_LENGTH") { LENGTH_LINE } else { "" };
            (has_no_other_finding && has_no_length(request)).then(|| Evidence::two(Excerpt(method), line))
        },
        "{0} without a length: no body is read. The client may have sent none. Caddy's uwsgi transport and uwsgi_curl send \
         bodies without a length too.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "transfer-encoding-ignored",
        Note,
        |request| {
            let coding = request.non_empty("HTTP_TRANSFER_ENCODING").filter(|_| !has_no_length(request))?;
            request.is_missing("UWSGI_ROUTER").then(|| Evidence::one(Excerpt(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0}, and CONTENT_LENGTH came too: servers ignore the header, and that is harmless. nginx \
         has removed the chunks already and passes the header on. uWSGI with wsgi-manage-chunked-input then misreads the \
         body.",
        &[(Nginx, "uwsgi_param HTTP_TRANSFER_ENCODING \"\";")],
    ),
    Finding::new(
        "content-vars-empty",
        Note,
        |request| {
            let is_empty = |key: &&str| request.var(key) == Some(b"");
            let (no_length, no_type) = (is_empty(&"CONTENT_LENGTH"), is_empty(&"CONTENT_TYPE"));
            let names = match (no_length, no_type) {
                (true, true) => "CONTENT_LENGTH and CONTENT_TYPE are",
                (true, false) => "CONTENT_LENGTH is",
                (false, true) => "CONTENT_TYPE is",
                (false, false) => return None,
            };
            Some(Evidence::one(names))
        },
        "{0} empty, which means absent: uwsgi_params sends both vars with every request. \
         int(environ[\"CONTENT_LENGTH\"]) fails on an empty value.",
        &[(
            Nginx,
            "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;\nuwsgi_param CONTENT_TYPE $content_type if_not_empty;",
        )],
    ),
];

/// Returns whether there is no length. An empty CONTENT_LENGTH counts as absent.
fn has_no_length(request: &InspectedRequest<'_>) -> bool {
    request.non_empty("CONTENT_LENGTH").is_none()
}

/// The line that sends the client's length.
const LENGTH_LINE: &str = "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;";

/// Returns whether a CONTENT_LENGTH came that is not empty. If the last one is empty, the front end says with it that it sends
/// no body.
fn was_length_removed(request: &InspectedRequest<'_>) -> bool {
    request
        .repeated_vars()
        .get(&b"CONTENT_LENGTH"[..])
        .is_some_and(|lengths| lengths.iter().any(|length| !length.is_empty()))
}
