//! `SCRIPT_NAME`, `PATH_INFO` and `REQUEST_URI`: what is mounted where, and what was decoded how often.

use uwsgi::below_mount;

use crate::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::findings::lines::{plain_path, rewrite};
use crate::findings::repeated::is_lighttpd;
use crate::seen::{Seen, Shown, has_percent_encoding};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "path-in-script-name",
        Error,
        |seen| {
            let script = seen.filled("SCRIPT_NAME").filter(|_| seen.is_missing("PATH_INFO"))?;
            // A mount, and what is below it did not come: no-path-info.
            mount_alone(seen).is_none().then(|| Evidence::one(Shown(script)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is missing, so that the whole path is in SCRIPT_NAME. Servers of this project take \
         SCRIPT_NAME for the path. An application in uWSGI or gunicorn takes {0} for its mount, and every request for one of its \
         root.",
        &[
            (Nginx, "uwsgi_param SCRIPT_NAME \"\";\nuwsgi_param PATH_INFO $document_uri;"),
            (Apache, "ProxyPass / uwsgi://127.0.0.1:3031/"),
            (Lighttpd, ROOT_IN_LIGHTTPD),
        ],
    ),
    Finding::new(
        "script-name-is-path",
        Warning,
        |seen| {
            let script = seen.filled("SCRIPT_NAME").filter(|_| seen.var("PATH_INFO") == Some(b""))?;
            let is_path = seen.asked_decoded().is_none_or(|asked| asked == script || squeezed(&asked) == script);
            is_path.then(|| Evidence::one(Shown(script)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is empty: the whole path is in SCRIPT_NAME. All is well if the application is mounted at \
         {0}. Else the application gets every request as one for its root: nginx sends this with $fastcgi_script_name and \
         $fastcgi_path_info, which belong to FastCGI.",
        &[(Nginx, "uwsgi_param SCRIPT_NAME \"\";\nuwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "script-name-twice",
        Error,
        |seen| {
            let (script, path) = mounted_twice(seen)?;
            let both = format!("SCRIPT_NAME is {}, and PATH_INFO still begins with it: {}", Shown(script), Shown(path));
            Some(Evidence::two(both, rewrite(script).unwrap_or_default()))
        },
        "{0}. The application sees its mount twice: it answers 404, or builds URLs that have the mount twice. Put the line in \
         two locations, as for a mount at /shop: location /shop/ and location = /shop. Do not use location /shop alone: it also \
         takes /shopping.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "script-name-from-path",
        Warning,
        |seen| {
            let (script, path) = (seen.filled("SCRIPT_NAME")?, seen.filled("PATH_INFO")?);
            is_lighttpd(seen).then(|| Evidence::two(Shown(script), Shown(path)))
        },
        "SCRIPT_NAME is {0} and PATH_INFO is {1}. Without fix-root-scriptname lighttpd takes the first part of every path for a \
         mount, and servers serve the request as {1} of an application at {0}: nobody can tell it from a real mount. An \
         application at the root needs fix-root-scriptname. All is well if the application is mounted at {0}.",
        &[(Lighttpd, ROOT_IN_LIGHTTPD)],
    ),
    Finding::new(
        "script-name-odd",
        Warning,
        |seen| {
            // Without PATH_INFO it is the whole path, and may look like one.
            let script = seen.filled("SCRIPT_NAME").filter(|_| !seen.is_missing("PATH_INFO"))?;
            let odd = !script.starts_with(b"/") || script.ends_with(b"/");
            let line = plain_path(script).map(|script| script.trim_matches('/')).map(|name| {
                let slash = if name.is_empty() { "" } else { "/" };
                format!("uwsgi_param SCRIPT_NAME \"{slash}{name}\";")
            });
            odd.then(|| Evidence::two(Shown(script), line.unwrap_or_default()))
        },
        "SCRIPT_NAME is {0}. It should begin with a slash and not end in one, and be empty for an application at the root \
         (PEP 3333): else URLs come out with two slashes, or with none.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "path-info-without-slash",
        Warning,
        |seen| {
            let path = seen.filled("PATH_INFO").filter(|path| !path.starts_with(b"/"))?;
            // A rewrite to $1 took the slash away with what stands before it.
            let cut =
                seen.asked_decoded().and_then(|asked| Some(asked.strip_suffix(path)?.strip_suffix(b"/")?.to_vec()));
            let line = match cut {
                Some(mount) => rewrite(&mount).unwrap_or_default(),
                None => "uwsgi_param PATH_INFO $document_uri;".to_owned(),
            };
            Some(Evidence::two(Shown(path), line))
        },
        "PATH_INFO is {0}, which does not begin with a slash. Servers of this project put one before it; other applications find \
         nothing there. In nginx the replacement of a rewrite has to begin with a slash. uWSGI's router sends whole URLs when \
         the client does.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "path-encoded",
        Error,
        |seen| {
            let path = seen.var("PATH_INFO").filter(|path| has_percent_encoding(path))?;
            let mount =
                seen.filled("SCRIPT_NAME").and_then(rewrite).map(|line| format!("{line}\n")).unwrap_or_default();
            is_as_asked(seen).then(|| Evidence::two(Shown(path), mount))
        },
        "PATH_INFO is {0}, as the client wrote it: it should arrive decoded. Applications take %20 for three characters.",
        &[(Nginx, "{1}uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "path-with-query",
        Error,
        |seen| {
            let path = seen.var("PATH_INFO").filter(|path| path.contains(&b'?'))?;
            (seen.var("REQUEST_URI") == Some(path)).then(|| Evidence::one(Shown(path)))
        },
        "PATH_INFO is {0}: the query is in it. The configuration has $request_uri where $document_uri belongs.",
        &[(Nginx, "uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "path-encoded-twice",
        Warning,
        |seen| {
            let path = seen.path_info().filter(|path| has_percent_encoding(path))?;
            let asked = seen.asked().filter(|_| !is_as_asked(seen))?;
            (!path.starts_with(asked)).then(|| Evidence::two(Shown(path), Shown(asked)))
        },
        "PATH_INFO is {0} where the client wrote {1}: one more decoding leads elsewhere, past the front end's rules about \
         paths. gunicorn 27 decodes once more.",
        &[(Nginx, "if ($document_uri ~ \"%[0-9A-Fa-f][0-9A-Fa-f]\") { return 400; }")],
    ),
    Finding::new(
        "slashes-merged",
        Note,
        |seen| {
            let asked = seen.asked_decoded().filter(|asked| squeezed(asked) != *asked)?;
            let path = seen.path();
            (squeezed(&asked) == path).then(|| Evidence::two(Shown(&asked), Shown(&path)))
        },
        "The client asked for {0}, the application gets {1}: the front end made one slash of several. With merge_slashes off \
         nginx keeps them, but then location /secret and its rules do not apply to //secret.",
        &[],
    ),
    Finding::new(
        "path-rewritten",
        Note,
        |seen| {
            let asked = seen.asked_decoded().filter(|_| !seen.is_missing("PATH_INFO"))?;
            let path = seen.path();
            let is_explained = asked == path
                || squeezed(&asked) == path
                || is_as_asked(seen)
                || seen.var("REQUEST_URI") == seen.var("PATH_INFO")
                || mounted_twice(seen).is_some();
            (!is_explained).then(|| Evidence::two(Shown(&asked), Shown(&path)))
        },
        "The client asked for {0}, and the application gets {1}. The front end removed dot segments, or it asks for another \
         path: nginx does so with rewrite, error_page, try_files, auth_request and X-Accel-Redirect. PATH_INFO counts. \
         REQUEST_URI still has what the client asked for. An application must not route by REQUEST_URI: that goes around the \
         front end's rules.",
        // What the client asked for is not to be lost, and the path of the application is decoded: a line end may be in it.
        &[],
    ),
    Finding::new(
        "uri-absolute",
        Note,
        |seen| {
            let uri = seen.filled("REQUEST_URI").filter(|uri| !uri.starts_with(b"/"))?;
            Some(Evidence::one(Shown(uri)))
        },
        "REQUEST_URI is {0}, which is no path. Apache and uWSGI's router pass on what the client wrote, a whole URL or *; nginx \
         sends the path alone.",
        &[(Nginx, "uwsgi_param REQUEST_URI $request_uri;")],
    ),
];

/// An application at the root, in lighttpd's configuration.
const ROOT_IN_LIGHTTPD: &str = "scgi.server = ( \"/\" => (( \"socket\" => \"/run/app.sock\", \
    \"check-local\" => \"disable\", \"fix-root-scriptname\" => \"enable\" )) )";

/// `PATH_INFO` is what the client wrote, behind `SCRIPT_NAME` or alone.
fn is_as_asked(seen: &Seen<'_>) -> bool {
    let Some(asked) = seen.asked().filter(|asked| has_percent_encoding(asked)) else { return false };
    seen.path() == asked || seen.path_info() == Some(asked)
}

/// `SCRIPT_NAME`, where there is no `PATH_INFO` and the client asked for something below it.
pub(super) fn mount_alone<'a>(seen: &Seen<'a>) -> Option<&'a [u8]> {
    let script = seen.filled("SCRIPT_NAME").filter(|_| seen.is_missing("PATH_INFO"))?;
    let below = below_mount(seen.asked()?, script.strip_suffix(b"/").unwrap_or(script))?;
    (!below.is_empty() && script != b"/").then_some(script)
}

/// `SCRIPT_NAME`, and the `PATH_INFO` that should not begin with it.
fn mounted_twice<'a>(seen: &Seen<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let (script, path) = (seen.filled("SCRIPT_NAME")?, seen.path_info()?);
    let below = path.strip_prefix(script.strip_suffix(b"/").unwrap_or(script))?;
    let is_whole = below.is_empty() || below.starts_with(b"/");
    // An application may have a path of its own that is called like the place it is mounted at.
    (is_whole && script != b"/" && seen.asked_decoded()? == path).then_some((script, path))
}

/// Several slashes as one.
fn squeezed(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|byte, before| (*byte, *before) == (b'/', b'/'));
    path
}
