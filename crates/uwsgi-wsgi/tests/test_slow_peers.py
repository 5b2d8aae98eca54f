"""Clients that send slowly, stop reading, or reset their connections, beside a client that does not: it must not have to wait,
although one thread runs the application."""

from __future__ import annotations

import resource
import socket
import statistics
import time
from collections.abc import Iterator
from itertools import cycle

import pytest

from client import PATIENCE, Connection, get, open_descriptors, packet_of, vars_of
from conftest import Events, Start
from server import Server

# What the application sends at /list and /file.
LARGE = bytes(number % 251 for number in range(1_000_000))
SENDERS = 900
READERS = 500
GOOD_REQUESTS = 400
# So small that the kernel cannot take the whole answer.
RECEIVE_BUFFER = 4096

# The tests use options that only our server has.
ONLY_OURS = True


@pytest.fixture(autouse=True)
def many_descriptors() -> Iterator[None]:
    """Lets the test, and the server that it starts, have more connections than a shell allows by default."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert before[1] == resource.RLIM_INFINITY or before[1] >= 4096, "raise ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Sender:
    """A client that has sent the beginning of a request, and sends the rest byte by byte."""

    def __init__(self, address: str, begun: int, body: bytes) -> None:
        request = packet_of(vars_of("/read", len(body))) + body
        self._left = request[begun:]
        self._size = len(body)
        self.connection = Connection(address)
        self.connection.send(request[:begun])

    def send_one_byte(self) -> None:
        self.connection.send(self._left[:1])
        self._left = self._left[1:]

    def finish(self) -> None:
        self.connection.send(self._left)
        answer = self.connection.receive_answer()
        assert (answer.code, answer.body) == (200, str(self._size).encode()), answer


class Reader:
    """A client that has read the beginning of an answer, and no more."""

    def __init__(self, address: str, path: str) -> None:
        self.connection = Connection(address, receive_buffer=RECEIVE_BUFFER)
        self.connection.send_request(vars_of(path))
        self.connection.received = self.connection.socket.recv(100)
        assert self.connection.received.startswith(b"HTTP/1.1 200 OK\r\n")

    def finish(self) -> None:
        # With the small buffer, TCP would need many seconds for the rest of all answers.
        self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        answer = self.connection.receive_answer()
        assert (answer.end, answer.body == LARGE) == ("closed", True)


def senders(address: str, count: int) -> list[Sender]:
    """In the header, in the vars, and in the body."""
    body = b"b" * 20_000
    packet = len(packet_of(vars_of("/read", len(body))))
    begun = cycle([2, 100, packet + 1000])
    return [Sender(address, next(begun), body) for _ in range(count)]


def readers(address: str) -> list[Reader]:
    path = cycle(["/list", "/file"])
    return [Reader(address, next(path)) for _ in range(READERS)]


def latencies_beside(address: str, slow: list[Sender]) -> list[float]:
    """Returns how many seconds each of many requests took. Between two of them some senders send a byte each."""
    next_sender = cycle(slow)
    latencies = []
    for _ in range(GOOD_REQUESTS):
        begun = time.monotonic()
        answer = get(address, "/")
        latencies.append(time.monotonic() - begun)
        assert (answer.code, answer.body) == (200, b"hello")
        for _ in range(10):
            next(next_sender).send_one_byte()
    return latencies


def test_good_client_beside_slow_peers(transport: str, start: Start) -> None:
    server = start("slow_peers:app", "--threads", "1", "--max-connections", "4000", transport=transport)
    slow_readers = readers(server.address)
    slow_senders = senders(server.address, SENDERS)
    latencies = latencies_beside(server.address, slow_senders)
    p99 = statistics.quantiles(latencies, n=100)[98]
    assert p99 < 0.05, f"p50 {statistics.median(latencies)}, p99 {p99}, most {max(latencies)}"
    # All of them get what they asked for.
    for sender in slow_senders:
        sender.finish()
    for reader in slow_readers:
        reader.finish()
    assert server.log.count("WARNING") + server.log.count("ERROR") == 0


def begin(address: str, kind: str) -> Connection:
    """Does one of the things after which a client may leave."""
    connection = Connection(address, receive_buffer=RECEIVE_BUFFER)
    match kind:
        case "nothing sent":
            pass
        case "in the header":
            connection.send(b"\0")
        case "in the vars":
            connection.send(packet_of(vars_of("/"))[:100])
        case "in a small body":
            connection.send(packet_of(vars_of("/read", 1000)) + b"x")
        case "in a large body":
            connection.send(packet_of(vars_of("/read", 1_000_000)) + b"x" * 70_000)
        case "before the answer":
            connection.send_request(vars_of("/"))
        case "in a list" | "in a file":
            connection.send_request(vars_of("/list" if kind == "in a list" else "/file"))
            connection.received = connection.socket.recv(100)
    return connection


@pytest.mark.parametrize(
    "kind",
    [
        "nothing sent",
        "in the header",
        "in the vars",
        "in a small body",
        "in a large body",
        "before the answer",
        "in a list",
        "in a file",
    ],
)
def test_peers_that_reset(kind: str, transport: str, shared: Start) -> None:
    """More clients reset their connections than the server may have: none may stay behind."""
    server = shared("slow_peers:app", "--threads", "1", "--max-connections", "30", transport=transport)
    assert get(server.address, "/").code == 200
    before = open_descriptors(server.pid)
    for _ in range(100):
        begin(server.address, kind).reset()
        # The answer tells that the server has seen the connection before: it accepts in the order of the queue.
        assert get(server.address, "/").code == 200
    wait_for_descriptors(server, before)
    assert "Traceback" not in server.log and "panicked" not in server.log


def wait_for_descriptors(server: Server, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while open_descriptors(server.pid) > count:
        assert time.monotonic() < deadline, f"{open_descriptors(server.pid)} descriptors are open instead of {count}"
        # The server does not tell when it has closed a connection.
        time.sleep(0.02)


def test_reader_that_stops_in_an_iterator(transport: str, start: Start, events: Events) -> None:
    """The application must be asked for each chunk, so that this reader holds its thread: for the time of --write-timeout."""
    server = start("slow_peers:app", "--threads", "1", "--write-timeout", "1", transport=transport)
    with Connection(server.address, receive_buffer=RECEIVE_BUFFER) as stopped:
        stopped.send_request(vars_of("/endless", HTTP_X_EVENTS=events.path))
        stopped.receive_length(100)
        begun = time.monotonic()
        assert get(server.address, "/").body == b"hello"
        assert 0.5 < time.monotonic() - begun < 3
        events.wait_for("closed")
        server.wait_for_log("WARNING")
        # The answer has no end that looks like one, where the transport can show it.
        answer = stopped.receive_answer()
        assert answer.end == ("reset" if transport == "tcp" else "closed")


def test_sender_that_stops_in_a_large_body(start: Start) -> None:
    """The application reads a body that is larger than the server waits for: this sender holds its thread for --body-timeout."""
    server = start("slow_peers:app", "--threads", "1", "--body-timeout", "1")
    with Connection(server.address) as stopped:
        stopped.send(packet_of(vars_of("/read", 200_000)) + bytes(100_000))
        begun = time.monotonic()
        # The server accepts the connections in their order.
        assert get(server.address, "/").body == b"hello"
        assert time.monotonic() - begun < 3
        assert stopped.receive_answer().code == 408


def test_senders_that_never_finish(start: Start) -> None:
    """They get an answer that says why, all of them, and nobody else waits for them."""
    server = start("slow_peers:app", "--threads", "1", "--header-timeout", "1", "--body-timeout", "1")
    slow = senders(server.address, 300)
    assert get(server.address, "/").body == b"hello"
    for sender in slow:
        assert sender.connection.receive_answer().code == 408
