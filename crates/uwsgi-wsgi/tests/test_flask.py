"""A Flask site behind nginx, at the root and below a mount."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from browser import Browser
from conftest import Gate, Start
from nginx import PARAMS, Nginx
from server import Server

LOCATIONS = """
location / {{ uwsgi_pass {address}; }}
# A mount, as docs/front-ends.md shows it.
location /mounted/ {{
    rewrite ^/mounted(/.*) $1 break;
    include {params};
    uwsgi_param SCRIPT_NAME /mounted;
    uwsgi_pass {address};
}}
location /unbuffered/ {{
    rewrite ^/unbuffered(/.*) $1 break;
    uwsgi_request_buffering off;
    uwsgi_buffering off;
    uwsgi_pass {address};
}}
"""
# What the application sends at /file and at /large.
CONTENT = bytes(number % 251 for number in range(200_000))
LARGE = bytes(number % 249 for number in range(1 << 20)) * 20


@pytest.fixture(scope="module")
def server(shared: Start) -> Server:
    return shared("flask_site:app")


@pytest.fixture(scope="module")
def nginx(server: Server, short_directory: Path) -> Iterator[Nginx]:
    directory = Path(tempfile.mkdtemp(dir=short_directory))
    nginx = Nginx(directory, LOCATIONS.format(address=server.address, params=PARAMS))
    yield nginx
    nginx.stop()


@pytest.fixture
def browser(nginx: Nginx) -> Iterator[Browser]:
    with Browser(nginx.port) as browser:
        yield browser


def test_page(browser: Browser) -> None:
    reply = browser.get("/")
    assert (reply.status, reply.text) == (200, "Hello from Flask!")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"


def test_path_beyond_ascii(browser: Browser) -> None:
    """gunicorn 27.0.1 decodes PATH_INFO again, and drops REMOTE_ADDR."""
    assert browser.get("/hello/" + quote("Zo\xeb \u20ac %41")).text == "Hello, Zo\xeb \u20ac %41!"
    assert browser.get("/where").json["address"] == "127.0.0.1"


def test_form(browser: Browser) -> None:
    reply = browser.post_form("/form", {"name": "Ada & Zo\xeb", "empty": "", "plus": "1+1"})
    assert reply.json == {"name": ["Ada & Zo\xeb"], "empty": [""], "plus": ["1+1"]}


def test_upload_of_a_file(browser: Browser) -> None:
    body = (
        b'--limit\r\nContent-Disposition: form-data; name="comment"\r\n\r\nsome text\r\n'
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename="content.bin"\r\n'
        b"Content-Type: application/x-test\r\n\r\n" + CONTENT + b"\r\n--limit--\r\n"
    )
    reply = browser.request("POST", "/upload", body, {"Content-Type": "multipart/form-data; boundary=limit"})
    assert reply.json == {
        "name": "content.bin",
        "type": "application/x-test",
        "size": len(CONTENT),
        "digest": hashlib.sha256(CONTENT).hexdigest(),
        "comment": "some text",
    }


@pytest.mark.parametrize("mount", ["", "/mounted"], ids=["root", "mounted"])
def test_session(mount: str, browser: Browser) -> None:
    assert browser.get(mount + "/account").status == 401
    reply = browser.post_form(mount + "/login", {"name": "ada"})
    assert (reply.status, reply.headers["Location"]) == (303, mount + "/account")
    assert browser.get(mount + "/account").text == "logged in as ada"
    browser.post_form(mount + "/logout", {})
    assert browser.get(mount + "/account").status == 401


def test_stream(browser: Browser, gate: Gate) -> None:
    """The first row arrives before the view makes the last one. The generator still has its request."""
    response = browser.begin("GET", "/stream?name=ada", headers={"X-Gate": gate.path})
    assert response.read1() == b"first row for ada\n"
    gate.open()
    assert response.read() == b"last row\n"


@pytest.mark.parametrize("buffering", ["", "/unbuffered"], ids=["buffered", "unbuffered"])
def test_twenty_megabytes_up(buffering: str, browser: Browser) -> None:
    reply = browser.request("PUT", buffering + "/large", LARGE)
    assert reply.json == {"size": len(LARGE), "digest": hashlib.sha256(LARGE).hexdigest()}


@pytest.mark.parametrize("buffering", ["", "/unbuffered"], ids=["buffered", "unbuffered"])
def test_twenty_megabytes_down(buffering: str, browser: Browser) -> None:
    assert browser.get(buffering + "/large").body == LARGE


@pytest.mark.parametrize("path", ["/file", "/file-in-memory"])
def test_file(path: str, browser: Browser) -> None:
    reply = browser.get(path)
    assert (reply.status, reply.headers["Content-Length"]) == (200, str(len(CONTENT)))
    assert reply.body == CONTENT
    head = browser.request("HEAD", path)
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(CONTENT)), b"")


@pytest.mark.parametrize(
    ("range_", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-199", 100, 200),
        ("bytes=199990-", 199_990, 200_000),
        ("bytes=-5", 199_995, 200_000),
        ("bytes=70000-190000", 70_000, 190_001),
    ],
)
def test_range_of_a_file(range_: str, start: int, end: int, browser: Browser) -> None:
    """nginx passes Range on and does not cut the answer itself: it is a partial answer already."""
    reply = browser.get("/file", {"Range": range_})
    assert (reply.status, reply.headers["Content-Range"]) == (206, f"bytes {start}-{end - 1}/{len(CONTENT)}")
    assert reply.body == CONTENT[start:end]


def test_range_of_a_changed_file(browser: Browser) -> None:
    tag = browser.get("/file").headers["ETag"]
    assert browser.get("/file", {"Range": "bytes=0-9", "If-Range": tag}).status == 206
    reply = browser.get("/file", {"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (reply.status, reply.body) == (200, CONTENT)
    assert browser.get("/file", {"Range": "bytes=200000-"}).status == 416


def test_file_that_the_client_has(browser: Browser) -> None:
    tag = browser.get("/file").headers["ETag"]
    reply = browser.get("/file", {"If-None-Match": tag})
    assert (reply.status, reply.body) == (304, b"")
    assert browser.get("/").status == 200


def test_blueprint(browser: Browser) -> None:
    assert browser.get("/shop/items/3").text == "item 3 at /shop/items/3"
    reply = browser.get("/shop/missing")
    assert (reply.status, reply.text) == (404, "the shop has no such item")


def test_blueprint_below_a_mount(browser: Browser, nginx: Nginx) -> None:
    """gunicorn 27.0.1 drops the var SCRIPT_NAME."""
    assert browser.get("/mounted/shop/items/3").text == "item 3 at /mounted/shop/items/3"
    seen = browser.get("/mounted/where?a=b", {"Host": "localhost"}).json
    assert seen["url"] == "http://localhost/mounted/where?a=b"
    assert (seen["root"], seen["path"], seen["item"]) == ("/mounted", "/where", "/mounted/shop/items/7")


def test_errors(browser: Browser, server: Server) -> None:
    assert browser.get("/nothing").status == 404
    assert browser.get("/form").status == 405
    server.begin_log()
    reply = browser.get("/fails")
    assert (reply.status, "Internal Server Error" in reply.text) == (500, True)
    # Flask logs the exception itself, on standard error.
    server.wait_for_log("RuntimeError: the view fails on purpose")
