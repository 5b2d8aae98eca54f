//! Findings about headers.

use alloc::collections::BTreeSet;

use uwsgi::{ControlVar, HeaderName, Scheme};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::{Excerpt, list_names};
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Nginx, Uwsgi};
use crate::findings::finding::Severity::{Error, Note, Warning};
use crate::findings::inspected_request::InspectedRequest;
use crate::findings::nginx_lines::{self, is_plain_name, removals};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "httpoxy",
        Error,
        |request| Some(Evidence::one(Excerpt(request.non_empty("HTTP_PROXY")?))),
        "HTTP_PROXY arrived: {0}. It is the client's header Proxy. A library that reads it as a setting sends its requests \
         there (httpoxy, CVE-2016-5385). Apache and lighttpd remove it.",
        &[(Nginx, "uwsgi_param HTTP_PROXY \"\";"), (Uwsgi, "http-var = HTTP_PROXY=")],
    ),
    Finding::new(
        "content-header-differs",
        Error,
        |request| {
            CONTENT_VARS.into_iter().find_map(|(var, header)| {
                let (value, sent) = (request.non_empty(var)?, request.non_empty(header)?);
                let both = format!("{header} is {} and {var} is {}", Excerpt(sent), Excerpt(value));
                (value != sent).then(|| Evidence::two(both, removals(&[header.as_bytes()])))
            })
        },
        "{0}. The var without HTTP_ counts. gunicorn 27 gives applications the other one.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "content-header-too",
        Note,
        |request| {
            let are_equal = |(var, header): &(&str, &str)| {
                request.non_empty(var).is_some() && request.var(var) == request.var(header)
            };
            let names: Vec<_> =
                CONTENT_VARS.into_iter().filter(are_equal).map(|(_, header)| header.as_bytes()).collect();
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), removals(&names)))
        },
        "{0} came, and the var without HTTP_ too: harmless. nginx and lighttpd send both. Only the var without HTTP_ counts.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "header-like-a-var",
        Warning,
        |request| {
            let names = request.keys_where(|key| key.strip_prefix(b"HTTP_").is_some_and(is_set_by_front_end));
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), removals(&names)))
        },
        "{0} came: the client sent headers with the names of vars that the front end sets. If an application takes them for \
         those vars, the client can choose its name, its address or its path.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "upgrade",
        Note,
        |request| Some(Evidence::one(Excerpt(request.cgi.upgrade()?))),
        "The client wants to switch to another protocol, {0}. nginx passes this on by default and, after a response of 101, \
         joins the two connections. The tunnel ends after uwsgi_read_timeout without a byte.",
        &[(Nginx, "uwsgi_read_timeout 1h;")],
    ),
    Finding::new(
        "hop-by-hop",
        Note,
        |request| {
            let is_upgrade = request.cgi.upgrade().is_some();
            let names = request.keys_where(|key| {
                let Some(name) = HeaderName::from_key(key).filter(HeaderName::is_hop_by_hop) else { return false };
                let has_other_finding =
                    name == "transfer-encoding" || (is_upgrade && (name == "connection" || name == "upgrade"));
                !has_other_finding
            });
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), removals(&names)))
        },
        "{0} came: this is about the connection between the client and the front end, and a backend cannot act on it. \
         In gunicorn, HTTP_CONNECTION decides whether the connection is kept. A map belongs in the http block; WebSockets \
         still work with it.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "header-without-prefix",
        Warning,
        |request| {
            let names = request.keys_where(is_header_name);
            let lines = names.iter().filter_map(|name| suggested_param(request, name)).collect::<BTreeSet<_>>();
            let lines: Vec<_> = lines.into_iter().collect();
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), lines.join("\n")))
        },
        "{0} came as a var. The var of a header begins with HTTP_, is in upper case and has _ for -. Applications do not find \
         this one, and get the header that the client sends. Rename the uwsgi_param, for example to HTTP_X_FORWARDED_PROTO for \
         X-Forwarded-Proto. That replaces the client's header.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "header-name-odd",
        Note,
        |request| {
            let names = request.keys_where(|key| {
                key.strip_prefix(b"HTTP_").is_some_and(|name| name.is_empty() || !is_plain_name(name))
            });
            (!names.is_empty()).then(|| Evidence::one(list_names(&names)))
        },
        "{0} came: here the name of a header should have only upper-case letters, digits and _. Servers change other \
         characters, each in its own way, or drop the header.",
        &[(Nginx, "ignore_invalid_headers on;")],
    ),
    Finding::new(
        "cookies-joined-by-comma",
        Warning,
        |request| Evidence::when(request.var("HTTP_COOKIE").is_some_and(has_cookie_after_comma)),
        "HTTP_COOKIE has a comma before a part that looks like another cookie: Apache and uWSGI's router join Cookie headers \
         with commas, and applications expect semicolons.",
        &[(Apache, "RequestHeader edit* Cookie \", \" \"; \"")],
    ),
    Finding::new(
        "value-refused",
        Error,
        |request| uwsgi::check(&request.cgi).err().map(Evidence::one),
        "{0}: the request should be refused (400). uWSGI and gunicorn accept it, and such bytes can end a line in a log or in \
         a request to another server. nginx refuses such requests. If nginx is the front end, one of its lines puts decoded \
         bytes into this var.",
        &[],
    ),
];

