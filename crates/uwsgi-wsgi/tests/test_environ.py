"""The environ: which vars of the packet an application sees, and what the server adds.

The letters name the requirements of PEP 3333 (section "environ Variables" unless another is named):

| row | requirement |
|---|---|
| E1 | REQUEST_METHOD is never empty |
| E2 | SCRIPT_NAME and PATH_INFO: the mount, and the rest of the path |
| E3 | QUERY_STRING, CONTENT_TYPE, CONTENT_LENGTH may be empty or absent |
| E4 | SERVER_NAME and SERVER_PORT are never empty |
| E5 | SERVER_PROTOCOL is the version that the client used |
| E6 | HTTP_ variables are there if and only if the request has the header |
| E7 | as many other CGI variables as there are; missing ones are left out |
| E8 | the variables that begin with `wsgi.` |
| E9 | strings hold only code points of latin-1 (section "Unicode Issues") |
| L5 | a call with two positional arguments; environ is a plain dict that the application may change ("Specification Details") |
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from client import Pairs, Text, exchange, vars_of
from conftest import Start
from server import Server

ABSENT = None
# For a value that may be left out or empty.
EMPTY = ""


def environ_of(server: Server, pairs: Pairs, body: bytes = b"") -> dict[str, Any]:
    answer = exchange(server.address, pairs, body)
    assert answer.code == 200, f"{answer.status_line!r} {answer.body!r}\n{server.log}"
    seen: dict[str, Any] = json.loads(answer.body)
    return seen


@dataclass
class Row:
    """The vars of a request, and strings of the environ that the application must see. ABSENT: it must not see the key."""

    name: str
    vars: dict[str, Text | None]
    expected: dict[str, str | None]
    # Vars that come after the others, for keys that come twice.
    then: list[tuple[Text, Text]] = field(default_factory=list)
    # Without `wsgiref.validate`, which does not accept every var that a front end can send.
    plain: bool = False


# What gunicorn 27.0.1 does: it gives only the HTTP_ vars and the CONTENT_ vars to the application, sets the others itself, decodes
# PATH_INFO a second time, and always says HTTP/1.1. uWSGI 2.0.31 gives all vars, and repeats the protocol in its status line.
ROWS = [
    Row("E1 the method as it came", {"REQUEST_METHOD": "PROPFIND"}, {"REQUEST_METHOD": "PROPFIND"}),
    Row("E1 an absent method is GET", {"REQUEST_METHOD": None}, {"REQUEST_METHOD": "GET"}),
    Row(
        "E2 mount and path as they came",
        {"SCRIPT_NAME": "/app", "PATH_INFO": "/x/y/"},
        {"SCRIPT_NAME": "/app", "PATH_INFO": "/x/y/"},
    ),
    Row(
        "E2 nobody decodes the path again",
        {"PATH_INFO": "/100%25%2Fx%zz+y", "REQUEST_URI": "/100%2525%252Fx%25zz+y"},
        {"PATH_INFO": "/100%25%2Fx%zz+y"},
    ),
    Row(
        "E2 the path is not that of REQUEST_URI",
        {"PATH_INFO": "/routed", "REQUEST_URI": "/original?x=1"},
        {"PATH_INFO": "/routed", "REQUEST_URI": "/original?x=1"},
    ),
    Row(
        "E2 nobody tidies the path",
        {"PATH_INFO": "//a/../b/./c//", "REQUEST_URI": "//a/../b/./c//"},
        {"PATH_INFO": "//a/../b/./c//"},
    ),
    Row(
        "E2 an empty path below a mount",
        {"SCRIPT_NAME": "/app", "PATH_INFO": ""},
        {"SCRIPT_NAME": "/app", "PATH_INFO": ""},
    ),
    Row(
        # lighttpd 1.4 without `fix-root-scriptname` sends the path in this way.
        "E2 without PATH_INFO the SCRIPT_NAME is the path",
        {"SCRIPT_NAME": "/page", "PATH_INFO": None, "REQUEST_URI": "/page"},
        {"SCRIPT_NAME": "", "PATH_INFO": "/page"},
        # gunicorn 27.0.1 takes / as the path, and uWSGI 2.0.31 leaves PATH_INFO out.
    ),
    Row(
        "E2 a path of bytes above ASCII",
        {"PATH_INFO": b"/caf\xc3\xa9/\xff", "REQUEST_URI": "/caf%C3%A9/%FF"},
        {"PATH_INFO": "/caf\xc3\xa9/\xff"},
        # gunicorn 27.0.1 encodes them as UTF-8 once more.
    ),
    Row("E3 the query as it came", {"QUERY_STRING": "a=b&c=%20+d"}, {"QUERY_STRING": "a=b&c=%20+d"}),
    Row("E3 the query may be absent", {"QUERY_STRING": None}, {"QUERY_STRING": EMPTY}),
    Row("E3 the query may be empty", {"QUERY_STRING": ""}, {"QUERY_STRING": EMPTY}),
    Row(
        "E3 type and length as they came",
        {"CONTENT_TYPE": "text/plain; charset=utf-8", "CONTENT_LENGTH": "3", "REQUEST_METHOD": "POST"},
        {"CONTENT_TYPE": "text/plain; charset=utf-8", "CONTENT_LENGTH": "3"},
    ),
    Row(
        "E3 type and length may be absent",
        {"CONTENT_TYPE": None, "CONTENT_LENGTH": None},
        {"CONTENT_TYPE": EMPTY, "CONTENT_LENGTH": EMPTY},
    ),
    Row(
        "E3 type and length may be empty",
        {"CONTENT_TYPE": "", "CONTENT_LENGTH": ""},
        {"CONTENT_TYPE": EMPTY, "CONTENT_LENGTH": EMPTY},
    ),
    Row(
        "E4 name and port of the server as they came",
        {"SERVER_NAME": "srv.example", "SERVER_PORT": "8443"},
        {"SERVER_NAME": "srv.example", "SERVER_PORT": "8443"},
    ),
    Row("E5 HTTP/1.0", {"SERVER_PROTOCOL": "HTTP/1.0"}, {"SERVER_PROTOCOL": "HTTP/1.0"}),
    Row("E5 HTTP/2.0", {"SERVER_PROTOCOL": "HTTP/2.0"}, {"SERVER_PROTOCOL": "HTTP/2.0"}),
    Row("E5 HTTP/3.0", {"SERVER_PROTOCOL": "HTTP/3.0"}, {"SERVER_PROTOCOL": "HTTP/3.0"}),
    Row(
        "E5 an unknown protocol",
        {"SERVER_PROTOCOL": "INCLUDED"},
        # What Apache's mod_include and CGI (RFC 3875 section 4.1.16) send for a document that includes another.
        {"SERVER_PROTOCOL": "INCLUDED"},
    ),
    Row(
        "E5 an absent protocol is HTTP/1.1",
        {"SERVER_PROTOCOL": None},
        {"SERVER_PROTOCOL": "HTTP/1.1"},
    ),
    Row("E6 headers as they came", {"HTTP_X_NAME": " a, b "}, {"HTTP_X_NAME": " a, b "}),
    Row("E6 an empty header", {"HTTP_X_EMPTY": ""}, {"HTTP_X_EMPTY": ""}),
    Row("E6 an absent header", {"HTTP_HOST": None}, {"HTTP_HOST": ABSENT, "HTTP_CONNECTION": ABSENT}),
    Row(
        "E6 HTTP_CONTENT_ vars change nothing",
        {"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/plain", "HTTP_CONTENT_LENGTH": "2", "HTTP_CONTENT_TYPE": "evil"},
        {"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/plain"},
        # gunicorn 27.0.1 overwrites CONTENT_LENGTH and CONTENT_TYPE with them.
        plain=True,
    ),
    Row(
        "E6 a header that comes twice is joined",
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1, 192.0.2.2"},
        # With gunicorn 27.0.1 and uWSGI 2.0.31 the last counts.
        then=[("HTTP_X_FORWARDED_FOR", "192.0.2.2")],
    ),
    Row(
        # RFC 9113 section 8.2.3: cookies that come apart are joined with a semicolon and a space.
        "E6 cookies that come twice are joined with a semicolon",
        {"HTTP_COOKIE": "a=1"},
        {"HTTP_COOKIE": "a=1; b=2; c=3"},
        # With gunicorn 27.0.1 and uWSGI 2.0.31 the last counts.
        then=[("HTTP_COOKIE", "b=2"), ("HTTP_COOKIE", "c=3")],
    ),
    Row(
        "E6 of a header that may stand once the last counts",
        {"HTTP_HOST": "first.example", "HTTP_AUTHORIZATION": "Basic Zmlyc3Q="},
        {"HTTP_HOST": "last.example", "HTTP_AUTHORIZATION": "Basic bGFzdA=="},
        then=[("HTTP_HOST", "last.example"), ("HTTP_AUTHORIZATION", "Basic bGFzdA==")],
    ),
    Row(
        # nginx sends a var twice where `uwsgi_param` sets it again after `include uwsgi_params`.
        "E7 of other vars that come twice the last counts",
        {"REMOTE_ADDR": "192.0.2.1", "SERVER_NAME": "first"},
        {"REMOTE_ADDR": "192.0.2.2", "SERVER_NAME": "last"},
        then=[("REMOTE_ADDR", "192.0.2.2"), ("SERVER_NAME", "last")],
    ),
    Row(
        "E7 all other vars",
        {
            "REMOTE_ADDR": "198.51.100.9",
            "REMOTE_PORT": "1234",
            "REMOTE_USER": "ada",
            "HTTPS": "on",
            "SSL_PROTOCOL": "TLSv1.3",
            "SSL_CLIENT_S_DN": "CN=ada,O=example",
            "DOCUMENT_ROOT": "/srv",
            "CUSTOM": "a value",
            "custom_lower": "",
        },
        {
            "REMOTE_ADDR": "198.51.100.9",
            "REMOTE_PORT": "1234",
            "REMOTE_USER": "ada",
            "HTTPS": "on",
            "SSL_PROTOCOL": "TLSv1.3",
            "SSL_CLIENT_S_DN": "CN=ada,O=example",
            "DOCUMENT_ROOT": "/srv",
            "CUSTOM": "a value",
            "custom_lower": "",
        },
    ),
    Row("E7 missing vars are left out", {}, {"REMOTE_USER": ABSENT, "HTTPS": ABSENT, "AUTH_TYPE": ABSENT}),
    Row(
        "E8 no var of the packet gives a wsgi variable",
        {
            "wsgi.version": "1.0",
            "wsgi.input": "none",
            "wsgi.file_wrapper": "none",
            "wsgi.multithread": "x",
            "wsgi.new": "x",
            "wsgi.url_scheme": "https",
        },
        {"wsgi.version": ABSENT, "wsgi.input": ABSENT, "wsgi.file_wrapper": ABSENT, "wsgi.new": ABSENT},
        # uWSGI 2.0.31 passes on what it does not set itself.
    ),
    Row(
        "E8 no var of the packet that steers uWSGI",
        {"UWSGI_SCRIPT": "evil", "UWSGI_CHDIR": "/", "UWSGI_SCHEME": "https", "REQUEST_SCHEME": None},
        {"UWSGI_SCRIPT": ABSENT, "UWSGI_CHDIR": ABSENT, "UWSGI_SCHEME": ABSENT, "wsgi.url_scheme": "https"},
        # uWSGI 2.0.31 passes them on, and gunicorn 27.0.1 does not look at UWSGI_SCHEME.
    ),
    Row(
        "E9 values above ASCII are latin-1",
        {"HTTP_X_NAME": bytes(range(0x80, 0x100)), "CUSTOM": b"\xe2\x82\xac"},
        {"HTTP_X_NAME": bytes(range(0x80, 0x100)).decode("latin-1"), "CUSTOM": "\xe2\x82\xac"},
    ),
    Row(
        "E9 a key above ASCII",
        {"HTTP_CAF\xc9": "x"},
        {"HTTP_CAF\xc9": "x"},
    ),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_row(row: Row, shared: Start) -> None:
    server = shared("environment:plain" if row.plain else "environment:app")
    pairs = [*{**vars_of("/"), **row.vars}.items(), *row.then]
    body = b"abc" if row.vars.get("CONTENT_LENGTH") == "3" else b""
    seen = environ_of(server, [(key, value) for key, value in pairs if value is not None], body)
    strings = seen["strings"]
    for key, value in row.expected.items():
        if value == EMPTY:
            assert strings.get(key, "") == "", key
        elif value is ABSENT:
            assert key not in strings, key
        else:
            assert strings.get(key) == value, key
    assert seen["body"] == body.decode()
    assert seen["type"] == "<class 'dict'>"
    assert seen["bad keys"] == []


# uWSGI 2.0.31 looks at HTTPS (on or 1), UWSGI_SCHEME and X-Forwarded-Proto. gunicorn 27.0.1 does not look at REQUEST_SCHEME.
SCHEMES: list[tuple[str, dict[str, Text], str]] = [
    ("nothing said", {"REQUEST_SCHEME": ""}, "http"),
    ("REQUEST_SCHEME", {"REQUEST_SCHEME": "https"}, "https"),
    ("REQUEST_SCHEME that is neither", {"REQUEST_SCHEME": "gopher"}, "http"),
    ("HTTPS is on", {"HTTPS": "on"}, "https"),
    ("HTTPS is ON", {"HTTPS": "ON"}, "https"),
    ("HTTPS is 1", {"HTTPS": "1"}, "https"),
    ("HTTPS is true", {"HTTPS": "true"}, "https"),
    ("HTTPS is off", {"HTTPS": "off"}, "http"),
    ("HTTPS is empty", {"HTTPS": ""}, "http"),
    ("HTTPS is off and REQUEST_SCHEME says https", {"HTTPS": "off", "REQUEST_SCHEME": "https"}, "https"),
    ("UWSGI_SCHEME", {"REQUEST_SCHEME": "", "UWSGI_SCHEME": "https"}, "https"),
    ("wsgi.url_scheme", {"REQUEST_SCHEME": "", "wsgi.url_scheme": "https"}, "https"),
    ("what a client says", {"HTTP_X_FORWARDED_PROTO": "https"}, "http"),
]


@pytest.mark.parametrize(
    ("vars", "scheme"),
    [pytest.param(pairs, scheme, id=name) for name, pairs, scheme in SCHEMES],
)
def test_e8_scheme(vars: dict[str, Text], scheme: str, shared: Start) -> None:
    seen = environ_of(shared("environment:plain"), {**vars_of("/"), **vars})
    assert seen["strings"]["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize("given", ["", None], ids=["empty", "absent"])
@pytest.mark.parametrize(
    ("transport", "more", "port"),
    [
        pytest.param("unix", {}, "80", id="unix http"),
        pytest.param("unix", {"HTTPS": "on"}, "443", id="unix https"),
        pytest.param("tcp", {}, None, id="tcp http"),
        pytest.param("tcp", {"HTTPS": "on"}, None, id="tcp https"),
    ],
)
def test_e4_server_name_and_port(
    given: str | None, transport: str, more: dict[str, Text], port: str | None, shared: Start
) -> None:
    """The listener gives what the packet does not. A Unix socket has no name and no port: the scheme decides."""
    server = shared("environment:app", transport=transport)
    seen = environ_of(server, vars_of("/", SERVER_NAME=given, SERVER_PORT=given, HTTP_HOST=None, **more))["strings"]
    name = f"localhost:{port}" if port else server.address
    assert f"{seen['SERVER_NAME']}:{seen['SERVER_PORT']}" == name


@pytest.mark.parametrize(
    "threads",
    [
        pytest.param(1, id="one thread"),
        pytest.param(2, id="two threads"),
    ],
)
def test_e8_wsgi_variables(threads: int, shared: Start) -> None:
    seen = environ_of(shared("environment:app", "--threads", str(threads)), vars_of("/"))
    others = seen["others"]
    assert others["wsgi.version"] == "(1, 0)"
    assert others["wsgi.multithread"] == str(threads > 1)
    assert others["wsgi.multiprocess"] == "False"
    assert others["wsgi.run_once"] == "False"
    # A widely used extension: the stream ends where the body ends, so that no CONTENT_LENGTH is needed (Werkzeug, gunicorn).
    assert others["wsgi.input_terminated"] == "True"
    assert "wsgi.errors" in others
    assert "wsgi.file_wrapper" in others


def test_e7_nothing_else(shared: Start) -> None:
    """The application sees the vars of the packet, and besides only what PEP 3333 requires."""
    required = {
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "PATH_INFO",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "QUERY_STRING",
    }
    seen = environ_of(shared("environment:app"), {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_A": "1"})
    extra = {key for key in seen["strings"] | seen["others"] if not key.startswith(("wsgi.", "uwsgi_wsgi."))}
    assert extra - required == {"HTTP_X_A"}


def test_e1_empty_method(shared: Start) -> None:
    """A method that is there and empty is an error of the front end."""
    assert exchange(shared("environment:app").address, vars_of("/", REQUEST_METHOD="")).code == 400


def test_l5_new_environ_for_each_request(shared: Start) -> None:
    """The application before has emptied and changed its environ. Neither the server nor the next request minds."""
    server = shared("environment:app")
    first = environ_of(server, vars_of("/"))
    environ_of(server, vars_of("/", HTTP_X_CLEAR="1"))
    second = environ_of(server, vars_of("/"))
    assert "left.behind" not in second["strings"]
    assert second["strings"] == first["strings"]
    assert second["others"].keys() == first["others"].keys()


def test_l5_vars_of_another_request(shared: Start) -> None:
    """No var of one request is in the environ of the next."""
    server = shared("environment:app")
    environ_of(server, vars_of("/", HTTP_X_SECRET="1", REMOTE_USER="ada", HTTPS="on"))
    seen = environ_of(server, vars_of("/"))["strings"]
    assert not {"HTTP_X_SECRET", "REMOTE_USER", "HTTPS"} & seen.keys()
    assert seen["wsgi.url_scheme"] == "http"


def test_e6_many_names(shared: Start) -> None:
    """Header names that no server can know beforehand, more than a server would keep in a table."""
    server = shared("environment:app")
    for batch in range(5):
        names = {f"HTTP_X_{batch}_{number}": f"value {number}" for number in range(800)}
        seen = environ_of(server, {**vars_of("/"), **names})["strings"]
        assert {key: value for key, value in seen.items() if key.startswith("HTTP_X_")} == names


def test_e7_environment_of_the_process(shared: Start) -> None:
    """Nothing of the process's environment is in the environ: it can hold secrets, and pages show the environ in errors."""
    seen = environ_of(shared("environment:plain"), {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})["strings"]
    assert "PATH" in os.environ
    assert not {"PATH", "HOME", "PYTHONPATH"} & seen.keys()


@pytest.mark.parametrize("form", ["function", "instance", "AppClass", "bound_method", "partial"])
def test_l5_callables(form: str, shared: Start) -> None:
    """An application is a function, a method, a class, an instance with `__call__`; a server only calls it."""
    answer = exchange(shared(f"callables:{form}").address, vars_of("/"))
    assert (answer.status, answer.body) == ("200 OK", form.encode())
