//! nginx: requests that it sends to the application besides the request of the client, or instead of it.

use uwsgi_tests::programs::{Listen, Program, Snippet, TestDir, nginx};

use super::{FrontEnd, GET, OverHttp, Routes, Row};

#[test]
fn applications_see_what_nginx_decides() {
    FrontEnd::<3> { rows: ROWS, start }.run();
}

/// Starts nginx with a `server` for each of our servers and for hyper, all with the same locations.
pub fn start<'s>(test_dir: &'s TestDir, front_end: &FrontEnd<3>, routes: &Routes<'_, 3>) -> Vec<Program<'s>> {
    let sites = ["uwsgi", "uwsgi", "http"].into_iter().zip(routes).map(|(scheme, (port, socket))| {
        let pass = match scheme {
            "uwsgi" => format!("include uwsgi_params; uwsgi_pass unix:{};", socket.display()),
            _ => format!("proxy_pass http://unix:{};", socket.display()),
        };
        let root = test_dir.text_path("public");
        format!("server {{\nlisten {};\nroot {root};\n{}\n}}\n", port.address(), front_end.configs(&pass))
    });
    let site = Snippet::of("decided", sites.collect::<String>());
    let listens = routes.each_ref().map(|(port, _)| Listen::Tcp(port.clone()));
    vec![nginx(test_dir, "nginx", &site, &listens.each_ref())]
}

/// A check before the request, as the manual of nginx shows it.
const CHECK: &str = "
location /secret { auth_request /auth; {pass} }
location = /auth { internal; {pass} }";

/// The same check, with the lines that a check of uploads needs, after the include.
const CHECK_WITHOUT_BODY: &str = "
location /vault { auth_request /auth-get; {pass} }
location = /auth-get {
    internal;
    {pass}
    uwsgi_param REQUEST_METHOD GET;
    uwsgi_param CONTENT_LENGTH \"\";
    uwsgi_pass_request_body off;
    proxy_method GET;
    proxy_set_header Content-Length \"\";
    proxy_pass_request_body off;
}";

const MIRROR: &str = "location /seen { mirror /mirror; {pass} }\nlocation = /mirror { internal; {pass} }";

const GIVEN: &str = "
location = /give { {pass} }
location /given/ { internal; {pass} }";

const BREAK: &str = "location /old/ { rewrite ^/old/(.*)$ /new/$1 break; {pass} }";

const BARE: &str = "location /bare/ { rewrite ^/bare/(.*)$ $1 break; {pass} }";

/// nginx 1.22.1 src/http/modules/ngx_http_proxy_module.c ngx_http_proxy_create_request.
const DECODED: &str = "proxy_pass encodes the decoded path where the path or $args were set: %2F is a slash then";
const CHECKED: Row = Row {
    source: "nginx 1.22.1 src/http/modules/ngx_http_auth_request_module.c: a subrequest without a query and without the body; \
             src/http/ngx_http_variables.c: $request_uri, $request_method and $content_length are of the client's request",
    ..GET
};
const REWRITTEN: Row =
    Row { source: "nginx 1.22.1 src/http/ngx_http_script.c: sets $uri and $args, and $request_uri stays", ..GET };
const SET: Row =
    Row { source: "nginx 1.22.1 src/http/ngx_http_variables.c ngx_http_variable_set_args: $args is any text", ..GET };
