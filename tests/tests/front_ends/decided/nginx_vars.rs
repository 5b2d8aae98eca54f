//! nginx: a param that is set again after `include uwsgi_params`. nginx sends both vars, and the last one counts.

use super::nginx::start;
use super::{FrontEnd, GET, OverHttp, Row};

#[test]
fn the_last_param_of_nginx_counts() {
    FrontEnd::<3> { rows: ROWS, start }.run();
}

const NO_SETTING: &str = "proxy_pass has no setting for it";

const SET: Row = Row {
    source: "nginx 1.22.1 src/http/modules/ngx_http_uwsgi_module.c: every uwsgi_param is sent, in the order of the configuration, and \
             a header of a param's name is not",
    ..GET
};

const ROWS: &[Row] = &[
    Row {
        name: "Host",
        config: "location = /host { {pass} uwsgi_param HTTP_HOST other.example; proxy_set_header Host other.example; }",
        target: "/host",
        headers: &[("X-Show", "Host")],
        sees: &["GET /host, Host: other.example"],
        ..SET
    },
    Row {
        name: "a header that stands once",
        config: "location = /proto {
    {pass}
    uwsgi_param HTTP_X_FORWARDED_PROTO http;
    uwsgi_param HTTP_X_FORWARDED_PROTO https;
    proxy_set_header X-Forwarded-Proto https;
}",
        target: "/proto",
        headers: &[("X-Forwarded-Proto", "ftp"), ("X-Show", "X-Forwarded-Proto")],
        sees: &["GET /proto, X-Forwarded-Proto: https"],
        ..SET
    },
    Row {
        name: "a header that is removed",
        config: "location = /proxy { {pass} uwsgi_param HTTP_PROXY \"\"; proxy_set_header Proxy \"\"; }",
        target: "/proxy",
        headers: &[("Proxy", "http://203.0.113.9/"), ("X-Show", "Proxy")],
        sees: &["GET /proxy"],
        ..SET
    },
    Row {
        name: "a header that is set and emptied: nginx does not send the empty one",
        config: "location = /list {
    {pass}
    uwsgi_param HTTP_X_LIST a;
    uwsgi_param HTTP_X_LIST \"\";
    proxy_set_header X-List a;
}",
        target: "/list",
        headers: &[("X-List", "b"), ("X-Show", "X-List")],
        sees: &["GET /list, X-List: a"],
        source: "nginx 1.22.1 ngx_http_uwsgi_init_params: an HTTP_ param whose value is the empty text is not sent",
        ..SET
    },
    Row {
        name: "a header that is set, and emptied by a variable",
        config: "location = /variable {
    {pass}
    set $nothing \"\";
    uwsgi_param HTTP_X_LIST a;
    uwsgi_param HTTP_X_LIST $nothing;
    proxy_set_header X-List \"\";
}",
        target: "/variable",
        headers: &[("X-List", "b"), ("X-Show", "X-List")],
        sees: &["GET /variable"],
        ..SET
    },
    Row {
        name: "a length, then 0",
        config: "location = /zero {
    {pass}
    uwsgi_param CONTENT_LENGTH 77;
    uwsgi_param CONTENT_LENGTH 0;
    uwsgi_pass_request_body off;
    proxy_set_header Content-Length 0;
    proxy_pass_request_body off;
}",
        target: "/zero",
        sees: &["POST /zero"],
        method: "POST",
        body: 5,
        ..SET
    },
    Row {
        name: "a length, then none",
        config: "location = /none {
    {pass}
    uwsgi_param CONTENT_LENGTH \"\";
    uwsgi_pass_request_body off;
    proxy_set_header Content-Length \"\";
    proxy_pass_request_body off;
}",
        target: "/none",
        sees: &["POST /none"],
        method: "POST",
        body: 5,
        ..SET
    },
    Row {
        name: "a length, then the right one",
        config: "location = /right { {pass} uwsgi_param CONTENT_LENGTH 77; uwsgi_param CONTENT_LENGTH $content_length; }",
        target: "/right",
        sees: &["POST /right, 5 bytes"],
        method: "POST",
        body: 5,
        ..SET
    },
    Row {
        name: "a length, then no number",
        config: "location = /number { {pass} uwsgi_param CONTENT_LENGTH five; proxy_set_header Content-Length five; }",
        target: "/number",
        status: 400,
        method: "POST",
        body: 5,
        ..SET
    },
    Row {
        name: "method",
        config: "location = /method { {pass} uwsgi_param REQUEST_METHOD PUT; proxy_method PUT; }",
        target: "/method",
        sees: &["PUT /method, 5 bytes"],
        method: "POST",
        body: 5,
        ..SET
    },
    Row {
        name: "query",
        config: "location = /query { {pass} uwsgi_param QUERY_STRING y=2; }",
        target: "/query?x=1",
        sees: &["GET /query?y=2"],
        over_http: OverHttp::Other(200, &["GET /query?x=1"], NO_SETTING),
        ..SET
    },
    Row {
        name: "path",
        config: "location = /path { {pass} uwsgi_param PATH_INFO \"/other path\"; }",
        target: "/path?x=1",
        sees: &["GET /other%20path?x=1"],
        over_http: OverHttp::Other(200, &["GET /path?x=1"], NO_SETTING),
        ..SET
    },
    Row {
        name: "mount",
        config: "location /store/ {
    rewrite ^/store(/.*)$ $1 break;
    {pass}
    uwsgi_param SCRIPT_NAME /shop;
    uwsgi_param SCRIPT_NAME /store;
}",
        target: "/store/a%20b",
        sees: &["GET /a%20b, mounted at /store"],
        over_http: OverHttp::Other(200, &["GET /a%20b"], NO_SETTING),
        ..SET
    },
    Row {
        name: "no mount",
        config: "location /apart { {pass} uwsgi_param SCRIPT_NAME /shop; uwsgi_param SCRIPT_NAME \"\"; }",
        target: "/apart/a%2Fb",
        sees: &["GET /apart/a%2Fb"],
        ..SET
    },
];
