"""Tests of bodies behind a real nginx: what nginx's own tests check (uwsgi_body.t, scgi_extra_data.t and scgi_request_buffering.t
of nginx-tests, July 2026; scgi and uwsgi share this code), streams, and clients that go away."""

from __future__ import annotations

import http.client
import socket

import pytest

from behind_nginx import BUFFERING, LARGE, browser, nginx, server
from browser import Browser
from client import PATIENCE
from conftest import Events, Gate
from nginx import Nginx

__all__ = ["browser", "nginx", "server"]


# --- nginx's uwsgi_body.t and scgi_request_buffering.t


@pytest.mark.parametrize(
    "location", ["/if-not-empty", "/unbuffered", ""], ids=["if_not_empty", "unbuffered", "buffered"]
)
@pytest.mark.parametrize(
    ("body", "length"),
    [
        pytest.param(None, None, id="no body"),
        pytest.param(b"foobar", "6", id="6 bytes"),
        pytest.param(b"", "0", id="0 bytes"),
        pytest.param([b"foo", b"bar"], "6", id="chunked"),
        pytest.param([], "0", id="chunked and empty"),
    ],
)
def test_length_of_the_body(
    location: str, body: bytes | list[bytes] | None, length: str | None, browser: Browser
) -> None:
    """nginx counts a chunked body before it sends the head, also without buffering: uwsgi has no chunks."""
    seen = browser.request("POST" if body is not None else "GET", location + "/length", body).json
    expected = b"".join(body) if isinstance(body, list) else body or b""
    assert seen["body"] == expected.decode()
    # nginx sends an empty CONTENT_LENGTH for a request without one, unless it is told not to.
    assert (seen["length"] or None) == length
    if location == "/if-not-empty":
        assert seen["length"] == length


# --- nginx's scgi_extra_data.t: an answer that is longer or shorter than its length says


@BUFFERING
def test_answer_longer_than_its_length(buffering: str, browser: Browser) -> None:
    reply = browser.get(buffering + "/declared/8/20")
    assert (reply.status, reply.body) == (200, b"xxxxxxxx")
    assert browser.get("/id/1").text == "1"


@BUFFERING
@pytest.mark.parametrize("size", [8, 0])
def test_answer_shorter_than_its_length(buffering: str, size: int, browser: Browser) -> None:
    """The client must see that bytes are missing."""
    response = browser.begin("GET", f"{buffering}/declared/100/{size}")
    if response.status == 200:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
    else:
        # No byte had left the server.
        assert (size, response.status) in ((0, 500), (0, 502))


@pytest.mark.parametrize("size", [0, 8, 20, 100])
@BUFFERING
def test_head_of_an_answer_with_another_length(buffering: str, size: int, browser: Browser) -> None:
    reply = browser.request("HEAD", f"{buffering}/declared/20/{size}")
    assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "20", b"")
    assert browser.get("/id/1").text == "1"


@BUFFERING
def test_answer_of_no_bytes_that_has_some(buffering: str, browser: Browser) -> None:
    reply = browser.get(buffering + "/declared/0/8")
    assert (reply.status, reply.body) == (200, b"")
    assert browser.get("/id/1").text == "1"


# --- streams, and clients that go away


def test_event_stream(browser: Browser, gate: Gate) -> None:
    """The first event is with the client before the application makes the second one."""
    response = browser.begin("GET", "/events", headers={"X-Gate": gate.path})
    assert response.read1() == b"data: 1\n\n"
    gate.open()
    assert response.read() == b"data: 2\n\n"


@pytest.mark.parametrize("path", ["/endless", "/events"])
def test_client_that_goes_away(path: str, nginx: Nginx, events: Events, gate: Gate) -> None:
    """nginx closes its connection when the client closes its own (`uwsgi_ignore_client_abort off`), and the answer is closed."""
    with Browser(nginx.port) as browser:
        response = browser.begin("GET", path, headers={"X-Events": events.path, "X-Gate": gate.path})
        assert response.read1(9)
        response.close()
    gate.open()
    events.wait_for("closed")


def test_upload_that_nobody_reads(browser: Browser) -> None:
    """nginx still sends when the answer is there. A server that closes at once, as uWSGI and gunicorn do,
    resets the connection: 502."""
    for buffering in ("", "/unbuffered"):
        reply = browser.request("POST", buffering + "/unread", LARGE * 4)
        assert (reply.status, reply.body) == (200, b"not read")


def test_upload_that_breaks_off(nginx: Nginx, events: Events) -> None:
    """Without buffering nginx sends the body as it comes. The client breaks off: the application must not see a whole body, as
    with gunicorn 27.0.1."""
    head = "POST /unbuffered/watched HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", nginx.port), PATIENCE) as client:
            client.sendall(f"{head}X-Events: {events.path}\r\n\r\n".encode() + bytes(100000))
        assert events.next() == "OSError"
    with Browser(nginx.port) as browser:
        assert browser.get("/id/1").text == "1"
