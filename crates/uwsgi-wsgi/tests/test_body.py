"""The body of the answer: its chunks, its length, and what HTTP says of it.

The letters name the requirements of PEP 3333 (section "Handling the Content-Length Header" unless another is named):

| row | requirement |
|---|---|
| B1 | each chunk is sent before the next is asked for ("Specification Details", "Buffering and Streaming") |
| B2 | never more bytes than Content-Length: the server stops, and `write` raises |
| B3 | fewer bytes than Content-Length: the connection is aborted, and the error log says so |
| B4 | without Content-Length: the end of the connection, or a length that the server knows |
| B5 | no transfer coding: the front end gives the bytes on as they are |
| B6 | chunks are bytes ("Unicode Issues") |
| B7 | answers to HEAD, and 204 and 304, have no body (RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5) |
| B9 | `len(iterable)` is right if there is one ("Specification Details") |
| M1 | empty chunks are nothing, wherever they stand ("Middleware Handling of Block Boundaries") |
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from client import Answer, Connection, get, vars_of
from conftest import Events, Gate, Start
from server import Server

TEXT = ["Content-Type", "text/plain"]


def length(number: int) -> list[list[str]]:
    return [TEXT, ["Content-Length", str(number)]]


def told(server: Server, path: str, answer: dict[str, Any], **more: str) -> Answer:
    """Lets an application give the answer that is described."""
    return get(server.address, path, HTTP_X_ANSWER=json.dumps(answer), **more)


@dataclass
class Row:
    """What applications of several kinds give, and what must leave."""

    name: str
    gives: dict[str, Any]
    body: bytes
    # The Content-Length of the answer. None: there must be none. "right": none, or that of the body.
    length: str | None = "right"
    method: str = "GET"
    status: str = "200 OK"
    kinds: list[str] = field(default_factory=lambda: ["list", "tuple", "generator", "indexed", "late", "Late"])
    # Without `wsgiref.validate`, which hides the list, or which does not accept the answer.
    plain: bool = False


ONE = ["list", "tuple"]
ROWS = [
    Row("B1 one chunk", {"chunks": ["hello"]}, b"hello"),
    Row("B1 many chunks", {"chunks": ["a", "bc", "def"] * 100}, b"abcdef" * 100),
    Row("B1 no chunk", {"chunks": []}, b""),
    Row("B1 line ends stay", {"chunks": ["a\r\nb\n", "\rc\0"]}, b"a\r\nb\n\rc\0"),
    Row("B2 the right length", {"headers": length(6), "chunks": ["abc", "def"]}, b"abcdef", "6"),
    Row("B2 a chunk too much", {"headers": length(3), "chunks": ["abc", "def"]}, b"abc", "3"),
    Row("B2 a chunk that is too long", {"headers": length(4), "chunks": ["abc", "def"]}, b"abcd", "4"),
    Row("B2 one chunk that is too long", {"headers": length(3), "chunks": ["abcdef"]}, b"abc", "3"),
    Row("B2 a length of 0", {"headers": length(0), "chunks": ["abc"]}, b"", "0"),
    Row("B2 empty chunks after the end", {"headers": length(3), "chunks": ["abc", "", ""]}, b"abc", "3"),
    # PEP 3333: the server can take the length of the only chunk.
    Row("B4 a list of one", {"chunks": ["hello"]}, b"hello", "5", kinds=ONE, plain=True),
    Row("B4 a list of one empty chunk", {"chunks": [""]}, b"", "0", kinds=ONE, plain=True),
    Row("B4 a list of two", {"chunks": ["hello", "world"]}, b"helloworld", kinds=ONE, plain=True),
    Row(
        "B4 a list of one after write",
        {"write": ["hello "], "chunks": ["world"]},
        b"hello world",
        kinds=ONE,
        plain=True,
    ),
    Row("B4 a generator", {"chunks": ["hello"]}, b"hello", None, kinds=["generator", "late"], plain=True),
    Row("B7 HEAD", {"headers": length(5), "chunks": ["hello"]}, b"", "5", method="HEAD"),
    Row("B7 HEAD without chunks", {"headers": length(5), "chunks": []}, b"", "5", method="HEAD"),
    # A framework gives no chunk, or an empty one, to HEAD. The length of an answer to GET cannot be known from it.
    Row("B7 HEAD with an empty chunk", {"chunks": [""]}, b"", None, method="HEAD", plain=True),
    Row("B7 HEAD with neither", {"chunks": []}, b"", None, method="HEAD", plain=True),
    Row("B7 HEAD with write", {"write": ["hello"], "headers": length(5)}, b"", "5", method="HEAD"),
    Row("B7 204", {"status": "204 No Content", "headers": [], "chunks": []}, b"", None, status="204 No Content"),
    Row(
        "B7 204 with chunks",
        {"status": "204 No Content", "headers": [], "chunks": ["hello"]},
        b"",
        None,
        status="204 No Content",
    ),
    Row("B7 304", {"status": "304 Not Modified", "headers": [], "chunks": []}, b"", None, status="304 Not Modified"),
    Row(
        "B7 304 with a length",
        {"status": "304 Not Modified", "headers": [["Content-Length", "5"]], "chunks": ["hello"]},
        b"",
        "5",
        status="304 Not Modified",
    ),
    Row(
        "B7 304 with an empty chunk",
        {"status": "304 Not Modified", "headers": [], "chunks": [""]},
        b"",
        None,
        status="304 Not Modified",
        plain=True,
    ),
    Row("M1 empty chunks", {"chunks": ["", "a", "", "", "b", ""]}, b"ab"),
    Row("M1 only empty chunks", {"chunks": ["", "", ""]}, b""),
    Row("M1 empty chunks with a length", {"headers": length(2), "chunks": ["", "a", "", "b", ""]}, b"ab", "2"),
]
CASES = [(row, kind) for row in ROWS for kind in row.kinds]


@pytest.mark.parametrize(("row", "kind"), CASES, ids=[f"{row.name}-{kind}" for row, kind in CASES])
def test_row(row: Row, kind: str, shared: Start) -> None:
    server = shared()
    answer = told(server, f"/plain/{kind}" if row.plain else f"/{kind}", row.gives, REQUEST_METHOD=row.method)
    assert answer.status == row.status, server.log
    assert answer.body == row.body
    assert answer.end == "closed"
    if row.length == "right":
        assert answer.header("Content-Length") in (None, str(len(row.body)))
    else:
        assert answer.header("Content-Length") == row.length
    # B5: nginx gives chunk marks on to the client as they are.
    assert answer.header("Transfer-Encoding") is None
    assert "Traceback" not in server.settled_log()


@pytest.mark.parametrize("kind", ["iterable", "sized"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_b9_len(kind: str, count: int, shared: Start, events: Events) -> None:
    """An iterable with and without a length gives the same answer, and is closed once."""
    server = shared()
    answer = told(server, f"/plain/{kind}", {"chunks": ["chunk "] * count}, HTTP_X_EVENTS=events.path)
    assert answer.body == b"chunk " * count
    assert answer.header("Content-Length") in (None, str(6 * count))
    server.settled_log()
    assert events.all().count("close") == 1


def test_b1_each_chunk_leaves_before_the_next(transport: str, shared: Start, gate: Gate) -> None:
    """The application waits at the gate before each chunk, so that the chunk before must have left."""
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/steps", HTTP_X_GATE=gate.path))
        for number in range(5):
            gate.open()
            connection.receive_until(b"chunk %d " % number)
        answer = connection.receive_answer()
    assert answer.body == b"chunk 0 chunk 1 chunk 2 chunk 3 chunk 4 "
    assert answer.is_whole


@pytest.mark.parametrize("kind", ["one", "list", "generator"])
def test_b1_large(kind: str, transport: str, shared: Start) -> None:
    """30 MB, over what any socket takes at once."""
    answer = get(shared(transport=transport).address, "/plain/large", HTTP_X_PIECES="300", HTTP_X_AS=kind)
    assert len(answer.body) == 30_000_000
    assert answer.header("X-Digest") == hashlib.sha256(answer.body).hexdigest()
    assert answer.is_whole


@pytest.mark.parametrize("kind", ["list", "iterable"])
def test_b2_too_much_is_logged(kind: str, shared: Start, events: Events) -> None:
    """The excess does not leave, the answer is whole, and the error log tells of it."""
    server = shared()
    answer = told(server, f"/plain/{kind}", {"headers": length(4), "chunks": ["abc", "def"]}, HTTP_X_EVENTS=events.path)
    assert (answer.body, answer.is_whole) == (b"abcd", True)
    assert "Content-Length" in server.settled_log()


def test_b2_the_iteration_stops(shared: Start, events: Events) -> None:
    """An endless iterable ends where the length is reached, and is closed."""
    server = shared()
    answer = get(server.address, "/endless", HTTP_X_CHUNK="12345", HTTP_X_LENGTH="1000", HTTP_X_EVENTS=events.path)
    assert answer.is_whole
    assert len(answer.body) == 1000
    assert events.next() == "close"


def test_b2_write_raises(shared: Start, events: Events) -> None:
    server = shared()
    answer = get(server.address, "/write_too_much", HTTP_X_EVENTS=events.path)
    assert events.next().startswith("write raised ")
    # The bytes that fit may have left, or not. Too many must not.
    assert answer.body in (b"1234", b"123456")
    assert answer.end == ("closed" if answer.body == b"123456" else answer.end)


SHORT: list[tuple[str, str, dict[str, Any]]] = [
    ("a list of one", "list", {"chunks": ["abc"]}),
    ("a list of two", "list", {"chunks": ["abc", "def"]}),
    ("an empty list", "list", {"chunks": []}),
    ("a generator", "generator", {"chunks": ["abc", "def"]}),
    ("a generator of nothing", "generator", {"chunks": []}),
    ("a generator of an empty chunk", "generator", {"chunks": [""]}),
    ("write", "list", {"write": ["abc"], "chunks": []}),
    ("write and a list", "list", {"write": ["abc"], "chunks": ["def"]}),
]


@pytest.mark.parametrize(
    ("kind", "gives"), [(kind, gives) for _, kind, gives in SHORT], ids=[name for name, _, _ in SHORT]
)
@pytest.mark.parametrize("wrapped", ["plain/", ""], ids=["plain", "validated"])
def test_b3_too_short(wrapped: str, kind: str, gives: dict[str, Any], transport: str, shared: Start) -> None:
    """A front end must see that the answer is not whole: it would wait, or keep half a page in a cache.

    A 500 is possible as long as nothing has left.
    """
    server = shared(transport=transport)
    answer = told(server, f"/{wrapped}{kind}", {"headers": length(1000), **gives})
    if answer.code != 500:
        assert not answer.is_whole, answer
        assert answer.end != "open", "the server waits, and does not close"
        if transport == "tcp":
            assert answer.end == "reset"
    assert "Content-Length" in server.settled_log()


STRANGE = ["str_first", "str_in_list", "returns_none", "returns_str", "returns_int"]


@pytest.mark.parametrize("app", STRANGE)
def test_b6_not_bytes(app: str, transport: str, shared: Start, events: Events) -> None:
    """Nothing has left when the error is found: 500, and one traceback or error in the log."""
    server = shared(transport=transport)
    answer = get(server.address, f"/{app}", HTTP_X_EVENTS=events.path)
    assert answer.code == 500
    assert b"text" not in answer.body
    assert answer.is_whole
    log = server.settled_log()
    assert "TypeError" in log
    assert log.count("Error handling request") == 1
    if app == "str_first":
        assert events.all() == ["chunk 0", "close"]


@pytest.mark.parametrize("app", ["str_second", "none_second"])
def test_b6_not_bytes_after_the_head(app: str, transport: str, shared: Start, events: Events) -> None:
    """The head has left: the answer is aborted."""
    server = shared(transport=transport)
    answer = get(server.address, f"/{app}", HTTP_X_EVENTS=events.path)
    assert not answer.is_whole
    assert answer.body in (b"", b"bytes")
    if transport == "tcp":
        assert answer.end == "reset"
    assert "TypeError" in server.settled_log()
    assert events.all() == ["chunk 0", "chunk 1", "close"]
