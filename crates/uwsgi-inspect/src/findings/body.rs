//! Where the body ends.

use uwsgi::framing::RequestBody;

use crate::finding::FrontEnd::{Nginx, Uwsgi};
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::seen::{Seen, Shown};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "length-refused",
        Error,
        |seen| seen.request.body_framing().err().map(Evidence::one),
        "{0}, so that nobody knows where the body ends: the request should be refused (400). uWSGI and gunicorn each guess \
         another length.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "length-missing",
        Error,
        |seen| {
            let header = seen.filled("HTTP_CONTENT_LENGTH").filter(|length| *length != b"0" && no_length(seen))?;
            (!is_taken_back(seen)).then(|| Evidence::one(Shown(header)))
        },
        "The client sent a body of {0} bytes (HTTP_CONTENT_LENGTH) and CONTENT_LENGTH is missing or empty: nobody reads the \
         body, and a server that keeps the connection takes it for the next request. gunicorn 27 does. If the front end keeps \
         the body back (uwsgi_pass_request_body off), leave CONTENT_LENGTH and set HTTP_CONTENT_LENGTH to \"\" too.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;")],
    ),
    Finding::new(
        "chunked-without-length",
        Error,
        |seen| {
            let coding = seen.filled("HTTP_TRANSFER_ENCODING").filter(|_| no_length(seen))?;
            (seen.body.framing() != RequestBody::Chunked).then(|| Evidence::one(Shown(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0} and there is no CONTENT_LENGTH: the body is lost. uWSGI's router keeps chunked \
         bodies back unless it is told to pass them on, and servers have to be told to read them.",
        &[(Nginx, "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;"), (Uwsgi, "http-chunked-input = true")],
    ),
    Finding::new(
        "length-and-chunked",
        Error,
        |seen| {
            let coding = seen.filled("HTTP_TRANSFER_ENCODING").filter(|_| !seen.is_missing("UWSGI_ROUTER"))?;
            let length = seen.filled("CONTENT_LENGTH")?;
            Some(Evidence::two(Shown(coding), Shown(length)))
        },
        "HTTP_TRANSFER_ENCODING is {0}, and the client sent a length too: uWSGI's router passes on the first {1} bytes with \
         the sizes of the chunks among them, and no option of its changes that. nginx, Apache and lighttpd refuse such \
         requests (RFC 9112 section 6.1).",
        &[],
    ),
    Finding::new(
        "body-cut",
        Error,
        |seen| match seen.body.framing() {
            RequestBody::Length(declared) if seen.body.length() < declared => {
                Some(Evidence::two(declared, seen.body.length()))
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
        |seen| {
            let method = seen.var("REQUEST_METHOD").filter(|method| matches!(*method, b"POST" | b"PUT" | b"PATCH"))?;
            let is_new = seen.is_missing("HTTP_TRANSFER_ENCODING") && seen.filled("HTTP_CONTENT_LENGTH").is_none();
            // An empty one is what nginx makes of the line where the client has sent no length.
            let line = if seen.is_missing("CONTENT_LENGTH") { LENGTH } else { "" };
            (is_new && no_length(seen)).then(|| Evidence::two(Shown(method), line))
        },
        "{0} without a length: no body is read. The client may have sent none. Caddy's uwsgi transport and uwsgi_curl send bodies \
         without a length too.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "transfer-encoding-ignored",
        Note,
        |seen| {
            let coding = seen.filled("HTTP_TRANSFER_ENCODING").filter(|_| !no_length(seen))?;
            seen.is_missing("UWSGI_ROUTER").then(|| Evidence::one(Shown(coding)))
        },
        "HTTP_TRANSFER_ENCODING is {0} beside CONTENT_LENGTH: harmless, and ignored. nginx has taken the chunks off already \
         and passes the header on; uWSGI with wsgi-manage-chunked-input reads the body wrong because of it.",
        &[(Nginx, "uwsgi_param HTTP_TRANSFER_ENCODING \"\";")],
    ),
    Finding::new(
        "content-vars-empty",
        Note,
        |seen| {
            let is_empty = |key: &&str| seen.var(key) == Some(b"");
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
fn no_length(seen: &Seen<'_>) -> bool {
    seen.filled("CONTENT_LENGTH").is_none()
}

const LENGTH: &str = "uwsgi_param CONTENT_LENGTH $content_length if_not_empty;";

/// A length came, and after it an empty one: the front end has said that it sends no body.
fn is_taken_back(seen: &Seen<'_>) -> bool {
    seen.repeated().get(&b"CONTENT_LENGTH"[..]).is_some_and(|lengths| lengths.iter().any(|length| !length.is_empty()))
}
