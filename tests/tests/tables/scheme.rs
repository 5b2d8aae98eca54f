//! http or https: which vars say so, in which order, and which vars do not count.

use uwsgi::Scheme::{self, Http, Https};
use uwsgi::{Modifier1, Packet, Request, VarsEncoder};

use crate::rows::{Sees, ViewRow, run_view, small};

const UWSGI: &str =
    "uWSGI 2.0 core/protocol.c uwsgi_proto_check_5, uwsgi_proto_check_12; plugins/python wsgi_subhandler.c";
const GUNICORN: &str = "gunicorn 27 uwsgi/message.py";

/// Name, vars, our scheme, uWSGI's, gunicorn's, source.
macro_rules! rows {
    ($($name:literal $vars:expr, $ours:ident, $uwsgi:literal, $gunicorn:literal, $source:expr;)*) => {
        const ROWS: &[ViewRow] = &[$(ViewRow {
            name: $name,
            input: small($vars),
            sees: &[Sees::Scheme($ours)],
            uwsgi: $uwsgi,
            gunicorn: $gunicorn,
            source: $source,
        }),*];
    };
}

rows! {
    "no-var" &[], Http, "http", "http", GUNICORN;
    "https-on" &[("HTTPS", "on")], Https, "https", "https", UWSGI;
    "https-upper" &[("HTTPS", "ON")], Https, "https", "https", UWSGI;
    "https-mixed" &[("HTTPS", "On")], Https, "https", "https", UWSGI;
    "https-1" &[("HTTPS", "1")], Https, "https", "https", UWSGI;
    "https-true" &[("HTTPS", "true")], Https, "http", "https", GUNICORN;
    "https-true-upper" &[("HTTPS", "TRUE")], Https, "http", "https", GUNICORN;
    "https-off" &[("HTTPS", "off")], Http, "http", "http", GUNICORN;
    "https-empty" &[("HTTPS", "")], Http, "http", "http", GUNICORN;
    "https-0" &[("HTTPS", "0")], Http, "http", "http", GUNICORN;
    "https-yes" &[("HTTPS", "yes")], Http, "http", "http", GUNICORN;
    "https-prefix-on" &[("HTTPS", "only")], Http, "https: the first two letters are enough", "http", UWSGI;
    "https-prefix-1" &[("HTTPS", "10")], Http, "https: the first digit is enough", "http", UWSGI;
    "https-blank" &[("HTTPS", " on")], Http, "http", "http", GUNICORN;
    "https-lower-case-key" &[("https", "on")], Http, "http", "http", UWSGI;
    "https-twice-last-on" &[("HTTPS", "off"), ("HTTPS", "on")], Https, "https", "https", UWSGI;
    "https-twice-last-off" &[("HTTPS", "on"), ("HTTPS", "off")], Http, "http", "http", GUNICORN;
    "https-off-lets-the-others-decide" &[("HTTPS", "off"), ("REQUEST_SCHEME", "https")], Https,
        "http", "http", "nginx 1.22 conf/uwsgi_params";
    "request-scheme-https" &[("REQUEST_SCHEME", "https")], Https, "http", "http", "nginx 1.22 conf/uwsgi_params";
    "request-scheme-http" &[("REQUEST_SCHEME", "http")], Http, "http", "http", "nginx 1.22 conf/uwsgi_params";
    "request-scheme-upper" &[("REQUEST_SCHEME", "HTTPS")], Http, "http", "http", "nginx 1.22 conf/uwsgi_params";
    "request-scheme-ftp" &[("REQUEST_SCHEME", "ftp")], Http, "http", "http", "nginx 1.22 conf/uwsgi_params";
    "request-scheme-before-uwsgi-scheme" &[("UWSGI_SCHEME", "https"), ("REQUEST_SCHEME", "http")], Http,
        "https: UWSGI_SCHEME alone counts", "http", UWSGI;
    "uwsgi-scheme-https" &[("UWSGI_SCHEME", "https")], Https, "https", "http", UWSGI;
    "uwsgi-scheme-any-text" &[("UWSGI_SCHEME", "gopher")], Http, "gopher", "http", UWSGI;
    "uwsgi-scheme-where-request-scheme-is-invalid" &[("REQUEST_SCHEME", "ws"), ("UWSGI_SCHEME", "https")], Https,
        "https", "http", UWSGI;
    "uwsgi-scheme-before-url-scheme" &[("wsgi.url_scheme", "https"), ("UWSGI_SCHEME", "http")], Http,
        "http", "https", UWSGI;
    "url-scheme-https" &[("wsgi.url_scheme", "https")], Https, "http", "https", GUNICORN;
    "url-scheme-http" &[("wsgi.url_scheme", "http")], Http, "http", "http", GUNICORN;
    "url-scheme-any-text" &[("wsgi.url_scheme", "gopher")], Http, "http", "gopher", GUNICORN;
    "https-beats-request-scheme" &[("HTTPS", "on"), ("REQUEST_SCHEME", "http")], Https, "https", "https", UWSGI;
    "https-beats-uwsgi-scheme" &[("HTTPS", "on"), ("UWSGI_SCHEME", "http")], Https,
        "http: UWSGI_SCHEME comes first", "https", UWSGI;
    "https-beats-url-scheme" &[("wsgi.url_scheme", "http"), ("HTTPS", "1")], Https, "https", "https", GUNICORN;
    "forwarded-proto" &[("HTTP_X_FORWARDED_PROTO", "https")], Http, "https: every sender is believed", "http", UWSGI;
    "forwarded-proto-any-text" &[("HTTP_X_FORWARDED_PROTO", "ftp")], Http, "ftp", "http", UWSGI;
    "forwarded-proto-beside-https" &[("HTTPS", "on"), ("HTTP_X_FORWARDED_PROTO", "http")], Https, "http", "https", UWSGI;
    "forwarded-ssl" &[("HTTP_X_FORWARDED_SSL", "on")], Http, "https: as HTTPS", "http", UWSGI;
    "client-header-https" &[("HTTP_HTTPS", "on")], Http, "http", "http", GUNICORN;
    "client-header-request-scheme" &[("HTTP_REQUEST_SCHEME", "https")], Http, "http", "http", GUNICORN;
    "server-port-443" &[("SERVER_PORT", "443")], Http, "http", "http", GUNICORN;
}

