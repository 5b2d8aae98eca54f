//! Findings about vars and headers that came more than once.

use std::collections::HashMap;

use uwsgi::HeaderName;

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::{Excerpt, join_parts, list_names};
use crate::findings::finding::Finding;
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::InspectedRequest;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "remote-addr-repeated",
        Warning,
        |request| match request.repeated_vars().remove(&b"REMOTE_ADDR"[..])?.as_slice() {
            [first, .., last] if first != last => Some(Evidence::two(Excerpt(first), Excerpt(last))),
            _ => None,
        },
        "REMOTE_ADDR came as {0} and then as {1}. uWSGI takes the first one, other servers take the last. Keep \
         only one uwsgi_param REMOTE_ADDR $remote_addr. With set_real_ip_from and real_ip_header, nginx puts the client of a \
         proxy there.",
        &[],
    ),
    Finding::new(
        "header-repeated",
        Warning,
        |request| {
            let repeated = request.repeated_vars();
            let joined = JoinedHeaders::of(request);
            let names: Vec<_> = repeated.keys().copied().filter(|key| joined.has(key)).collect();
            let origin = if request.is_lighttpd() || request.is_apache() {
                "A client's headers X-A and X_A are two vars of one name after lighttpd up to 1.4.69 and uWSGI's own modules \
                 for Apache; mod_proxy_uwsgi drops the second."
            } else {
                "nginx sends both of two uwsgi_param lines with one name: remove one of them. Of headers that a client \
                 repeats, only nginx before 1.23 sends more than one."
            };
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), origin))
        },
        "{0} came more than once, with different values. Servers of this project join the values: with a semicolon in \
         HTTP_COOKIE, with a comma in others. uWSGI and gunicorn keep only the last value. {1}",
        &[],
    ),
    Finding::new(
        "var-repeated",
        Note,
        |request| {
            let mut repeated = request.repeated_vars();
            let joined = JoinedHeaders::of(request);
            repeated.retain(|key, _| *key != b"REMOTE_ADDR" && !joined.has(key));
            repeated.retain(|key, values| !is_removed_by_router(request, key, values));
            let names: Vec<_> = repeated.keys().copied().collect();
            let last = repeated
                .iter()
                .map(|(key, values)| describe_last_value(key, values.last().copied().unwrap_or_default()));
            let lengths = repeated.get(&b"CONTENT_LENGTH"[..]).filter(|_| !request.cgi.allows_keepalive());
            let close = match lengths.and_then(|lengths| lengths.last()) {
                None => "",
                Some([]) => " A server must close the connection after this request, because it declares no length.",
                Some(_) => {
                    " A server must close the connection after this request, because its CONTENT_LENGTH vars are not all the \
                     same bytes: another program may read another length."
                }
            };
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), join_parts(last.collect())).and(close))
        },
        "{0} came more than once. The last one counts: {1}.{2} nginx sends both values of a uwsgi_param that is set again \
         after include uwsgi_params. If that is a mistake, remove one of the two lines. nginx before 1.23 also sends all \
         headers that a client repeats.",
        &[],
    ),
    Finding::new(
        "header-names-collide",
        Warning,
        |request| {
            let mut names: HashMap<HeaderName<'_>, &[u8]> = HashMap::new();
            let collide = request.keys_where(|key| key.starts_with(b"HTTP_")).into_iter().find_map(|key| {
                let before = names.insert(HeaderName::from_key(key)?, key)?;
                Some((before, key))
            });
            collide.map(|(one, other)| Evidence::two(Excerpt(one), Excerpt(other)))
        },
        "{0} and {1} are the same header to an application: one of them can replace the other. No known front end makes such \
         names of a client's headers. Look for a line of the configuration that does, and for another program that can reach \
         this socket.",
        &[],
    ),
];

/// The headers of a request, and for each header whether more than one of its values counts. One pass finds them all, because a
/// packet can have thousands of headers.
struct JoinedHeaders<'a>(HashMap<HeaderName<'a>, bool>);

impl<'a> JoinedHeaders<'a> {
    fn of(request: &InspectedRequest<'a>) -> Self {
        let mut headers = HashMap::new();
        for (name, _) in request.cgi.headers() {
            headers.entry(name).and_modify(|more| *more = true).or_insert(false);
        }
        Self(headers)
    }

    fn has(&self, key: &[u8]) -> bool {
        HeaderName::from_key(key).and_then(|name| self.0.get(&name)).is_some_and(|more| *more)
    }
}

/// Returns whether uWSGI's router removed the header. `http-var = HTTP_PROXY=` is its only way to do that.
fn is_removed_by_router(request: &InspectedRequest<'_>, key: &[u8], values: &[&[u8]]) -> bool {
    !request.is_missing("UWSGI_ROUTER")
        && key.starts_with(b"HTTP_")
        && values.last().is_some_and(|last| last.is_empty())
}

/// Describes what the last value of a var means.
fn describe_last_value(key: &[u8], last: &[u8]) -> String {
    match last {
        [] if key == b"CONTENT_LENGTH" => "CONTENT_LENGTH is empty, which is no body".to_owned(),
        [] if key.starts_with(b"HTTP_") => format!("{} is empty, which removes the header", Excerpt(key)),
        [] => format!("{} is empty", Excerpt(key)),
        _ => format!("{} is {}", Excerpt(key), Excerpt(last)),
    }
}
