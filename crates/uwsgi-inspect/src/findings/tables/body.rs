//! Where the body ends.

use uwsgi::framing::RequestBody;

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
        "{0}, so that nobody knows where the body ends: the request should be refused (400). uWSGI and gunicorn each guess \
         another length.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "length-missing",
        Error,
        |request| {
            let header = request.non_empty("HTTP_CONTENT_LENGTH").filter(|length| *length != b"0" && no_length(request))?;
            (!was_length_removed(request)).then(|| Evidence::one(Excerpt(header)))
        },
        "The client sent a body of {0} bytes (HTTP_CONTENT_LENGTH) and CONTENT_LENGTH is missing or empty: nobody reads the \
         body, and a server that keeps the connection takes it for the next request. gunicorn 27 does. If the front end keeps \
         the body back (uwsgi_pass_request_body off), leave CONTENT_LENGTH and set HTTP_CONTENT_LENGTH to \"\" too.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "chunked-without-length",
        Error,
        |request| {
            let coding = request.non_empty("HTTP_TRANSFER_ENCODING").filter(|_| no_length(request))?;
            (request.body.framing() != RequestBody::Chunked).then(|| Evidence::one(Excerpt(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0} and there is no CONTENT_LENGTH: the body is lost. uWSGI's router keeps chunked \
         bodies back unless it is told to pass them on, and servers have to be told to read them.",
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
        "HTTP_TRANSFER_ENCODING is {0}, and the client sent a length too: uWSGI's router passes on the first {1} bytes with \
         the sizes of the chunks among them, and no option of its changes that. nginx, Apache and lighttpd refuse such \
         requests (RFC 9112 section 6.1).",
        &[],
    ),
    Finding::new(
        "body-cut",
        Error,
        |request| match request.body.framing() {
            RequestBody::Length(declared) if request.body.length() < declared => {
                Some(Evidence::two(declared, request.body.length()))
            }
            _ => None,
        },
        "CONTENT_LENGTH is {0} and {1} bytes of body came: the connection broke, or the front end sends a length without a \
         body. uWSGI's router does for a header Content_Length. If nginx keeps the body back on purpose, as for auth_request, \
         write uwsgi_param CONTENT_LENGTH \"\" instead.",
        &[(Nginx, "uwsgi_pass_request_body on;")],
    ),
    Finding::new(
        "post-without-length",
        Warning,
        |request| {
            let method = request.var("REQUEST_METHOD").filter(|method| matches!(*method, b"POST" | b"PUT" | b"PATCH"))?;
            let is_new = request.is_missing("HTTP_TRANSFER_ENCODING") && request.non_empty("HTTP_CONTENT_LENGTH").is_none();
            // An empty one is what nginx makes of the line where the client has sent no length.
            let line = if request.is_missing("CONTENT_LENGTH") { LENGTH } else { "" };
            (is_new && no_length(request)).then(|| Evidence::two(Excerpt(method), line))
        },
        "{0} without a length: no body is read. The client may have sent none. Caddy's uwsgi transport and uwsgi_curl send bodies \
         without a length too.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "transfer-encoding-ignored",
        Note,
        |request| {
            let coding = request.non_empty("HTTP_TRANSFER_ENCODING").filter(|_| !no_length(request))?;
            request.is_missing("UWSGI_ROUTER").then(|| Evidence::one(Excerpt(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0} beside CONTENT_LENGTH: harmless, and ignored. nginx has taken the chunks off already \
         and passes the header on; uWSGI with wsgi-manage-chunked-input reads the body wrong because of it.",
        &[(Nginx, "uwsgi_param HTTP_TRANSFER_ENCODING \"\";")],
    ),
    Finding::new(
        "content-vars-empty",
        Note,
        |request| {
            let is_empty = |key: &&str| request.var(key) == Some(b"");
            let (length, kind) = (is_empty(&"CONTENT_LENGTH"), is_empty(&"CONTENT_TYPE"));
            let names = match (length, kind) {
                (true, true) => "CONTENT_LENGTH and CONTENT_TYPE are",
                (true, false) => "CONTENT_LENGTH is",
                (false, true) => "CONTENT_TYPE is",
                (false, false) => return None,
            };
            Some(Evidence::one(names))
        },
        "{0} empty, which means absent: uwsgi_params sends them with every request. int(environ[\"CONTENT_LENGTH\"]) fails \
         on it.",
        &[(
            Nginx,
            "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;\nuwsgi_param CONTENT_TYPE $content_type if_not_empty;",
        )],
    ),
];

/// Empty is absent.
fn no_length(request: &InspectedRequest<'_>) -> bool {
    request.non_empty("CONTENT_LENGTH").is_none()
}

const LENGTH: &str = "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;";

/// A length came, and after it an empty one: the front end has said that it sends no body.
fn was_length_removed(request: &InspectedRequest<'_>) -> bool {
    request
        .repeated_vars()
        .get(&b"CONTENT_LENGTH"[..])
        .is_some_and(|lengths| lengths.iter().any(|length| !length.is_empty()))
}
