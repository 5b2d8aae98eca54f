//! Which vars of a request a gateway passes on.

/// Whether a gateway that got a request over uwsgi passes this var on to a backend as it came.
///
/// A gateway makes these vars itself, from the request that it sends:
///
/// | key | made from |
/// |---|---|
/// | `REQUEST_METHOD`, `REQUEST_URI`, `SCRIPT_NAME`, `PATH_INFO`, `QUERY_STRING`, `SERVER_PROTOCOL` | method, target, version |
/// | `HTTP_*`, `CONTENT_*` | the headers, and the length of the body |
/// | `UWSGI_*`, `wsgi.*` | nothing: `UWSGI_*` are [commands to uWSGI](crate::ControlVar), `wsgi.*` are between a server and its application |
///
/// A gateway passes all other vars on, each once. If a var came more than once, the last one counts.
///
/// ```
/// use uwsgi::passes_to_backend;
///
/// assert!(passes_to_backend(b"REMOTE_USER") && passes_to_backend(b"MY_PARAM"));
/// assert!(!passes_to_backend(b"UWSGI_FILE") && !passes_to_backend(b"HTTP_COOKIE"));
/// ```
#[must_use]
pub fn passes_to_backend(key: &[u8]) -> bool {
    const MADE_AGAIN: [&str; 6] =
        ["PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "SERVER_PROTOCOL"];
    const PREFIXES: [&str; 4] = ["CONTENT_", "HTTP_", "UWSGI_", "wsgi."];
    let is_made_again = MADE_AGAIN.iter().any(|name| key == name.as_bytes());
    !is_made_again && !PREFIXES.iter().any(|prefix| key.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::passes_to_backend;

    /// A key, and whether it is passed on.
    const KEYS: &[(&str, bool)] = &[
        ("CONTENT_LENGTH", false),
        ("CONTENT_TYPE", false),
        ("CONTENT_MD5", false),
        ("CONTENT", true),
        ("DOCUMENT_ROOT", true),
        ("GATEWAY_INTERFACE", true),
        ("HTTPS", true),
        ("HTTP_", false),
        ("HTTP_HOST", false),
        ("HTTP_X_FORWARDED_FOR", false),
        ("MY_PARAM", true),
        ("PATH_INFO", false),
        ("PATH_TRANSLATED", true),
        ("QUERY_STRING", false),
        ("REMOTE_ADDR", true),
        ("REMOTE_PORT", true),
        ("REMOTE_USER", true),
        ("REQUEST_ID", true),
        ("REQUEST_METHOD", false),
        ("REQUEST_SCHEME", true),
        ("REQUEST_URI", false),
        ("REQUEST_URI_", true),
        ("SCRIPT_NAME", false),
        ("SERVER_NAME", true),
        ("SERVER_PORT", true),
        ("SERVER_PROTOCOL", false),
        ("SSL_CLIENT_S_DN", true),
        ("UWSGI_FILE", false),
        ("UWSGI_SCHEME", false),
        ("X-Forwarded-Proto", true),
        ("http_host", true),
        ("uwsgi_file", true),
        ("wsgi.input", false),
        ("wsgi.url_scheme", false),
    ];

    #[test]
    fn keys() {
        for (key, passes) in KEYS {
            assert_eq!(passes_to_backend(key.as_bytes()), *passes, "{key}");
        }
    }
}
