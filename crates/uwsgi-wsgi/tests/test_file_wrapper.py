"""`wsgi.file_wrapper`: PEP 3333, section "Optional Platform-Specific File Handling"."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest

from client import PATIENCE, Connection, get, open_descriptors, vars_of
from conftest import Events, Start

from file_apps import LARGE, SMALL


@dataclass
class Row:
    """A file, and what must leave of it. The applications are in `apps/file_apps.py`."""

    name: str
    file: str
    body: bytes
    # The Content-Length that the application gives.
    length: int | None = None
    # Whether the file tells when it is closed.
    watched: bool = False
    method: str = "GET"
    status: str = "200 OK"


ROWS = [
    Row("a file", "small", SMALL),
    Row("a file of 30 MB", "large", LARGE),
    Row("an empty file", "empty", b""),
    Row("with its length", "small", SMALL, len(SMALL)),
    Row("with a smaller length", "small", SMALL[:100], 100),
    Row("with a length of 0", "small", b"", 0),
    Row("an empty file with its length", "empty", b"", 0),
    Row("from the position", "at-position", SMALL[1000:]),
    Row("from the position, with a length", "at-position", SMALL[1000:1500], 500),
    Row("at the end", "at-end", b""),
    Row("after the end", "past-end", b""),
    # The buffer of the file has read ahead: the position of the descriptor is not that of the file.
    Row("after a read", "after-reading", SMALL[10:]),
    Row("a file without a buffer", "unbuffered", SMALL[10:]),
    Row("BytesIO", "bytesio", SMALL[100:]),
    Row("BytesIO with a smaller length", "bytesio", SMALL[100:200], 100),
    Row("a subclass of a file", "watched-file", SMALL, watched=True),
    Row("only read and close", "read-only", SMALL, watched=True),
    Row("only read", "without-close", SMALL),
    Row("a descriptor, but other bytes", "gzip", SMALL),
    Row("a descriptor of an unknown class", "watched-with-fileno", SMALL, watched=True),
    Row("a pipe", "pipe", SMALL),
    Row("NamedTemporaryFile", "temporary", SMALL[50:]),
    Row("SpooledTemporaryFile", "spooled", SMALL[50:]),
    Row("HEAD", "small", b"", len(SMALL), method="HEAD"),
    Row("HEAD of a subclass", "watched-file", b"", len(SMALL), method="HEAD", watched=True),
    Row("304", "small", b"", status="304 Not Modified"),
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
    else:
        # RFC 9110 section 8.6: to HEAD and with 304 it would be that of the answer to GET, which only a real file tells.
        body = SMALL if row.status != "200 OK" else row.body
        assert answer.header("Content-Length") in (None, str(len(body)))
    assert "Traceback" not in server.settled_log()
    assert get(server.address, "/file/are-closed").body == b"True"
    # A file that tells of it is closed exactly once.
    assert events.all() == (["file closed"] if row.watched else [])


@pytest.mark.parametrize("file", ["small", "at-end", "empty", "watched-file", "bytesio", "read-only", "pipe"])
def test_too_short(file: str, transport: str, shared: Start, events: Events) -> None:
    """The file has fewer bytes than the Content-Length says: the answer is aborted, and the error log tells of it."""
    server = shared(transport=transport)
    more = {"HTTP_X_FILE": file, "HTTP_X_EVENTS": events.path, "HTTP_X_LENGTH": str(len(SMALL) + 1000)}
    answer = get(server.address, "/file/wrapped", **more)
    if answer.code != 500:
        assert not answer.is_whole
        assert answer.end == ("reset" if transport == "tcp" else "closed")
    assert "Content-Length" in server.settled_log()
    assert get(server.address, "/file/are-closed").body == b"True"
    assert events.all() == (["file closed"] if file in ("watched-file", "read-only") else [])


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


@pytest.mark.parametrize("file", ["large", "watched-large"])
def test_client_goes(file: str, transport: str, shared: Start, events: Events) -> None:
    """The client goes in the middle of a file: the file is closed, and no descriptor is left."""
    server = shared(transport=transport)
    server.settled_log()
    before = open_descriptors(server.pid)
    for _ in range(5):
        connection = Connection(server.address, receive_buffer=4096)
        connection.send_request(vars_of("/file/wrapped", HTTP_X_FILE=file, HTTP_X_EVENTS=events.path))
        connection.receive_until(b"\r\n\r\n")
        connection.reset()
        if file == "watched-large":
            events.wait_for("file closed")
    deadline = time.monotonic() + PATIENCE
    # A thread without Python may send the file, and nothing tells when it has seen that the client has gone.
    while open_descriptors(server.pid) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_descriptors(server.pid) <= before
    assert get(server.address, "/file/are-closed").body == b"True"


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
