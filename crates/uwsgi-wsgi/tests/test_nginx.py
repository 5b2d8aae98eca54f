"""Tests behind a real nginx: the tests that gunicorn 27.0.1 has for uwsgi (tests/docker/uwsgi), and what nginx's own tests check
of `uwsgi_pass` (uwsgi.t and uwsgi_ssl.t of nginx-tests, July 2026)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import quote

import pytest

from behind_nginx import BUFFERING, LARGE, browser, nginx, server
from browser import Browser
from nginx import Nginx
from server import Server

__all__ = ["browser", "nginx", "server"]

# --- gunicorn's group "basic"


def test_get(browser: Browser) -> None:
    """The whole body is compared: chunk markers around it, which gunicorn 25 sent, would hide in a search for the text."""
    reply = browser.get("/")
    assert (reply.status, reply.reason, reply.body) == (200, "OK", b"Hello from behind nginx!\n")


def test_query(browser: Browser) -> None:
    assert browser.get("/query?foo=bar&baz=qux").json == {"foo": ["bar"], "baz": ["qux"]}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"name=value", "application/x-www-form-urlencoded", id="form"),
        pytest.param(b'{"key": ["value", 1]}', "application/json", id="json"),
        pytest.param(LARGE[: 100 << 10], "application/octet-stream", id="100 KiB"),
    ],
)
@BUFFERING
def test_echo(buffering: str, body: bytes, kind: str, browser: Browser) -> None:
    reply = browser.request("POST", buffering + "/echo", body, {"Content-Type": kind})
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, body, kind)


# --- gunicorn's groups "headers" and "environ"


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        pytest.param(
            {"X-Custom-Header": "one", "X-Another": "two"},
            {"HTTP_X_CUSTOM_HEADER": "one", "HTTP_X_ANOTHER": "two"},
            id="custom headers",
        ),
        pytest.param({"Host": "shop.example"}, {"HTTP_HOST": "shop.example"}, id="host"),
        pytest.param(
            {"Content-Type": "application/x-custom-type"}, {"CONTENT_TYPE": "application/x-custom-type"}, id="type"
        ),
        pytest.param({"User-Agent": "test/1.0"}, {"HTTP_USER_AGENT": "test/1.0"}, id="user agent"),
        pytest.param(
            {"X-Large": "v" * 4096},
            {"HTTP_X_LARGE": "v" * 4096},
            id="4 KiB",
        ),
        pytest.param({"X-Name": "caf\xe9"}, {"HTTP_X_NAME": "caf\xe9"}, id="latin-1"),
    ],
)
def test_header(headers: dict[str, str], seen: dict[str, str], browser: Browser) -> None:
    environ = browser.get("/environ", headers).json
    assert {key: environ.get(key) for key in seen} == seen


def test_environ(browser: Browser) -> None:
    environ = browser.get("/environ/path?a=b").json
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["PATH_INFO"] == "/environ/path"
    assert environ["QUERY_STRING"] == "a=b"
    assert environ["REQUEST_URI"] == "/environ/path?a=b"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["wsgi.url_scheme"] == "http"


def test_environ_of_the_front_end(browser: Browser, nginx: Nginx) -> None:
    """gunicorn 27.0.1 drops all vars but those of headers."""
    environ = browser.get("/shop/environ").json
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(nginx.port)
    assert environ["REMOTE_USER"] == "ada"
    assert environ["CUSTOM"] == "a value"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/shop", "/environ")


def test_content_headers(browser: Browser) -> None:
    """nginx sends the length and the type twice: as CONTENT_LENGTH, and as a header of the client. RFC 3875 section 4.1.18: a
    header that is there in another variable should be left out, and wsgiref.validate refuses an environ that has both.
    """
    environ = browser.request("POST", "/environ", b"12345", {"Content-Type": "text/x-test"}).json
    assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("5", "text/x-test")
    assert not {"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"} & environ.keys()


def test_environ_of_a_post(browser: Browser) -> None:
    environ = browser.request("POST", "/environ", b"12345").json
    assert (environ["REQUEST_METHOD"], environ["CONTENT_LENGTH"]) == ("POST", "5")


def test_path_is_decoded_once(browser: Browser) -> None:
    """nginx has decoded the path. A server that decodes it again, as gunicorn 27.0.1, serves what a location of nginx forbids."""
    assert browser.get("/environ/admin").status == 403
    reply = browser.get("/environ/%2561dmin")
    assert reply.json["PATH_INFO"] == "/environ/%61dmin"


@pytest.mark.parametrize("path", ["/environ/caf\xe9", "/environ/a b", "/environ/%25", "/environ/?", "/environ/\u20ac"])
def test_path_in_bytes(path: str, browser: Browser) -> None:
    """PEP 3333, "Unicode Issues": a path is the bytes of the URL as latin-1."""
    assert browser.get(quote(path)).json["PATH_INFO"] == path.encode().decode("latin-1")


# --- gunicorn's group "keep-alive"


def test_requests_of_one_client_connection(browser: Browser) -> None:
    for number in range(5):
        assert browser.get(f"/id/{number}").text == str(number)


def test_requests_in_turns(browser: Browser) -> None:
    for number in range(2):
        assert browser.get(f"/id/{number}").text == str(number)
        assert browser.request("POST", "/echo", b"body").body == b"body"


# --- gunicorn's group "errors"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 503])
def test_error(status: int, browser: Browser) -> None:
    reply = browser.get(f"/error/{status}")
    assert (reply.status, reply.reason, reply.json) == (status, HTTPStatus(status).phrase, {"error": status})


def test_unknown_path(browser: Browser) -> None:
    reply = browser.get("/a/path/with/slashes/")
    assert (reply.status, reply.json) == (404, {"error": 404, "path": "/a/path/with/slashes/"})


def test_application_that_fails(browser: Browser, server: Server) -> None:
    """uWSGI 2.0.31 closes the connection without an answer."""
    server.begin_log()
    assert browser.get("/fails").status == 500
    server.wait_for_log("RuntimeError: the application fails on purpose")


# --- gunicorn's groups "large", "concurrency" and "special"


@BUFFERING
def test_large_answer(buffering: str, browser: Browser) -> None:
    reply = browser.get(buffering + "/large")
    assert (reply.status, reply.headers["Content-Length"]) == (200, str(len(LARGE)))
    assert reply.body == LARGE


def test_parallel_gets(nginx: Nginx) -> None:
    def fetch(number: int) -> str:
        with Browser(nginx.port) as browser:
            return browser.get(f"/id/{number}").text

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(fetch, range(200))) == [str(number) for number in range(200)]


def test_parallel_gets_and_posts(nginx: Nginx) -> None:
    def fetch(number: int) -> bytes:
        with Browser(nginx.port) as browser:
            if number % 2:
                return browser.get(f"/id/{number}").body
            return browser.request("POST", "/echo", b"%d" % number).body

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(fetch, range(200))) == [b"%d" % number for number in range(200)]


@pytest.mark.parametrize("body", [b"", bytes(range(256))], ids=["empty", "all bytes"])
@BUFFERING
def test_special_body(buffering: str, body: bytes, browser: Browser) -> None:
    reply = browser.request("POST", buffering + "/echo", body)
    assert (reply.status, reply.body) == (200, body)


# --- nginx's uwsgi.t and uwsgi_ssl.t


def test_head(browser: Browser) -> None:
    reply = browser.request("HEAD", "/")
    assert (reply.status, reply.body) == (200, b"")
    # The connection to nginx still works: no byte of a body came after the head.
    assert browser.get("/id/1").text == "1"


def test_head_of_a_large_answer(browser: Browser) -> None:
    reply = browser.request("HEAD", "/large")
    assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, str(len(LARGE)), b"")


def test_header_that_the_front_end_sets(browser: Browser) -> None:
    """A header that is also a param: nginx sends only the param."""
    environ = browser.get("/blah/environ", [("X-Blah", f"of the client {number}") for number in range(19)]).json
    assert environ["HTTP_X_BLAH"] == "of the front end"


@pytest.mark.parametrize("upstream", ["address", "name"])
def test_upstream_in_a_variable(upstream: str, browser: Browser, server: Server) -> None:
    to = server.address if upstream == "address" else "named"
    assert browser.get(f"/by-variable?to={to}").body == b"Hello from behind nginx!\n"


@pytest.mark.parametrize(
    ("name", "values", "joined"),
    [
        ("X-Forwarded-For", ["foo", "bar", "bazz"], "foo, bar, bazz"),
        ("Cookie", ["foo", "bar", "bazz"], "foo; bar; bazz"),
        ("Foo", ["foo", "bar", "bazz"], "foo, bar, bazz"),
    ],
)
def test_header_that_comes_three_times(name: str, values: list[str], joined: str, browser: Browser) -> None:
    """nginx before 1.23 sends such a header as several vars of one name, of which uWSGI and gunicorn take the last. Later ones join
    the values."""
    environ = browser.get("/environ", [(name, value) for value in values]).json
    assert environ["HTTP_" + name.upper().replace("-", "_")] == joined


@pytest.mark.parametrize("size", [0, 10, 10240])
def test_body_that_the_front_end_keeps(size: int, browser: Browser) -> None:
    reply = browser.request("POST", "/without-body/length", b"x" * size)
    assert (reply.status, reply.json["body"]) == (200, "")
