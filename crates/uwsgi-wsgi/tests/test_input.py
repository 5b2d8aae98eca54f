"""`wsgi.input`: the body of the request as a file.

The letters name the requirements of PEP 3333 (section "Input and Error Streams" unless another is named):

| row | requirement |
|---|---|
| I1 | read, readline, readlines and iteration, as in the Python Library Reference; readline may have a size |
| I2 | the stream ends at Content-Length |
| I3 | read without an argument returns the rest |
| I4 | an exhausted stream gives empty bytes; a body that ends early is an error, and not an end (RFC 9112 section 8) |
| I5 | `Expect: 100-continue` is the front end's task (section "HTTP 1.1 Expect/Continue") |
| I6 | the server handles transfer codings; behind a front end CONTENT_LENGTH says where the body ends ("Other HTTP Features") |
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest

from client import Connection, packet_of, post, vars_of
from conftest import Events, Start

from input_apps import play

LINES = b"first line\nsecond\n\n  fourth, after an empty one\r\nno end of line"
LONG_LINE = b"x" * 100_000 + b"\n" + b"y" * 5 + b"\n"
BINARY = bytes(range(256)) * 20

# Name, body, calls. The expected results are those of io.BytesIO.
ROWS: list[tuple[str, bytes, list[list[Any]]]] = [
    ("I1 read in pieces", LINES, [["read", 5], ["read", 7], ["read", 1000], ["read", 1]]),
    ("I1 read of nothing", LINES, [["read", 0], ["read", 3], ["read", 0], ["read"]]),
    ("I1 readline", LINES, [["readline"]] * 7),
    (
        "I1 readline with a size",
        LINES,
        [["readline", 4], ["readline", 100], ["readline", 3], ["readline", 0], ["readline"]],
    ),
    (
        "I1 readline with a size at the end of a line",
        b"abc\ndef\n",
        [["readline", 4], ["readline", 3], ["readline", 1]],
    ),
    ("I1 readline of -1", LINES, [["readline", -1], ["readline", -1]]),
    ("I1 readlines", LINES, [["readlines"], ["readlines"]]),
    ("I1 iteration", LINES, [["iterate"], ["iterate"]]),
    ("I1 one step of the iteration", LINES, [["next"], ["next"], ["read"]]),
    (
        "I1 a line longer than any buffer",
        LONG_LINE * 3,
        [["readline"], ["readline"], ["readline", 99_999], ["readlines"]],
    ),
    ("I1 many short lines", b"\n" * 70_000, [["readline"], ["readlines"]]),
    ("I1 all bytes", BINARY, [["readline"], ["read", 300], ["iterate"]]),
    (
        "I1 readinto",
        LINES,
        [["readinto", 7], ["readinto", 0], ["readline"], ["readinto", 1000], ["readinto", 5]],
    ),
    ("I1 readline then read", LINES, [["readline"], ["read", 3], ["read"]]),
    ("I1 read then readline", LINES, [["read", 3], ["readline"], ["readline"], ["read"]]),
    ("I1 read then readlines", LINES, [["read", 14], ["readlines"]]),
    ("I1 readline then iteration", LINES, [["readline"], ["iterate"]]),
    (
        "I1 a mix over many buffers",
        LINES * 5000,
        [["readline"], ["read", 70_000], ["readline", 5], ["readline"], ["iterate"]],
    ),
    ("I2 reading past the end", b"abc", [["read", 1_000_000], ["read", 1]]),
    ("I3 read without an argument", LINES, [["read"]]),
    ("I3 read of -1", LINES, [["read", -1], ["read", -1]]),
    ("I3 read of None", LINES, [["read", None]]),
    ("I3 read without an argument, over many buffers", BINARY * 100, [["read", 10], ["read"]]),
    ("I4 an empty body", b"", [["read"], ["read", 5], ["readline"], ["readlines"], ["iterate"], ["next"]]),
    (
        "I4 an exhausted stream",
        b"abc",
        [["read"]] + [["read", 5], ["readline"], ["read"], ["readlines"], ["iterate"]] * 2,
    ),
]


def as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("body", "calls"),
    [pytest.param(body, calls, id=name) for name, body, calls in ROWS],
)
def test_row(body: bytes, calls: list[list[Any]], shared: Start) -> None:
    server = shared()
    answer = post(server.address, "/calls", body, HTTP_X_CALLS=json.dumps(calls))
    assert answer.code == 200, server.log
    assert json.loads(answer.body) == as_json(play(io.BytesIO(body), calls))


@pytest.mark.parametrize("length", [None, "", "0"], ids=["absent", "empty", "zero"])
def test_i4_no_length(length: str | None, shared: Start) -> None:
    """Without a length there is no body: the stream is empty, and nobody waits for bytes or for the end of the connection."""
    server = shared()
    calls = json.dumps([["read"], ["readline"], ["iterate"]])
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/calls", REQUEST_METHOD="POST", CONTENT_LENGTH=length, HTTP_X_CALLS=calls))
        answer = connection.receive_answer()
    assert json.loads(answer.body) == ["", "", []]


def test_i2_bytes_after_the_body(transport: str, shared: Start) -> None:
    """Bytes after the body belong to nobody. No request is read from them."""
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/digest", 3), b"abc" + packet_of(vars_of("/log", HTTP_X_TEXT="smuggled")))
        answer = connection.receive_answer()
    assert answer.code == 200
    assert answer.body.decode() == f"3 {hashlib.sha256(b'abc').hexdigest()}"
    assert "smuggled" not in server.settled_log()


def test_i1_body_in_pieces(transport: str, shared: Start) -> None:
    """Head and body come in small pieces, cut everywhere."""
    server = shared(transport=transport)
    whole = packet_of(vars_of("/digest", len(LINES))) + LINES
    with Connection(server.address) as connection:
        # The pause is what makes pieces of them: the server has read each before the next comes.
        connection.send_pieces([whole[start : start + 20] for start in range(0, len(whole), 20)], 0.002)
        answer = connection.receive_answer()
    assert answer.body.decode() == f"{len(LINES)} {hashlib.sha256(LINES).hexdigest()}"


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 200_000, 20_000_000])
def test_i1_large_body(length: int, transport: str, shared: Start) -> None:
    """Bodies around the size that a server keeps in memory, and far above it."""
    body = (b"0123456789abcde\n" * (length // 16 + 1))[:length]
    answer = post(shared(transport=transport).address, "/digest", body)
    assert answer.body.decode() == f"{length} {hashlib.sha256(body).hexdigest()}"


def test_i1_body_while_answering(shared: Start) -> None:
    """An application reads and answers in turns. The client sees the echo of each piece before it sends the next.

    The body is too long for a server to read it before the call.
    """
    pieces = [b"%d" % number * 100_000 for number in range(5)]
    with Connection(shared().address) as connection:
        connection.send_request(vars_of("/echo", 500_000))
        for number, piece in enumerate(pieces, 1):
            connection.send(piece)
            connection.receive_until(b"".join(pieces[:number]))
        answer = connection.receive_answer()
    assert answer.body == b"".join(pieces)


@pytest.mark.parametrize(
    ("transport", "length"),
    [
        ("unix", 10),
        ("tcp", 10),
        pytest.param("unix", 3_000_000),
        pytest.param("tcp", 3_000_000),
    ],
)
def test_i2_unread_body(transport: str, length: int, shared: Start) -> None:
    """An application need not read the body. The client gets the whole answer, and no reset that destroys it."""
    body = b"x" * length
    server = shared(transport=transport)
    answer = post(server.address, "/unread", body)
    assert (answer.status, answer.body, answer.end) == ("200 OK", b"not read", "closed")


METHODS = ["read", "read(1000)", "readline", "readlines", "iterate", "readinto"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("declared", [100, 300_000], ids=["small", "large"])
def test_i4_body_ends_early(method: str, declared: int, transport: str, shared: Start, events: Events) -> None:
    """The client ends the stream in the body: the application must not take the part for the whole.

    A server that waits for small bodies before it calls the application may answer 400 itself.
    """
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        pairs = vars_of("/until_error", declared, HTTP_X_METHOD=method, HTTP_X_EVENTS=events.path)
        connection.send_request(pairs, b"a line\n" * (declared // 14))
        connection.end_sending()
        answer = connection.receive_answer()
    server.settled_log()
    seen = events.all()
    assert "the body ended without an error" not in seen
    assert not seen or (seen[0] == "called" and seen[1].startswith("OSError: ")), seen
    if declared > 65_536:
        assert seen, "the application was not called"
    assert answer.code == 400


@pytest.mark.parametrize("declared", [100, 300_000], ids=["small", "large"])
def test_i4_client_goes_in_the_body(declared: int, shared: Start, events: Events) -> None:
    """The client aborts the connection in the body (TCP: with a reset)."""
    server = shared(transport="tcp")
    connection = Connection(server.address)
    pairs = vars_of("/until_error", declared, HTTP_X_METHOD="read", HTTP_X_EVENTS=events.path)
    connection.send_request(pairs, b"begun")
    if declared > 65_536:
        assert events.next() == "called"
    connection.reset()
    server.settled_log()
    seen = events.all()
    assert "the body ended without an error" not in seen
    if seen:
        assert seen[1].startswith("OSError: ")


@pytest.mark.parametrize("declared", [100, 300_000], ids=["small", "large"])
def test_i4_body_stops(declared: int, shared: Start, events: Events) -> None:
    """A body that does not go on fails after the body timeout: 408 (RFC 9110 section 15.5.9)."""
    server = shared("contract:app", "--body-timeout", "0.5")
    with Connection(server.address) as connection:
        pairs = vars_of("/until_error", declared, HTTP_X_METHOD="read", HTTP_X_EVENTS=events.path)
        connection.send_request(pairs, b"begun")
        answer = connection.receive_answer(5)
    server.settled_log()
    assert "the body ended without an error" not in events.all()
    assert (answer.code, answer.end) == (408, "closed")


def test_i4_input_after_the_request(shared: Start) -> None:
    """A stream that an application keeps is closed after its request, as a file is, and reads nothing of another request."""
    server = shared("contract:app", "--threads", "1")
    assert post(server.address, "/keep_input", b"body of the first").code == 200
    answer = post(server.address, "/read_kept", b"body of the second")
    lines = answer.body.decode().split("\n")
    assert lines == [f"{method}: ValueError" for method in ("read", "read", "readline", "readlines", "readinto")]


def test_i5_expect(shared: Start) -> None:
    """nginx, as the front end, has answered the Expect header. A 100 on this connection would be taken for the answer."""
    body = b"expected"
    answer = post(shared().address, "/digest", body, HTTP_EXPECT="100-continue")
    assert answer.raw.startswith(b"HTTP/1.1 200 ")
    assert answer.body.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"


def test_i6_transfer_encoding(shared: Start) -> None:
    """nginx removes the chunks and sends the length, but leaves the header. The bytes are the body, even if they look chunked."""
    body = b"5\r\nhello\r\n0\r\n\r\n"
    answer = post(shared().address, "/digest", body, HTTP_TRANSFER_ENCODING="chunked")
    assert answer.body.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
