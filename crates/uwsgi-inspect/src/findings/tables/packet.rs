//! Findings about the packet: its header, its size, and vars that are not part of CGI.

use uwsgi::{ControlVar, Modifier1};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::{Excerpt, list_names};
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Nginx, Uwsgi};
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::InspectedRequest;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "modifier1",
        Warning,
        |request| {
            let modifier1 = request.cgi.modifier1();
            let name = modifier1.name().unwrap_or("no known handler");
            (modifier1 != Modifier1::WSGI).then(|| Evidence::two(modifier1.0, name))
        },
        "modifier1 is {0} ({1}): uWSGI gives the request to that handler, and other servers refuse it.",
        &[(Nginx, "uwsgi_modifier1 0;")],
    ),
    Finding::new(
        "modifier2",
        Note,
        |request| {
            let modifier2 = request.cgi.modifier2();
            (modifier2 != 0).then(|| Evidence::one(modifier2))
        },
        "modifier2 is {0}: only some of uWSGI's handlers use it.",
        &[(Nginx, "uwsgi_modifier2 0;")],
    ),
    Finding::new(
        "over-uwsgi-buffer",
        Warning,
        |request| (datasize(request) > UWSGI_BUFFER).then(|| Evidence::one(datasize(request))),
        "The block of vars is {0} bytes: unless uWSGI's buffer-size (4096) was raised, uWSGI closes the connection without a \
         response, and nginx sends the client 502. Usually cookies make the block large.",
        &[(Uwsgi, "buffer-size = 65535")],
    ),
    Finding::new(
        "near-uwsgi-buffer",
        Note,
        |request| (3072..=UWSGI_BUFFER).contains(&datasize(request)).then(|| Evidence::one(datasize(request))),
        "The block of vars is {0} bytes of the 4096 that uWSGI accepts by default. Over that limit uWSGI gives no response.",
        &[(Uwsgi, "buffer-size = 65535")],
    ),
    Finding::new(
        "near-datasize",
        Warning,
        |request| (datasize(request) >= NEARLY_FULL).then(|| Evidence::one(datasize(request))),
        "The block of vars is {0} bytes of the 65535 that a packet carries. If it grows a little, the front end \
         itself refuses the request: nginx and Apache with 500, lighttpd with 400 or 431.",
        &[(Nginx, "large_client_header_buffers 4 8k;")],
    ),
    Finding::new(
        "over-uwsgi-vars",
        Warning,
        |request| (vars(request) > UWSGI_VARS).then(|| Evidence::one(vars(request))),
        "{0} vars came: uWSGI accepts 128 by default and gives no response over that limit. gunicorn accepts 1000.",
        &[(Uwsgi, "max-vars = 512")],
    ),
    Finding::new(
        "near-uwsgi-vars",
        Note,
        |request| (96..=UWSGI_VARS).contains(&vars(request)).then(|| Evidence::one(vars(request))),
        "{0} vars came of the 128 that uWSGI accepts by default. Over that limit uWSGI gives no response.",
        &[(Uwsgi, "max-vars = 512")],
    ),
    Finding::new(
        "uwsgi-control",
        Warning,
        |request| {
            let names = request.keys_where(|key| {
                let control = ControlVar::from_key(key);
                control.is_some_and(|control| !matches!(control, ControlVar::Router | ControlVar::Scheme))
            });
            (!names.is_empty()).then(|| Evidence::one(list_names(&names)))
        },
        "{0} came: uWSGI acts on vars with such names. For example, UWSGI_FILE makes it load and run a file. Other servers \
         ignore them. If no line of your front end sends them, another program can reach this socket. The mode of a Unix \
         socket keeps other programs out.",
        &[],
    ),
    Finding::new(
        "uwsgi-router",
        Note,
        |request| Some(Evidence::one(Excerpt(request.var("UWSGI_ROUTER")?))),
        "The request came through uWSGI's router ({0}). SERVER_NAME is the machine's name, the two bytes of \
         REMOTE_PORT are swapped on most machines, and headers that differ only in _ and - are joined. Applications should use \
         HTTP_HOST.",
        // No line can help: http-server-name-as-http-host lets the client choose the name.
        &[],
    ),
    Finding::new(
        "front-ends-environment",
        Warning,
        |request| {
            let harmless = |key: &[u8]| match key {
                b"PATH" => request.var("PATH") == Some(b"/usr/bin:/bin"),
                _ => request.non_empty("LD_LIBRARY_PATH").is_none(),
            };
            let names = request.keys_where(|key| matches!(key, b"PATH" | b"LD_LIBRARY_PATH") && !harmless(key));
            let set = |name: &&[u8]| {
                if *name == b"PATH" { "SetEnv PATH /usr/bin:/bin" } else { "SetEnv LD_LIBRARY_PATH \"\"" }
            };
            let lines: Vec<_> = names.iter().map(set).collect();
            (!names.is_empty()).then(|| Evidence::two(list_names(&names), lines.join("\n")))
        },
        "{0} came from the environment of the front end: Apache sends it, and a line can change it but not remove it. An \
         application that copies vars into its environment then starts wrong programs.",
        &[(Apache, "{1}")],
    ),
    Finding::new(
        "http-1.0",
        Note,
        |request| Evidence::when(request.var("SERVER_PROTOCOL") == Some(b"HTTP/1.0")),
        "The client used HTTP/1.0. If the client is another nginx, its proxy_pass did: HTTP/1.0 was the default up to 1.29.6.",
        &[(Nginx, "proxy_http_version 1.1;")],
    ),
    Finding::new(
        "protocol-odd",
        Warning,
        |request| {
            let protocol = request.non_empty("SERVER_PROTOCOL").filter(|protocol| !is_http(protocol))?;
            Some(Evidence::one(Excerpt(protocol)))
        },
        "SERVER_PROTOCOL is {0}, which is no version of HTTP. uWSGI copies it into the first line of its response.",
        &[(Nginx, "uwsgi_param SERVER_PROTOCOL $server_protocol;")],
    ),
];

/// The default of `buffer-size` in uWSGI 2.0, in bytes.
const UWSGI_BUFFER: usize = 4096;
/// The number of vars that uWSGI 2.0 accepts if `max-vars` has its default, 64.
const UWSGI_VARS: usize = 128;
/// 60 KiB: close to the largest datasize, which is 65535 bytes.
const NEARLY_FULL: usize = 61440;

fn datasize(request: &InspectedRequest<'_>) -> usize {
    request.cgi.vars().as_bytes().len()
}

fn vars(request: &InspectedRequest<'_>) -> usize {
    request.cgi.vars().len()
}

/// Returns whether this is `HTTP/` with a version: one digit, or two digits with a point in between.
fn is_http(protocol: &[u8]) -> bool {
    match protocol.strip_prefix(b"HTTP/") {
        Some([major]) => major.is_ascii_digit(),
        Some([major, b'.', minor]) => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    }
}
