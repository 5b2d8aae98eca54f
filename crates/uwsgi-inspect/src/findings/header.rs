//! What is among the headers.

use std::collections::HashMap;

use uwsgi::{ControlVar, HeaderName};

use crate::finding::FrontEnd::{Apache, Nginx, Uwsgi};
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::seen::{Shown, listed};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "httpoxy",
        Error,
        |seen| Some(Evidence::one(Shown(seen.filled("HTTP_PROXY")?))),
        "HTTP_PROXY arrived: {0}. It is the client's header Proxy, and a library that reads it as a setting sends its \
         requests there (httpoxy, CVE-2016-5385). Apache and lighttpd keep it back.",
        &[(Nginx, "uwsgi_param HTTP_PROXY \"\";"), (Uwsgi, "http-var = HTTP_PROXY=")],
    ),
    Finding::new(
        "content-header-differs",
        Error,
        |seen| {
            CONTENT.into_iter().find_map(|(var, header)| {
                let (value, sent) = (seen.filled(var)?, seen.filled(header)?);
                let both = format!("{header} is {} and {var} is {}", Shown(sent), Shown(value));
                (value != sent).then(|| Evidence::one(both))
            })
        },
        "{0}. The one without HTTP_ counts; gunicorn 27 shows applications the other.",
        &[(Nginx, "uwsgi_param HTTP_CONTENT_LENGTH \"\";\nuwsgi_param HTTP_CONTENT_TYPE \"\";")],
    ),
    Finding::new(
        "content-header-too",
        Note,
        |seen| {
            let both = |(var, header): &(&str, &str)| seen.filled(var).is_some() && seen.var(var) == seen.var(header);
            let names: Vec<_> = CONTENT.into_iter().filter(both).map(|(_, header)| header.as_bytes()).collect();
            (!names.is_empty()).then(|| Evidence::one(listed(&names)))
        },
        "{0} came beside the var without HTTP_: harmless. nginx and lighttpd send both; only the var without HTTP_ counts.",
        &[(Nginx, "uwsgi_param HTTP_CONTENT_LENGTH \"\";\nuwsgi_param HTTP_CONTENT_TYPE \"\";")],
    ),
    Finding::new(
        "header-like-a-var",
        Warning,
        |seen| {
            let names = seen.keys(|key| key.strip_prefix(b"HTTP_").is_some_and(is_front_ends_own));
            let first = *names.first()?;
            Some(Evidence::two(listed(&names), plain(first).unwrap_or("HTTP_REMOTE_USER")))
        },
        "{0} came: headers that the client named after vars of the front end. Who takes them for those lets the client \
         choose its name, its address or its path.",
        &[(Nginx, "uwsgi_param {1} \"\";")],
    ),
    Finding::new(
        "upgrade",
        Note,
        |seen| Some(Evidence::one(Shown(seen.filled("HTTP_UPGRADE")?))),
        "The client asks to go on in another protocol, {0}. nginx passes that on by itself, and ties the two connections \
         together once the answer is 101; a tunnel without a byte for uwsgi_read_timeout ends.",
        &[(Nginx, "uwsgi_read_timeout 1h;")],
    ),
    Finding::new(
        "hop-by-hop",
        Note,
        |seen| {
            let is_upgrade = seen.filled("HTTP_UPGRADE").is_some();
            let names = seen.keys(|key| {
                let Some(name) = HeaderName::from_key(key).filter(HeaderName::is_hop_by_hop) else { return false };
                let has_its_own =
                    name == "transfer-encoding" || (is_upgrade && (name == "connection" || name == "upgrade"));
                !has_its_own
            });
            let first = *names.first()?;
            Some(Evidence::two(listed(&names), plain(first).unwrap_or("HTTP_CONNECTION")))
        },
        "{0} came: about the connection between the client and the front end, and nothing that a backend can act on. \
         gunicorn lets HTTP_CONNECTION decide whether it keeps the connection.",
        &[(Nginx, "uwsgi_param {1} \"\";")],
    ),
    Finding::new(
        "header-repeated",
        Warning,
        |seen| {
            let repeated = seen.repeated();
            let names: Vec<_> = repeated.keys().copied().filter(|key| key.starts_with(b"HTTP_")).collect();
            let first = *names.first()?;
            let name = plain(first).unwrap_or("HTTP_X_FORWARDED_FOR");
            Some(Evidence::two(listed(&names), format_args!("{name} ${}", name.to_ascii_lowercase())))
        },
        "{0} came more than once: servers keep the last. nginx joins repeated headers since 1.23; with the line, an older \
         one sends the first alone.",
        &[(Nginx, "uwsgi_param {1};")],
    ),
    Finding::new(
        "header-names-collide",
        Warning,
        |seen| {
            let mut names: HashMap<HeaderName<'_>, &[u8]> = HashMap::new();
            let collide = seen.keys(|key| key.starts_with(b"HTTP_")).into_iter().find_map(|key| {
                let before = names.insert(HeaderName::from_key(key)?, key)?;
                Some((before, key))
            });
            collide.map(|(one, other)| Evidence::two(Shown(one), Shown(other)))
        },
        "{0} and {1} are one header to an application: names with odd bytes in them hide behind, or replace, the real one. \
         No front end that we know makes such names of a client's; a line of its configuration may, or somebody else \
         reaches this socket.",
        &[],
    ),
    Finding::new(
        "header-name-odd",
        Note,
        |seen| {
            let names =
                seen.keys(|key| key.strip_prefix(b"HTTP_").is_some_and(|name| name.is_empty() || !is_plain(name)));
            (!names.is_empty()).then(|| Evidence::one(listed(&names)))
        },
        "{0} came: upper-case letters, digits and _ are all that a header's name should hold here. Servers make different \
         names of the rest, or none.",
        &[(Nginx, "ignore_invalid_headers on;")],
    ),
    Finding::new(
        "cookies-joined-by-comma",
        Warning,
        |seen| Evidence::when(seen.var("HTTP_COOKIE").is_some_and(has_cookie_behind_comma)),
        "HTTP_COOKIE holds a comma before what looks like another cookie: Apache and uWSGI's router join Cookie headers \
         with commas, and applications look for semicolons.",
        &[(Apache, "RequestHeader edit* Cookie \", \" \"; \"")],
    ),
    Finding::new(
        "value-refused",
        Error,
        |seen| uwsgi::check(&seen.request).err().map(Evidence::one),
        "{0}: a request that should be refused (400). uWSGI and gunicorn let it pass, and it ends a line somewhere behind \
         them. nginx refuses such requests; if nginx is in front, one of its lines puts decoded bytes into this var.",
        &[],
    ),
];

/// The vars, and the headers that carry the same.
const CONTENT: [(&str, &str); 2] = [("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"), ("CONTENT_TYPE", "HTTP_CONTENT_TYPE")];

/// Whether a header's name, as CGI writes it, is the key of a var that only the front end can know.
fn is_front_ends_own(name: &[u8]) -> bool {
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

/// `, ` and a name with `=` behind it.
fn has_cookie_behind_comma(cookies: &[u8]) -> bool {
    cookies.windows(2).enumerate().filter(|(_, two)| *two == b", ").any(|(place, _)| {
        let behind = cookies.iter().skip(place.saturating_add(2));
        let name = behind.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        let length = name.count();
        length > 0 && cookies.get(place.saturating_add(2).saturating_add(length)) == Some(&b'=')
    })
}

fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// A key that can stand in a configuration as it is.
fn plain(key: &[u8]) -> Option<&str> {
    core::str::from_utf8(key).ok().filter(|key| is_plain(key.as_bytes()))
}