const REDIRECTED: Row = Row {
    source: "nginx 1.22.1 src/http/ngx_http_core_module.c ngx_http_internal_redirect: $uri and $args are those of the new place, and \
             $request_uri stays; ngx_http_named_location changes none",
    ..GET
};
const ACCELERATED: Row = Row {
    config: GIVEN,
    source: "nginx 1.22.1 src/http/ngx_http_upstream.c ngx_http_upstream_process_headers: an internal redirect",
    ..GET
};
const SUBREQUEST: Row = Row {
    source: "nginx 1.22.1 src/http/ngx_http_core_module.c ngx_http_subrequest: $uri and $args are its own, $request_uri is the client's",
    ..GET
};
const ROWS: &[Row] = &[
    // auth_request.
    Row {
        name: "auth_request allows",
        config: CHECK,
        target: "/secret/a?x=1",
        headers: &[("Authorization", "Basic dTpw")],
        sees: &["GET /auth", "GET /secret/a?x=1"],
        ..CHECKED
    },
    Row {
        name: "auth_request refuses",
        config: CHECK,
        target: "/secret/a?x=1",
        status: 401,
        sees: &["GET /auth"],
        ..CHECKED
    },
    Row {
        name: "auth_request allows a POST",
        config: CHECK_WITHOUT_BODY,
        target: "/vault",
        headers: &[("Authorization", "Basic dTpw")],
        sees: &["GET /auth-get", "POST /vault, 5 bytes"],
        method: "POST",
        body: 5,
        ..CHECKED
    },
    Row {
        name: "auth_request refuses a POST",
        config: CHECK_WITHOUT_BODY,
        target: "/vault",
        status: 401,
        sees: &["GET /auth-get"],
        method: "POST",
        body: 5,
        ..CHECKED
    },
    Row {
        name: "auth_request of a POST without the lines for uploads",
        config: CHECK,
        target: "/secret",
        headers: &[("Authorization", "Basic dTpw")],
        status: 500,
        sees: &["POST /auth, a body that does not come"],
        over_http: OverHttp::Other(
            500,
            &["GET /auth, a body that does not come"],
            "proxy_pass has the subrequest's method",
        ),
        method: "POST",
        body: 5,
        ..CHECKED
    },
    // rewrite.
    Row { name: "rewrite break", config: BREAK, target: "/old/a%20b?x=1", sees: &["GET /new/a%20b?x=1"], ..REWRITTEN },
    Row {
        name: "rewrite last",
        config: "location /from/ { rewrite ^/from/(.*)$ /to/$1 last; }\nlocation /to/ { {pass} }",
        target: "/from/a%20b?x=1",
        sees: &["GET /to/a%20b?x=1"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite of a POST",
        config: "location /was/ { rewrite ^/was/(.*)$ /is/$1 break; {pass} }",
        target: "/was/a",
        sees: &["POST /is/a, 5 bytes"],
        method: "POST",
        body: 5,
        ..REWRITTEN
    },
    Row {
        name: "rewrite adds a query",
        config: "location /item/ { rewrite ^/item/(.*)$ /show?id=$1 break; {pass} }",
        target: "/item/7?x=1",
        sees: &["GET /show?id=7&x=1"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite strips the query",
        config: "location /strip/ { rewrite ^/strip/(.*)$ /kept/$1? break; {pass} }",
        target: "/strip/a?x=1",
        sees: &["GET /kept/a"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite strips the query and keeps the path",
        config: "location /same { rewrite ^(.*)$ $1? break; {pass} }",
        target: "/same/a%20b?x=1",
        sees: &["GET /same/a%20b"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite of a path with %2F",
        config: BREAK,
        target: "/old/a%2Fb",
        sees: &["GET /new/a/b"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite of a path with %25 and %3F",
        config: BREAK,
        target: "/old/a%252Fb%3Fc%23d",
        sees: &["GET /new/a%252Fb%3Fc%23d"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite leaves no slash",
        config: BARE,
        target: "/bare/cart?x=1",
        sees: &["GET /cart?x=1"],
        over_http: OverHttp::Other(400, &[], "nginx writes GET cart?x=1 HTTP/1.1"),
        ..REWRITTEN
    },
    Row { name: "rewrite leaves nothing", config: BARE, target: "/bare/", status: 500, ..REWRITTEN },
    // set $args.
    Row {
        name: "args set",
        config: "location /args { set $args \"x=1\"; {pass} }",
        target: "/args/a%2Fb?y=2",
        sees: &["GET /args/a%2Fb?x=1"],
        over_http: OverHttp::Other(200, &["GET /args/a/b?x=1"], DECODED),
        ..SET
    },
    Row {
        name: "args set to nothing",
        config: "location /no-args { set $args \"\"; {pass} }",
        target: "/no-args?y=2",
        sees: &["GET /no-args"],
        ..SET
    },
    Row {
        name: "args with a line feed",
        config: "location /lines { set $args \"u=$uri\"; {pass} }",
        target: "/lines/a%0Ab",
        sees: &["GET /lines/a%0Ab?u=/lines/a%0Ab"],
        over_http: OverHttp::Other(400, &[], "nginx writes the line feed into the request line"),
        ..SET
    },
    // Internal redirects.
    Row {
        name: "error_page of nginx's own",
        config: "location = /gone { error_page 410 /gone.html; return 410; }\nlocation = /gone.html { {pass} }",
        target: "/gone?x=1",
        status: 410,
        sees: &["GET /gone.html"],
        ..REDIRECTED
    },
    Row {
        name: "error_page of the application's",
        config:
            "location = /missing { uwsgi_intercept_errors on; proxy_intercept_errors on; error_page 404 /sorry; {pass} }
location = /sorry { {pass} }",
        target: "/missing?x=1",
        status: 404,
        sees: &["GET /missing?x=1", "GET /sorry"],
        ..REDIRECTED
    },
    Row {
        name: "error_page by name",
        config: "location /named { error_page 418 = @named; return 418; }\nlocation @named { {pass} }",
        target: "/named/a%2Fb?x=1",
        sees: &["GET /named/a%2Fb?x=1"],
        ..REDIRECTED
    },
    Row {
        name: "try_files falls back to a path",
        config: "location /try { try_files $uri /index; }\nlocation = /index { {pass} }",
        target: "/try/a?x=1",
        sees: &["GET /index"],
        ..REDIRECTED
    },
    Row {
        name: "try_files falls back to a path with the query",
        config: "location /front { try_files $uri /front.php?$args; }\nlocation = /front.php { {pass} }",
        target: "/front/a?x=1",
        sees: &["GET /front.php?x=1"],
        ..REDIRECTED
    },
    Row {
        name: "try_files falls back to a name",
        config: "location /maybe { try_files $uri @maybe; }\nlocation @maybe { {pass} }",
        target: "/maybe/a%2Fb?x=1",
        sees: &["GET /maybe/a%2Fb?x=1"],
        ..REDIRECTED
    },
    Row {
        name: "X-Accel-Redirect to another path",
        target: "/give?accel=/given/a%20b?y=2",
        sees: &["GET /give?accel=/given/a%20b?y=2", "GET /given/a%20b?y=2"],
        ..ACCELERATED
    },
    Row {
        name: "X-Accel-Redirect without a query",
        target: "/give?accel=/given/a",
        sees: &["GET /give?accel=/given/a", "GET /given/a"],
        ..ACCELERATED
    },
    Row {
        name: "X-Accel-Redirect to the same path",
        target: "/give?accel=/give?y=2",
        sees: &["GET /give?accel=/give?y=2", "GET /give?y=2"],
        ..ACCELERATED
    },
    // Subrequests.
    Row {
        name: "mirror",
        config: MIRROR,
        target: "/seen/a?x=1",
        sees: &["GET /seen/a?x=1", "GET /mirror?x=1"],
        ..SUBREQUEST
    },
    Row {
        name: "mirror of a POST",
        config: MIRROR,
        target: "/seen/a",
        sees: &["POST /seen/a, 5 bytes", "POST /mirror, 5 bytes"],
        method: "POST",
        body: 5,
        ..SUBREQUEST
    },
    Row {
        name: "SSI",
        config: "location = /page { ssi on; {pass} }\nlocation = /part { {pass} }",
        target: "/page?x=1",
        sees: &["GET /page?x=1", "GET /part?x=2"],
        ..SUBREQUEST
    },
];
