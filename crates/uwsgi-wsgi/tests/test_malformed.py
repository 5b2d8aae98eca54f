"""What the server answers to packets that are not right. The conformance runner of this project plays the whole table."""

from __future__ import annotations

import struct

import pytest

from client import Answer, Connection, block_of, exchange, get, packet_of, post, vars_of
from conftest import Start
from server import Server


def sent(server: Server, data: bytes, *, ends: bool = False) -> Answer:
    with Connection(server.address) as connection:
        connection.send(data)
        if ends:
            connection.end_sending()
        return connection.receive_answer()


def with_header(modifier1: int, datasize: int, modifier2: int, block: bytes) -> bytes:
    return struct.pack("<BHB", modifier1, datasize, modifier2) + block


GOOD = block_of(vars_of("/hello"))
PAIR = block_of({"A": "b"})

# Name, bytes, whether the client ends its sending half, status. 0: the connection is closed without an answer.
ROWS: list[tuple[str, bytes, bool, int]] = [
    ("closed before the first byte", b"", True, 0),
    ("the end in the header", b"\0\x10", True, 400),
    ("the end in the vars", with_header(0, len(GOOD), 0, GOOD[:-1]), True, 400),
    ("datasize 0", with_header(0, 0, 0, b""), False, 400),
    ("another modifier1", with_header(5, len(GOOD), 0, GOOD), False, 501),
    ("another modifier1, without its vars", with_header(7, 100, 0, b""), False, 501),
    ("a modifier2", with_header(0, len(GOOD), 9, GOOD), False, 200),
    ("a key over the end", with_header(0, 4, 0, b"\x10\0AB"), False, 400),
    ("a value over the end", with_header(0, 7, 0, b"\x01\0A\x10\0bc"), False, 400),
    ("no length of the value", with_header(0, 3, 0, b"\x01\0A"), False, 400),
    ("a byte after the last var", with_header(0, len(GOOD) + 1, 0, GOOD + b"\0"), False, 400),
    ("an empty key", packet_of([*vars_of("/hello").items(), ("", "x")]), False, 400),
    ("1000 vars", packet_of([*vars_of("/hello").items(), *[("A", "b")] * (1000 - len(vars_of("/hello")))]), False, 200),
    ("1001 vars", packet_of([*vars_of("/hello").items(), *[("A", "b")] * (1001 - len(vars_of("/hello")))]), False, 431),
    ("an HTTP request", b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", False, 400),
    ("a TLS handshake", bytes.fromhex("16030100c8010000c40303"), False, 400),
    ("a length of letters", packet_of(vars_of("/hello", CONTENT_LENGTH="abc")), False, 400),
    ("a negative length", packet_of(vars_of("/hello", CONTENT_LENGTH="-1")), False, 400),
    ("a length with a sign", packet_of(vars_of("/hello", CONTENT_LENGTH="+3")) + b"abc", False, 400),
    ("a length with a space", packet_of(vars_of("/hello", CONTENT_LENGTH=" 3")) + b"abc", False, 400),
    ("a length with an underscore", packet_of(vars_of("/hello", CONTENT_LENGTH="1_0")) + b"0123456789", False, 400),
    ("a length over 64 bits", packet_of(vars_of("/hello", CONTENT_LENGTH="9" * 25)), False, 400),
    ("a length over the limit", packet_of(vars_of("/hello", CONTENT_LENGTH=str((1 << 30) + 1))), False, 413),
    ("a method with a space", packet_of(vars_of("/hello", REQUEST_METHOD="GET /x")), False, 400),
    ("a method with LF", packet_of(vars_of("/hello", REQUEST_METHOD="GET\nX")), False, 400),
    ("an empty method", packet_of(vars_of("/hello", REQUEST_METHOD="")), False, 400),
    ("CR LF in a header", packet_of(vars_of("/hello", HTTP_X_NAME="a\r\nX-Injected: b")), False, 400),
    ("NUL in a header", packet_of(vars_of("/hello", HTTP_X_NAME="a\0b")), False, 400),
    ("LF in the protocol", packet_of(vars_of("/hello", SERVER_PROTOCOL="HTTP/1.1\nX")), False, 400),
    ("CR in the URI", packet_of(vars_of("/hello", REQUEST_URI="/\rx")), False, 400),
    ("LF in the type", packet_of(vars_of("/hello", CONTENT_TYPE="text/plain\nX")), False, 400),
    ("NUL in the path", packet_of(vars_of("/hello", PATH_INFO="/hel\0lo")), False, 400),
    ("HTTP_ without a name", packet_of(vars_of("/hello", HTTP_="x")), False, 200),
]


@pytest.mark.parametrize(("data", "ends", "status"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_row(data: bytes, ends: bool, status: int, shared: Start) -> None:
    server = shared()
    answer = sent(server, data, ends=ends)
    assert answer.code == status
    assert answer.end == "closed"
    log = server.settled_log()
    assert "Traceback" not in log
    if status == 0:
        assert not answer.raw
        # A front end may open a connection and close it: that is no error.
        assert "[ERROR]" not in log and "[WARNING]" not in log


def test_ping(shared: Start) -> None:
    """A ping (modifier1 100) is answered with a pong (modifier2 1), and the application is not called."""
    server = shared()
    with Connection(server.address) as connection:
        connection.send(with_header(100, 0, 0, b""))
        answer = connection.receive_answer()
    assert answer.raw == with_header(100, 0, 1, b"")


def test_http_request_is_named(shared: Start) -> None:
    """The log tells what came, so that a wrong `proxy_pass` is found."""
    server = shared()
    sent(server, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    assert "HTTP" in server.settled_log()


def test_limit_of_the_body(shared: Start) -> None:
    server = shared("contract:app", "--max-body", "1k")
    assert post(server.address, "/digest", b"x" * 1024).code == 200
    assert post(server.address, "/digest", b"x" * 1025).code == 413


@pytest.mark.parametrize("begun", [b"\0", packet_of(vars_of("/hello"))[:-1]], ids=["in the header", "in the vars"])
def test_slow_head(begun: bytes, shared: Start) -> None:
    """A head that is not there in the header timeout: 408. Each byte does not extend it."""
    server = shared("contract:app", "--header-timeout", "0.5")
    assert sent(server, begun).code == 408


def test_silent_connection(shared: Start) -> None:
    """A connection without a first byte is closed without an answer after the header timeout."""
    server = shared("contract:app", "--header-timeout", "0.5")
    answer = sent(server, b"")
    assert (answer.raw, answer.end) == (b"", "closed")


@pytest.mark.parametrize(
    ("allowed", "status"),
    [("192.0.2.0/24", 403), ("127.0.0.0/8", 200), ("127.0.0.1", 200), ("*", 200), ("192.0.2.1, 127.0.0.1", 200)],
)
def test_allowed_peers(allowed: str, status: int, shared: Start) -> None:
    """Networks count, and a peer that is not allowed gets 403."""
    server = shared("contract:app", "--uwsgi-allow-from", allowed, transport="tcp")
    assert get(server.address, "/hello").code == status


def test_unix_peers_are_allowed(shared: Start) -> None:
    """The mode of the file decides for a Unix socket."""
    server = shared("contract:app", "--uwsgi-allow-from", "192.0.2.1", transport="unix")
    assert get(server.address, "/hello").code == 200


@pytest.mark.parametrize("count", [100])
def test_the_server_goes_on(count: int, shared: Start) -> None:
    """Many bad packets leave nothing behind."""
    server = shared()
    for _ in range(count):
        assert sent(server, b"\0\x04\0\0\xff\xffAB").code == 400
    assert exchange(server.address, vars_of("/hello")).body == b"hello"
