"""Connections that are kept for another request, with --keepalive; and without it, one request on each connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client import Answer, Connection, packet_of, vars_of
from conftest import Start
from server import Server

ONLY_OURS = True

# "0" says that no body follows. Bytes could follow an absent or an empty CONTENT_LENGTH.
HELLO = packet_of(vars_of("/plain/hello", CONTENT_LENGTH="0"))


@pytest.fixture
def kept(shared: Start) -> Server:
    return shared("contract:app", "--keepalive", "30")


def next_answer(connection: Connection, body: bytes) -> Answer:
    """Reads the answer with this body, and leaves what comes after it."""
    connection.receive_until(b"\r\n\r\n")
    head, _, _ = connection.received.partition(b"\r\n\r\n")
    length = len(head) + 4 + len(body)
    raw = connection.receive_length(length)[:length]
    connection.received = connection.received[length:]
    answer = Answer(raw, "open")
    assert answer.body == body
    return answer


def assert_closed(connection: Connection) -> None:
    answer = connection.receive_answer()
    assert (answer.raw, answer.end) == (b"", "closed")


def test_off(shared: Start) -> None:
    """Without the option the server answers one request, and says nothing of the connection."""
    with Connection(shared().address) as connection:
        connection.send(HELLO + HELLO)
        answer = next_answer(connection, b"hello")
        assert answer.header("Connection") is None
        assert_closed(connection)


def test_several_requests(kept: Server) -> None:
    with Connection(kept.address) as connection:
        for _ in range(5):
            connection.send(HELLO)
            assert next_answer(connection, b"hello").header("Connection") == "keep-alive"


def test_requests_at_once(kept: Server) -> None:
    """Requests that come in one piece are answered in their order."""
    told = [
        {"headers": [["Content-Length", "1"], ["Content-Type", "text/plain"]], "chunks": [str(number)]}
        for number in range(5)
    ]
    with Connection(kept.address) as connection:
        connection.send(
            b"".join(
                packet_of(vars_of("/generator", CONTENT_LENGTH="0", HTTP_X_ANSWER=json.dumps(each))) for each in told
            )
        )
        for number in range(5):
            next_answer(connection, str(number).encode())


def test_with_bodies(kept: Server) -> None:
    """A body that the application has read to its end is no part of the next request."""
    with Connection(kept.address) as connection:
        for length in (0, 1, 1000, 100_000):
            calls = json.dumps([["read"]])
            connection.send_request(vars_of("/calls", length, HTTP_X_CALLS=calls), b"x" * length)
            next_answer(connection, json.dumps(["x" * length]).encode())


def test_body_that_nobody_reads(kept: Server) -> None:
    """The rest of a body is never read as a request, even if it looks like one."""
    body = packet_of(vars_of("/log", CONTENT_LENGTH="0", HTTP_X_TEXT="smuggled"))
    with Connection(kept.address) as connection:
        connection.send_request(vars_of("/plain/unread", len(body)), body)
        answer = next_answer(connection, b"not read")
        if answer.header("Connection") == "close":
            assert_closed(connection)
        else:
            connection.send(HELLO)
            next_answer(connection, b"hello")
    assert "smuggled" not in kept.settled_log()


@pytest.mark.parametrize("length", [None, ""], ids=["absent", "empty"])
def test_body_of_unknown_length(length: str | None, kept: Server) -> None:
    """gunicorn 27.0.1 reads these bytes as the next request, with vars that the client chooses."""
    body = packet_of(vars_of("/log", HTTP_X_TEXT="smuggled"))
    with Connection(kept.address) as connection:
        connection.send_request(vars_of("/plain/hello", REQUEST_METHOD="POST", CONTENT_LENGTH=length), body)
        assert next_answer(connection, b"hello").header("Connection") == "close"
        assert_closed(connection)
    assert "smuggled" not in kept.settled_log()


ENDS: list[tuple[str, str, dict[str, Any], bytes]] = [
    ("an answer without a length", "generator", {"chunks": ["a", "b"]}, b"ab"),
    ("an answer of two chunks", "list", {"chunks": ["a", "b"]}, b"ab"),
]


@pytest.mark.parametrize(("kind", "told", "body"), [end[1:] for end in ENDS], ids=[end[0] for end in ENDS])
def test_end_by_the_answer(kind: str, told: dict[str, Any], body: bytes, kept: Server) -> None:
    """Only the end of the connection ends such an answer, unless the server knows its length."""
    with Connection(kept.address) as connection:
        connection.send_request(vars_of(f"/plain/{kind}", CONTENT_LENGTH="0", HTTP_X_ANSWER=json.dumps(told)))
        answer = next_answer(connection, body)
        if answer.header("Content-Length") is None:
            assert answer.header("Connection") == "close"
            assert_closed(connection)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body(status: str, kept: Server) -> None:
    """The next request on the connection is answered after an answer that has no body."""
    told = {"status": status, "headers": [], "chunks": []}
    with Connection(kept.address) as connection:
        connection.send_request(vars_of("/plain/list", CONTENT_LENGTH="0", HTTP_X_ANSWER=json.dumps(told)))
        answer = next_answer(connection, b"")
        if answer.header("Connection") == "close":
            assert_closed(connection)
        else:
            connection.send(HELLO)
            next_answer(connection, b"hello")


def test_short_answer(kept: Server) -> None:
    """gunicorn 27.0.1 keeps the connection, and the front end waits for the missing bytes."""
    told = {"headers": [["Content-Type", "text/plain"], ["Content-Length", "100"]], "chunks": ["short"]}
    with Connection(kept.addresses["tcp"]) as connection:
        connection.send_request(vars_of("/generator", CONTENT_LENGTH="0", HTTP_X_ANSWER=json.dumps(told)))
        answer = connection.receive_answer()
    assert answer.end == "reset" or answer.code == 500


def test_header_of_the_client(kept: Server) -> None:
    """`Connection: close` of the browser is about its own connection, to the front end."""
    with Connection(kept.address) as connection:
        for value in ("close", "keep-alive", "te, close"):
            connection.send_request(vars_of("/plain/hello", CONTENT_LENGTH="0", HTTP_CONNECTION=value))
            assert next_answer(connection, b"hello").header("Connection") == "keep-alive"


def test_idle_time(shared: Start) -> None:
    """A connection without another request is closed without a word."""
    server = shared("contract:app", "--keepalive", "0.3")
    with Connection(server.address) as connection:
        connection.send(HELLO)
        next_answer(connection, b"hello")
        assert_closed(connection)
    assert "[ERROR]" not in server.settled_log() and "[WARNING]" not in server.log


def test_client_closes_a_kept_connection(kept: Server) -> None:
    """The end between two requests is no error."""
    with Connection(kept.address) as connection:
        connection.send(HELLO)
        next_answer(connection, b"hello")
        connection.end_sending()
        assert_closed(connection)
    log = kept.settled_log()
    assert "[ERROR]" not in log and "[WARNING]" not in log and "Traceback" not in log


def test_kept_connections_hold_no_thread(kept: Server) -> None:
    """One thread, and 50 kept connections: each is served again."""
    connections = [Connection(kept.address) for _ in range(50)]
    for _ in range(3):
        for connection in connections:
            connection.send(HELLO)
        for connection in connections:
            next_answer(connection, b"hello")
    for connection in connections:
        connection.close()
