"""Thousands of requests of each kind leave nothing behind: no reference, no object, no memory, no descriptor."""

from __future__ import annotations

import json
import os
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import PATIENCE, Answer, packet_of, vars_of
from conftest import Start
from server import Server

ONLY_OURS = True

REQUESTS = 50_000 if os.environ.get("UWSGI_TESTS") == "full" else 5_000
# Before the first look, so that caches and free lists have their size.
WARM_UP = 300
# A leak of one in a request is REQUESTS. These leave room for what the interpreter does besides.
MOST_REFERENCES = 50
MOST_OBJECTS = 50
MOST_BLOCKS = 500
MOST_BYTES = 2 << 20
BODY = b"a line\n" * 1000

ERROR = b"HTTP/1.1 500 "
OK = b"HTTP/1.1 200 A reason of its own\r\n"


class Kind:
    """A kind of request: what is sent, how the answer begins, how much of it the client reads before it leaves (all of it), and
    whether the application counts that its iterator was closed."""

    def __init__(
        self,
        path: str,
        answer: bytes,
        *,
        body: bytes = b"",
        cut: int | None = None,
        read: int | None = None,
        closes: bool = False,
    ) -> None:
        length = len(body) if body else None
        self.packet = (packet_of(vars_of(path, length)) + body)[:cut]
        self.answer = answer
        self.read = read
        self.closes = closes

    @property
    def leaves(self) -> bool:
        return self.read is not None

    def next(self) -> bytes:
        return self.packet


class NewNames(Kind):
    """Headers with names that no request before had. A server must not keep them."""

    number = 0

    def next(self) -> bytes:
        self.number += 1
        names = {f"HTTP_X_{self.number}_{index}": "value" for index in range(5)}
        return packet_of({**vars_of("/"), **names})


KINDS = {
    "answered": Kind("/", OK),
    "headers with new names": NewNames("/", OK),
    "body read": Kind("/read", OK, body=BODY),
    "body unread": Kind("/unread", OK, body=BODY),
    "iterator": Kind("/pieces", OK, closes=True),
    "write": Kind("/write", OK),
    "exc_info": Kind("/exc_info", b"HTTP/1.1 500 An error\r\n"),
    "objects kept for a while": Kind("/keep", OK),
    "file": Kind("/file", OK),
    "file in memory": Kind("/memory_file", OK),
    "exception": Kind("/raise", ERROR),
    "SystemExit": Kind("/exit", ERROR),
    "None returned": Kind("/none", ERROR),
    "exception in the iterator": Kind("/fail", OK),
    "malformed": Kind("/", b"", cut=60, read=0),
    "body cut off": Kind("/read", b"", body=BODY, cut=-100, read=0),
    "client gone before the answer": Kind("/large", b"", read=0),
    "client gone in the answer": Kind("/large", OK, read=100),
    "iterator dropped": Kind("/endless", OK, read=100, closes=True),
    "generator dropped": Kind("/generator", OK, read=100, closes=True),
}


@pytest.fixture(scope="module")
def serve(short_directory: Path) -> Iterator[Start]:
    """Starts a server, or returns the one that an earlier test started with the same arguments."""
    servers: dict[tuple[str, ...], Server] = {}

    def serve(transport: str, *options: str) -> Server:
        key = (transport, *options)
        if key not in servers:
            directory = Path(tempfile.mkdtemp(dir=short_directory))
            # Many tracebacks: the test would need longer to read them than the server to write them.
            log = ("--error-logfile", str(directory / "log"))
            servers[key] = Server(directory, "leaks:app", *log, *options, transport=transport, ready=None)
            wait_until_it_listens(servers[key])
        return servers[key]

    yield serve
    statuses = {key: server.stop() for key, server in servers.items()}
    assert set(statuses.values()) == {0}, statuses


def wait_until_it_listens(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            counts_of(server)
            return
        except OSError:
            assert server.process.poll() is None and time.monotonic() < deadline, server.stderr.text
            # The line that tells that the server is ready is in the log file.
            time.sleep(0.02)


def connect(address: str, reset: bool) -> socket.socket:
    """Connects, and waits while the queue of the listener is full. With `reset` the connection ends with a reset."""
    if address.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address.removeprefix("unix:"))
    else:
        host, _, port = address.rpartition(":")
        client = socket.socket()
        client.connect((host, int(port)))
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.settimeout(PATIENCE)
    return client


def ask(address: str, kind: Kind) -> None:
    """Sends one request, reads as much as its kind says, and leaves."""
    with connect(address, reset=kind.leaves) as client:
        client.sendall(kind.next())
        answer = b""
        try:
            while kind.read is None or len(answer) < kind.read:
                piece = client.recv(1 << 20)
                if not piece:
                    break
                answer = answer[:100] + piece
        except ConnectionResetError:
            # The end of an answer that a server breaks off.
            pass
    assert answer.startswith(kind.answer), answer[:200]


def counts_of(server: Server) -> dict[str, Any]:
    with connect(server.address, reset=False) as client:
        client.sendall(packet_of(vars_of("/counts")))
        answer = Answer(b"".join(iter(lambda: client.recv(65536), b"")), "closed")
    assert answer.code == 200, answer
    counts: dict[str, Any] = json.loads(answer.body)
    return counts


def settled_counts(server: Server) -> dict[str, Any]:
    """Returns the counts once they no longer change: the polling thread may still have connections of clients that left."""
    deadline = time.monotonic() + PATIENCE
    before = None
    while True:
        counts = counts_of(server)
        now = {key: counts[key] for key in ("references", "objects", "descriptors", "closed")}
        if now == before or time.monotonic() > deadline:
            return counts
        before = now
        # In this time the server does what it has left to do.
        time.sleep(0.02)


def check(kind: Kind, server: Server) -> None:
    for _ in range(WARM_UP):
        ask(server.address, kind)
    before = settled_counts(server)
    for _ in range(REQUESTS):
        ask(server.address, kind)
    after = settled_counts(server)
    more = {name: count - before["references"][name] for name, count in after["references"].items()}
    assert {name: count for name, count in more.items() if abs(count) > MOST_REFERENCES} == {}
    assert after["objects"] - before["objects"] <= MOST_OBJECTS
    assert after["blocks"] - before["blocks"] <= MOST_BLOCKS
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"]
    assert after["resident"] - before["resident"] <= MOST_BYTES
    if kind.closes:
        assert after["closed"] - before["closed"] == REQUESTS


@pytest.mark.parametrize("name", KINDS)
def test_nothing_stays(name: str, serve: Start) -> None:
    check(KINDS[name], serve("unix"))


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.leaves])
def test_nothing_stays_after_a_reset(name: str, serve: Start) -> None:
    check(KINDS[name], serve("tcp"))


@pytest.mark.parametrize("name", ["answered", "iterator"])
def test_nothing_stays_in_four_threads(name: str, serve: Start) -> None:
    check(KINDS[name], serve("unix", "--threads", "4"))
