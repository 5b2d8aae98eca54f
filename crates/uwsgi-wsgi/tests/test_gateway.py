"""Tests with `uwsgictl gateway` as the front end: it takes HTTP, and asks this server at a Unix socket and over TCP.

UWSGICTL names the command; otherwise it is the one that cargo has built.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from browser import Browser, Reply
from client import PATIENCE
from conftest import Start
from server import Output, Server

ROOT = Path(__file__).parents[3]
UWSGICTL = os.environ.get("UWSGICTL", str(ROOT / "target/debug/uwsgictl"))
APPLICATION = ROOT / "tests/src/programs/inspector.py"
# A missing, doubled or exchanged part of any usual size shows in these bytes.
LARGE = (bytes(number * 167 % 256 for number in range(999_983)) * 21)[:20_000_000]
# `tests/tests/gateway_peers` has the other servers.
ONLY_OURS = True
MODES = [(), ("--stream-bodies",), ("--stream-answers",), ("--stream-bodies", "--stream-answers")]


@contextmanager
def gateway(server: Server, *options: str) -> Iterator[int]:
    """Starts a gateway in front of this server, and gives its port."""
    command = [UWSGICTL, "gateway", "--http", "127.0.0.1:0", "--http-to", server.address, *options]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    stderr = Output(process.stderr)
    try:
        yield int(stderr.wait_for(r"listening at http://127\.0\.0\.1:(\d+)")[1])
        process.terminate()
        assert process.wait(PATIENCE) == 0, stderr.text
    finally:
        process.kill()
        process.wait(PATIENCE)
        stderr.wait_for_end()


@pytest.fixture
def server(shared: Start, transport: str) -> Server:
    return shared(str(APPLICATION), "--threads", "4", transport=transport)


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    with gateway(server) as port:
        yield port


def environ_of(reply: Reply) -> dict[str, str]:
    assert reply.status == 200
    return dict(reply.json["vars"])


def check_body(reply: Reply, body: bytes) -> None:
    """The application has read this body, and its length was CONTENT_LENGTH."""
    environ = environ_of(reply)
    assert environ["CONTENT_LENGTH"] == str(len(body))
    assert "HTTP_TRANSFER_ENCODING" not in environ
    assert reply.json["body"] == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_requests_over_one_connection(port: int) -> None:
    with Browser(port) as browser:
        environ = environ_of(browser.get("/a%20b/c%2Fd/../%C3%A9?q=1&r=%20", {"Host": "app.example"}))
        connection: Any = browser._connection
        first = connection.sock
        assert environ["PATH_INFO"].encode("latin-1").decode() == "/a b/c/\xe9"
        assert environ["QUERY_STRING"] == "q=1&r=%20"
        assert environ["REQUEST_URI"] == "/a%20b/c%2Fd/../%C3%A9?q=1&r=%20"
        assert environ["HTTP_HOST"] == "app.example"
        assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("127.0.0.1", str(first.getsockname()[1]))

        cookies = [("Cookie", "a=1; b=2"), ("X-Other", "1"), ("Cookie", "c=3")]
        assert environ_of(browser.get("/", cookies))["HTTP_COOKIE"] == "a=1; b=2; c=3"
        for size in (0, 1, 65_535, 65_536, 65_537):
            check_body(browser.request("POST", "/", LARGE[:size]), LARGE[:size])
            pieces = [LARGE[at : min(at + 4095, size)] for at in range(0, size, 4095)]
            check_body(browser.request("POST", "/", pieces), LARGE[:size])

        head = browser.request("HEAD", "/bytes/1000")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "1000", b"")
        for status in (204, 304):
            reply = browser.get(f"/status/{status}")
            assert (reply.status, reply.headers["Transfer-Encoding"], reply.body) == (status, None, b"")
        streamed = browser.get("/stream/100000?chunk=777")
        assert streamed.headers["Transfer-Encoding"] == "chunked"
        assert streamed.body == bytes(at % 256 for at in range(100_000))
        assert connection.sock is first, "the gateway has closed the connection"


def test_20_mb(port: int) -> None:
    with Browser(port) as browser:
        check_body(browser.request("POST", "/", LARGE), LARGE)
        check_body(browser.request("POST", "/", iter([LARGE[:7_000_001], LARGE[7_000_001:]])), LARGE)
        reply = browser.get("/bytes/20000000")
        assert hashlib.sha256(reply.body).digest() == hashlib.sha256(bytes(range(256)) * 78_125).digest()


@pytest.mark.parametrize("options", MODES, ids=lambda options: " ".join(options) or "buffered")
def test_early_answers(options: tuple[str, ...], server: Server) -> None:
    """nginx cuts such an echo off, and an answer of an application that does not read can be lost in a reset."""
    with gateway(server, *options) as port:
        assert post_while_reading(port, "/echo", LARGE[:5_000_000]) == (200, LARGE[:5_000_000])
        for _ in range(3):
            assert post_while_reading(port, "/status/403", LARGE[:3_000_000]) == (403, b"status 403\n")


def post_while_reading(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    """Sends a request in one thread and reads the answer in another. http.client sends the whole request first."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.connect()
    stream: socket = connection.sock
    head = f"POST {path} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    sender = threading.Thread(target=send, args=(stream, head.encode() + body))
    sender.start()
    try:
        response = HTTPResponse(stream, method="POST")
        response.begin()
        return response.status, response.read()
    finally:
        connection.close()
        sender.join(PATIENCE)


def send(stream: socket, data: bytes) -> None:
    try:
        stream.sendall(data)
    except OSError:
        # The gateway has closed the connection after the answer.
        pass


def test_a_stopped_server(start: Start, transport: str) -> None:
    server = start(str(APPLICATION), transport=transport)
    with gateway(server) as port, Browser(port) as browser:
        assert browser.get("/status/200").status == 200
        server.stop()
        reply = browser.get("/status/200")
        assert (reply.status, reply.text[:16]) == (502, "502 Bad Gateway:")
