//! The sources that the cases cite.

pub(super) const AFTER_REQUEST: &str = "RFC 9112 sections 9.3 and 11.2; gunicorn 27 workers/gthread.py";
pub(super) const ALLOW: &str = "RFC 9110 section 15.5.4; gunicorn 27 --uwsgi-allow-from";
pub(super) const BODY: &str = "PEP 3333, Input and Error Streams; uWSGI 2.0 core/reader.c; gunicorn 27 http/body.py";
pub(super) const BODY_TOO_LARGE: &str = "RFC 9110 section 15.5.14";
pub(super) const CHUNKED: &str =
    "RFC 9112 section 7.1; nginx 1.31 ngx_http_uwsgi_module.c; uWSGI 2.0 --http-chunked-input";
pub(super) const CONTENT: &str = "RFC 9110 sections 5.5, 5.6.2 and 9.1; PEP 3333, environ Variables";
pub(super) const FOREIGN: &str =
    "RFC 9112 section 3, RFC 9113 section 3.4, RFC 8446 section 5.1, the FastCGI and PROXY specifications";
pub(super) const HOP_BY_HOP: &str = "RFC 9110 section 7.6.1, RFC 9113 section 3.1; nginx 1.22 ngx_http_uwsgi_module.c";
pub(super) const KEEPALIVE: &str = "RFC 9112 section 9.3; gunicorn 27 workers/gthread.py";
pub(super) const LENGTH: &str = "RFC 9110 section 8.6, RFC 9112 section 6.3; PEP 3333, environ Variables";
pub(super) const MODIFIERS: &str = "uWSGI 2.0 core/uwsgi.c, the table of modifiers; RFC 9110 section 15.6.2";
pub(super) const OVERLOAD: &str = "RFC 9110 section 15.6.4";
pub(super) const PATHS: &str = "PEP 3333, environ Variables; RFC 3875 section 4.1";
pub(super) const PEP_ERRORS: &str = "PEP 3333, Error Handling; RFC 9112 section 8";
pub(super) const PEP_LENGTH: &str = "PEP 3333, Handling the Content-Length Header; RFC 9110 section 6.4.1";
pub(super) const PEP_START: &str = "PEP 3333, The start_response() Callable";
pub(super) const PING: &str = "uWSGI 2.0 plugins/ping/ping_plugin.c";
pub(super) const READER: &str = "uWSGI 2.0 proto/uwsgi.c uwsgi_proto_uwsgi_parser; gunicorn 27 uwsgi/message.py";
pub(super) const REPEATED: &str =
    "nginx 1.22 ngx_http_uwsgi_module.c; uWSGI 2.0 core/protocol.c uwsgi_parse_vars; gunicorn 27 uwsgi/message.py";
pub(super) const SCHEME: &str =
    "PEP 3333, URL Reconstruction; uWSGI 2.0 plugins/python/wsgi_subhandler.c; gunicorn 27 uwsgi/message.py";
pub(super) const STOP: &str = "uWSGI 2.0 --worker-reload-mercy; gunicorn 27 --graceful-timeout";
pub(super) const TARGET: &str =
    "RFC 3986 section 3.3, RFC 9112 section 3.2; RFC 3875 section 4.1; nginx 1.22 ngx_http_core_module.c";
pub(super) const TIMEOUT: &str = "RFC 9110 section 15.5.9; uWSGI 2.0 --socket-timeout; gunicorn 27 --timeout";
pub(super) const TOO_LARGE: &str = "RFC 6585 section 5";
pub(super) const UPGRADE: &str = "RFC 9110 sections 7.8 and 15.2.2; RFC 9113 section 3.1";
pub(super) const UWSGI_VARS: &str = "uWSGI 2.0 core/protocol.c, the UWSGI_ variables";
pub(super) const VARS: &str = "uWSGI 2.0 core/protocol.c uwsgi_parse_vars; gunicorn 27 uwsgi/message.py";
