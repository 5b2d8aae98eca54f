//! Findings about `SCRIPT_NAME`, `PATH_INFO` and `REQUEST_URI`: mounts, decoding and rewriting.

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::findings::finding::Severity::{Error, Note, Warning};
use crate::findings::inspected_request::{InspectedRequest, has_percent_encoding};
use crate::findings::nginx_lines::{plain_path, rewrite};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "path-in-script-name",
        Error,
        |request| {
            let script = request.non_empty("SCRIPT_NAME").filter(|_| request.is_missing("PATH_INFO"))?;
            // If SCRIPT_NAME is a mount, the finding no-path-info reports that.
            request.mount_without_path_info().is_none().then(|| Evidence::one(Excerpt(script)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is missing, so the whole path is in SCRIPT_NAME. Servers of this project take \
         SCRIPT_NAME for the path. An application in uWSGI or gunicorn takes {0} for its mount, and gets every request as one \
         for its root.",
        &[
            (Nginx, "uwsgi_param SCRIPT_NAME \"\";\nuwsgi_param PATH_INFO $document_uri;"),
            (Apache, "ProxyPass / uwsgi://127.0.0.1:3031/"),
            (Lighttpd, ROOT_IN_LIGHTTPD),
        ],
    ),
    Finding::new(
        "script-name-is-path",
        Warning,
        |request| {
            let script = request.non_empty("SCRIPT_NAME").filter(|_| request.var("PATH_INFO") == Some(b""))?;
            let is_path = request
                .decoded_requested_path()
                .is_none_or(|asked| asked == script || with_single_slashes(&asked) == script);
            is_path.then(|| Evidence::one(Excerpt(script)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is empty: the whole path is in SCRIPT_NAME. This is right if the application is \
         mounted at {0}. Otherwise the application gets every request as one for its root. nginx sends this with \
         $fastcgi_script_name and $fastcgi_path_info, which belong to FastCGI.",
        &[(Nginx, "uwsgi_param SCRIPT_NAME \"\";\nuwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "script-name-twice",
        Error,
        |request| {
            let (script, path) = repeated_mount(request)?;
            let both =
                format!("SCRIPT_NAME is {}, and PATH_INFO still begins with it: {}", Excerpt(script), Excerpt(path));
            Some(Evidence::two(both, rewrite(script).unwrap_or_default()))
        },
        "{0}. The application sees its mount twice: it answers 404, or builds URLs that have the mount twice. Put the line in \
         two locations. For a mount at /shop these are location /shop/ and location = /shop. Do not use location /shop alone: \
         it matches /shopping too.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "script-name-from-path",
        Warning,
        |request| {
            let (script, path) = (request.non_empty("SCRIPT_NAME")?, request.non_empty("PATH_INFO")?);
            request.is_lighttpd().then(|| Evidence::two(Excerpt(script), Excerpt(path)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is {1}. Without fix-root-scriptname lighttpd takes the first part of every path for \
         a mount, and servers serve the request as {1} of an application at {0}. A server cannot tell it from a real mount. An \
         application at the root needs fix-root-scriptname. This is right if the application is mounted at {0}.",
        &[(Lighttpd, ROOT_IN_LIGHTTPD)],
    ),
    Finding::new(
        "script-name-odd",
        Warning,
        |request| {
            // Without PATH_INFO, SCRIPT_NAME is the whole path, which can end with a slash.
            let script = request.non_empty("SCRIPT_NAME").filter(|_| !request.is_missing("PATH_INFO"))?;
            let is_odd = !script.starts_with(b"/") || script.ends_with(b"/");
            let line = plain_path(script).map(|script| script.trim_matches('/')).map(|name| {
                let slash = if name.is_empty() { "" } else { "/" };
                format!("uwsgi_param SCRIPT_NAME \"{slash}{name}\";")
            });
            is_odd.then(|| Evidence::two(Excerpt(script), line.unwrap_or_default()))
        },
        "SCRIPT_NAME is {0}. It should begin with a slash and not end with one. For an application at the root it should be \
         empty (PEP 3333). Otherwise URLs have two slashes in a row, or lack one.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "path-info-without-slash",
        Warning,
        |request| {
            let path = request.non_empty("PATH_INFO").filter(|path| !path.starts_with(b"/"))?;
            // A rewrite to $1 has removed the slash together with the mount.
            let removed_mount = request
                .decoded_requested_path()
                .and_then(|asked| Some(asked.strip_suffix(path)?.strip_suffix(b"/")?.to_vec()));
            let line = match removed_mount {
                Some(mount) => rewrite(&mount).unwrap_or_default(),
                None => "uwsgi_param PATH_INFO $document_uri;".to_owned(),
            };
            Some(Evidence::two(Excerpt(path), line))
        },
        "PATH_INFO is {0}, which does not begin with a slash. Servers of this project add one. Other applications find \
         no page there. In nginx the replacement of a rewrite must begin with a slash. uWSGI's router sends whole URLs if the \
         client does.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "path-encoded",
        Error,
        |request| {
            let path = request.var("PATH_INFO").filter(|path| has_percent_encoding(path))?;
            let mount =
                request.non_empty("SCRIPT_NAME").and_then(rewrite).map(|line| format!("{line}\n")).unwrap_or_default();
            is_undecoded(request).then(|| Evidence::two(Excerpt(path), mount))
        },
        "PATH_INFO is {0}, as the client wrote it, but it should be decoded. Applications take %20 for three characters.",
        &[(Nginx, "{1}uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "path-with-query",
        Error,
        |request| {
            let path = request.var("PATH_INFO").filter(|path| path.contains(&b'?'))?;
            (request.var("REQUEST_URI") == Some(path)).then(|| Evidence::one(Excerpt(path)))
        },
        "PATH_INFO is {0}, with the query. The configuration has $request_uri where it should have $document_uri.",
        &[(Nginx, "uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "path-encoded-twice",
        Warning,
        |request| {
            let path = request.path_info().filter(|path| has_percent_encoding(path))?;
            let asked = request.requested_path().filter(|_| !is_undecoded(request))?;
            (!path.starts_with(asked)).then(|| Evidence::two(Excerpt(path), Excerpt(asked)))
        },
        "PATH_INFO is {0}, and the client wrote {1}: if a server decodes it again, the result is another path, which the rules \
         of the front end have not checked. gunicorn 27 decodes it again.",
        &[(Nginx, "if ($document_uri ~ \"%[0-9A-Fa-f][0-9A-Fa-f]\") { return 400; }")],
    ),
    Finding::new(
        "slashes-merged",
        Note,
        |request| {
            let asked = request.decoded_requested_path().filter(|asked| with_single_slashes(asked) != *asked)?;
            let path = request.path();
            (with_single_slashes(&asked) == path).then(|| Evidence::two(Excerpt(&asked), Excerpt(&path)))
        },
        "The client asked for {0}, and the application gets {1}: the front end merged slashes. With merge_slashes off, nginx \
         keeps them, but then location /secret and its rules do not apply to //secret.",
        &[],
    ),
    Finding::new(
        "path-rewritten",
        Note,
        |request| {
            let asked = request.decoded_requested_path().filter(|_| !request.is_missing("PATH_INFO"))?;
            let path = request.path();
            let is_explained = asked == path
                || with_single_slashes(&asked) == path
                || is_undecoded(request)
                || request.var("REQUEST_URI") == request.var("PATH_INFO")
                || repeated_mount(request).is_some();
            (!is_explained).then(|| Evidence::two(Excerpt(&asked), Excerpt(&path)))
        },
        "The client asked for {0}, and the application gets {1}. The front end removed dot segments, or changed the path: \
         nginx does so with rewrite, error_page, try_files, auth_request and X-Accel-Redirect. PATH_INFO counts. REQUEST_URI \
         still has the path that the client asked for. An application must not route by REQUEST_URI, because that bypasses the \
         rules of the front end.",
        // No line can help. REQUEST_URI must keep the client's path, and PATH_INFO is decoded, so it can have a line end.
        &[],
    ),
    Finding::new(
        "uri-absolute",
        Note,
        |request| {
            let uri = request.non_empty("REQUEST_URI").filter(|uri| !uri.starts_with(b"/"))?;
            Some(Evidence::one(Excerpt(uri)))
        },
        "REQUEST_URI is {0}, which is no path. Apache and uWSGI's router pass on a whole URL or * if the client sends it. \
         nginx sends only the path.",
        &[(Nginx, "uwsgi_param REQUEST_URI $request_uri;")],
    ),
];

/// The configuration of lighttpd for an application at the root.
const ROOT_IN_LIGHTTPD: &str = "scgi.server = ( \"/\" => (( \"socket\" => \"/run/app.sock\", \
    \"check-local\" => \"disable\", \"fix-root-scriptname\" => \"enable\" )) )";

/// Returns whether the client's path has percent encoding, and `PATH_INFO`, with or without `SCRIPT_NAME`, equals it undecoded.
fn is_undecoded(request: &InspectedRequest<'_>) -> bool {
    let Some(asked) = request.requested_path().filter(|asked| has_percent_encoding(asked)) else { return false };
    request.path() == asked || request.path_info() == Some(asked)
}

/// Returns `SCRIPT_NAME` and `PATH_INFO` if `PATH_INFO` begins with `SCRIPT_NAME` by mistake.
fn repeated_mount<'a>(request: &InspectedRequest<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let (script, path) = (request.non_empty("SCRIPT_NAME")?, request.path_info()?);
    let below = path.strip_prefix(script.strip_suffix(b"/").unwrap_or(script))?;
    let is_whole = below.is_empty() || below.starts_with(b"/");
    // An application can have a path that begins with the name of its mount. Then the client's path has the mount twice.
    (is_whole && script != b"/" && request.decoded_requested_path()? == path).then_some((script, path))
}

/// Merges slashes in a row into one.
fn with_single_slashes(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|byte, before| (*byte, *before) == (b'/', b'/'));
    path
}
