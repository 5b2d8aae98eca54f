"""`wsgi.file_wrapper`: PEP 3333, section "Optional Platform-Specific File Handling"."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from client import Connection, get, open_descriptors, vars_of
from conftest import Events, Start

sys.path.append(str(Path(__file__).parent / "apps"))

from file_apps import LARGE, SMALL  # noqa: E402


@dataclass
class Row:
    """A file, and what must leave of it. The applications are in `apps/file_apps.py`."""

    name: str
    file: str
    body: bytes
    # The Content-Length that the application gives.
    length: int | None = None
    # What the file tells of its end.
    closed: bool = False
    method: str = "GET"
    status: str = "200 OK"


ROWS = [
    Row("a file", "small", SMALL, closed=True),
    Row("a file of 30 MB", "large", LARGE, closed=True),
    Row("an empty file", "empty", b"", closed=True),
    Row("with its length", "small", SMALL, len(SMALL), closed=True),
    Row("with a smaller length", "small", SMALL[:100], 100, closed=True),
    Row("with a length of 0", "small", b"", 0, closed=True),
    Row("an empty file with its length", "empty", b"", 0, closed=True),
    Row("from the position", "at-position", SMALL[1000:], closed=True),
    Row("from the position, with a length", "at-position", SMALL[1000:1500], 500, closed=True),
    Row("at the end", "at-end", b"", closed=True),
    Row("after the end", "past-end", b"", closed=True),
    # The buffer of the file has read ahead: the position of the descriptor is not that of the file.
    Row("after a read", "after-reading", SMALL[10:], closed=True),
    Row("a file without a buffer", "unbuffered", SMALL[10:]),
    Row("BytesIO", "bytesio", SMALL[100:]),
    Row("BytesIO with a smaller length", "bytesio", SMALL[100:200], 100),
    Row("only read and close", "read-only", SMALL, closed=True),
    Row("only read", "without-close", SMALL),
    Row("a descriptor, but other bytes", "gzip", SMALL),
    Row("a descriptor of an unknown class", "watched-with-fileno", SMALL, closed=True),
    Row("a pipe", "pipe", SMALL),
    Row("NamedTemporaryFile", "temporary", SMALL[50:]),
    Row("SpooledTemporaryFile", "spooled", SMALL[50:]),
    Row("HEAD", "small", b"", len(SMALL), closed=True, method="HEAD"),
    Row("304", "small", b"", closed=True, status="304 Not Modified"),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_row(row: Row, transport: str, shared: Start, events: Events) -> None:
    server = shared(transport=transport)
    more = {"HTTP_X_FILE": row.file, "HTTP_X_EVENTS": events.path, "HTTP_X_STATUS": row.status}
    if row.length is not None:
        more["HTTP_X_LENGTH"] = str(row.length)
    answer = get(server.address, "/file/wrapped", REQUEST_METHOD=row.method, **more)
    assert (answer.status, answer.body == row.body) == (row.status, True), answer.body[:200]
    assert answer.end == "closed"
    if row.length is not None:
        assert answer.header("Content-Length") == str(row.length)
    elif row.method == "GET" and row.status == "200 OK":
        assert answer.header("Content-Length") in (None, str(len(row.body)))
    else:
        assert answer.header("Content-Length") is None
    assert "Traceback" not in server.settled_log()
    # The file is closed exactly once.
    assert events.all() == (["file closed"] if row.closed else [])


@pytest.mark.parametrize("file", ["small", "at-end", "empty", "bytesio", "read-only", "pipe"])
def test_too_short(file: str, transport: str, shared: Start, events: Events) -> None:
    """The file has fewer bytes than the Content-Length says: the answer is aborted, and the error log tells of it."""
    server = shared(transport=transport)
    more = {"HTTP_X_FILE": file, "HTTP_X_EVENTS": events.path, "HTTP_X_LENGTH": str(len(SMALL) + 1000)}
    answer = get(server.address, "/file/wrapped", **more)
    if answer.code != 500:
        assert not answer.is_whole
        assert answer.end == ("reset" if transport == "tcp" else "closed")
    assert "Content-Length" in server.settled_log()
    if file in ("small", "at-end", "empty", "read-only"):
        assert events.all() == ["file closed"]


@pytest.mark.parametrize(
    ("app", "body"),
    [
        pytest.param("moved-later", SMALL[2000:], id="the position when the sending begins"),
        pytest.param("after-write", b"written first\n" + SMALL, id="after write"),
        pytest.param("iterated", SMALL.upper(), id="a middleware iterates"),
        pytest.param("not-returned", b"another answer", id="a wrapper that is not returned"),
        pytest.param("methods", b"True 3 b'3456' 7", id="methods of a file"),
    ],
)
def test_use(app: str, body: bytes, shared: Start, events: Events) -> None:
    server = shared()
    answer = get(server.address, f"/file/{app}", HTTP_X_EVENTS=events.path)
    assert (answer.code, answer.body) == (200, body), server.log
    server.settled_log()
    if app == "iterated":
        assert events.all() == ["file closed", "blocks of [1000] bytes"]
    if app in ("after-write", "not-returned"):
        assert events.all() == ["file closed"]


@pytest.mark.parametrize("app", ["not-a-file", "wrapped"])
def test_no_file(app: str, shared: Start, events: Events) -> None:
    """An object without `read`, and a closed file: the application's error, and 500."""
    server = shared()
    answer = get(server.address, f"/file/{app}", HTTP_X_FILE="closed", HTTP_X_EVENTS=events.path)
    assert answer.code == 500
    assert "Error" in server.settled_log()


@pytest.mark.parametrize("file", ["large", "read-only"])
def test_client_goes(file: str, transport: str, shared: Start, events: Events) -> None:
    """The client goes in the middle of a file: the file is closed, and no descriptor is left."""
    server = shared(transport=transport)
    server.settled_log()
    before = open_descriptors(server.pid)
    more = {"HTTP_X_FILE": file, "HTTP_X_EVENTS": events.path}
    for _ in range(5):
        connection = Connection(server.address, receive_buffer=4096)
        connection.send_request(vars_of("/file/wrapped", **more))
        connection.receive_until(b"\r\n\r\n")
        connection.reset()
        events.wait_for("file closed")
    server.settled_log()
    assert events.all().count("file closed") == 5
    assert open_descriptors(server.pid) <= before


def test_slow_reader_holds_no_thread(shared: Start, events: Events) -> None:
    """One thread, and a client that stops reading a file: others are served, and the client gets its file later."""
    server = shared("contract:app", "--threads", "1")
    with Connection(server.address, receive_buffer=4096) as slow:
        slow.send_request(vars_of("/file/wrapped", HTTP_X_FILE="large", HTTP_X_EVENTS=events.path))
        slow.receive_until(b"\r\n\r\n")
        assert get(server.address, "/hello").body == b"hello"
        answer = slow.receive_answer()
    assert answer.body == LARGE
    assert answer.is_whole


def test_many_at_once(shared: Start, events: Events) -> None:
    """Several clients read the same file, each from its own position."""
    server = shared("contract:app", "--threads", "4")
    bodies: list[bytes] = []

    def ask(file: str) -> None:
        bodies.append(get(server.address, "/file/wrapped", HTTP_X_FILE=file, HTTP_X_EVENTS=events.path).body)

    clients = [threading.Thread(target=ask, args=(file,)) for file in ("large", "at-position", "large", "small") * 3]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sorted(map(len, bodies)) == sorted([len(SMALL[1000:])] * 3 + [len(SMALL)] * 3 + [len(LARGE)] * 6)
    assert all(body == LARGE for body in bodies if len(body) == len(LARGE))