#[test]
fn scheme() {
    run_view("scheme", ROWS);
}

/// RFC 9110 sections 4.2.1 and 4.2.2.
#[test]
fn default_ports() {
    for (scheme, port) in [(Http, 80), (Https, 443)] {
        assert_eq!(scheme.default_port(), port, "{}", scheme.as_str());
    }
}

/// Vars, and the scheme that they name.
type Named = (&'static [(&'static str, &'static str)], Option<Scheme>);

const SCHEMES: &[Named] = &[
    (&[], None),
    (&[("HTTPS", "on")], Some(Scheme::Https)),
    (&[("HTTPS", "TRUE")], Some(Scheme::Https)),
    (&[("HTTPS", "1"), ("REQUEST_SCHEME", "http")], Some(Scheme::Https)),
    (&[("HTTPS", "off")], None),
    (&[("HTTPS", "")], None),
    (&[("HTTPS", "on"), ("HTTPS", "off")], None),
    (&[("HTTPS", "off"), ("REQUEST_SCHEME", "https")], Some(Scheme::Https)),
    (&[("REQUEST_SCHEME", "http"), ("UWSGI_SCHEME", "https")], Some(Scheme::Http)),
    (&[("REQUEST_SCHEME", ""), ("UWSGI_SCHEME", "https")], Some(Scheme::Https)),
    (&[("wsgi.url_scheme", "https"), ("UWSGI_SCHEME", "http")], Some(Scheme::Http)),
    (&[("wsgi.url_scheme", "https")], Some(Scheme::Https)),
    (&[("REQUEST_SCHEME", "HTTPS")], None),
    (&[("HTTP_X_FORWARDED_PROTO", "https")], None),
];

#[test]
fn schemes_that_vars_name() {
    for (pairs, expected) in SCHEMES {
        let mut buffer = [0; 256];
        let mut vars = VarsEncoder::new(&mut buffer[..]);
        pairs.iter().for_each(|(key, value)| vars.push(key, value).unwrap());
        let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        assert_eq!(Scheme::of_vars(&packet.vars().unwrap()), *expected, "{pairs:?}");
        let request = Request::decode(&packet).unwrap();
        assert_eq!(request.scheme(), expected.unwrap_or(Scheme::Http), "{pairs:?}");
    }
}