/// The vars, and the headers with the same values.
const CONTENT_VARS: [(&str, &str); 2] =
    [("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"), ("CONTENT_TYPE", "HTTP_CONTENT_TYPE")];

/// Returns whether a header's name, as CGI writes it, is also the key of a var that only the front end sets.
fn is_set_by_front_end(name: &[u8]) -> bool {
    matches!(
        name,
        b"AUTH_TYPE"
            | b"DOCUMENT_ROOT"
            | b"HTTPS"
            | b"PATH_INFO"
            | b"REMOTE_ADDR"
            | b"REMOTE_USER"
            | b"REQUEST_METHOD"
            | b"REQUEST_SCHEME"
            | b"REQUEST_URI"
            | b"SCRIPT_NAME"
            | b"SERVER_NAME"
            | b"SERVER_PORT"
    ) || ControlVar::from_key(name).is_some()
}

/// Returns whether a comma and a space are followed by a name and `=`.
fn has_cookie_after_comma(cookies: &[u8]) -> bool {
    cookies.windows(2).enumerate().filter(|(_, two)| *two == b", ").any(|(comma, _)| {
        let name_start = comma.saturating_add(2);
        let name = cookies
            .iter()
            .skip(name_start)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        let length = name.count();
        length > 0 && cookies.get(name_start.saturating_add(length)) == Some(&b'=')
    })
}

/// Returns whether a key is a header's name without `HTTP_`. Such a key is written as in HTTP (`X-Forwarded-Proto`, `Host`), or
/// is one of [`PROXY_HEADERS`] in any spelling. Front ends send no other keys that are written as in HTTP.
fn is_header_name(key: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| key.iter().any(is);
    let is_name = key.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_http_spelling =
        is_name && key.first().is_some_and(u8::is_ascii_alphabetic) && (key.contains(&b'-') || is_mixed);
    is_http_spelling || PROXY_HEADERS.contains(&lower_with_dashes(key).as_slice())
}

/// The headers that proxies send to a backend. No front end has vars with these names, and no name of CGI begins with `X_`.
const PROXY_HEADERS: [&[u8]; 8] = [
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-forwarded-ssl",
    b"x-real-ip",
    b"x-request-id",
];

/// Returns a key in lower case with dashes, as HTTP/2 writes a header's name.
fn lower_with_dashes(key: &[u8]) -> Vec<u8> {
    key.iter().map(|byte| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }).collect()
}

/// Returns the line that the user probably meant. Returns `None` if no variable of nginx has the value and the value is not
/// `http`, `https`, `on` or `off`.
fn suggested_param(request: &InspectedRequest<'_>, key: &[u8]) -> Option<String> {
    let value = request.cgi.vars().get(key)?;
    let word = [&b"http"[..], b"https", b"on", b"off"].into_iter().find(|word| *word == value);
    let word = word.and_then(|word| core::str::from_utf8(word).ok());
    let value = match &*lower_with_dashes(key) {
        b"host" => nginx_lines::host(request),
        b"x-forwarded-for" | b"x-real-ip" => "$remote_addr",
        b"x-forwarded-host" => "$host",
        b"x-forwarded-port" => "$server_port",
        b"x-forwarded-proto" | b"x-forwarded-ssl" => word?,
        b"x-request-id" => "$request_id",
        _ => return None,
    };
    let name = core::str::from_utf8(key).ok()?.to_ascii_uppercase().replace('-', "_");
    // The header alone would contradict the vars with the scheme.
    let says_https = matches!(value, "https" | "on") && request.cgi.scheme() == Scheme::Http;
    let scheme = if says_https { "\nuwsgi_param HTTPS on;\nuwsgi_param REQUEST_SCHEME https;" } else { "" };
    Some(format!("uwsgi_param HTTP_{name} {value};{scheme}"))
}
