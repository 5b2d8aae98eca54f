"""A small uwsgi client: it writes packets byte by byte as the tests say, and reads answers to the end of the connection."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Text = str | bytes
Pairs = Mapping[str, Text] | Sequence[tuple[Text, Text]]

# A test that waits longer than this for a byte has found a server that hangs. Other servers do so in many tests.
PATIENCE = 2.0 if "UWSGI_WSGI_COMMAND" in os.environ else 10.0

# What nginx 1.22 sends with its file uwsgi_params for `GET /`.
NGINX_VARS: dict[str, Text] = {
    "QUERY_STRING": "",
    "REQUEST_METHOD": "GET",
    "CONTENT_TYPE": "",
    "CONTENT_LENGTH": "",
    "REQUEST_URI": "/",
    "PATH_INFO": "/",
    "DOCUMENT_ROOT": "/var/www/html",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REQUEST_SCHEME": "http",
    "REMOTE_ADDR": "192.0.2.7",
    "REMOTE_PORT": "50412",
    "SERVER_PORT": "80",
    "SERVER_NAME": "www.example.org",
    "HTTP_HOST": "www.example.org",
}


def latin1(text: Text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def pairs_of(pairs: Pairs) -> list[tuple[Text, Text]]:
    return list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)


def block_of(pairs: Pairs) -> bytes:
    """Encodes vars: the length of each key and value is 16 bits, little-endian."""
    block = b""
    for key, value in pairs_of(pairs):
        key, value = latin1(key), latin1(value)
        block += struct.pack("<H", len(key)) + key + struct.pack("<H", len(value)) + value
    return block


def packet_of(pairs: Pairs, modifier1: int = 0, modifier2: int = 0) -> bytes:
    """Encodes a packet of vars: modifier1, datasize, modifier2, then the vars."""
    block = block_of(pairs)
    return struct.pack("<BHB", modifier1, len(block), modifier2) + block


def vars_of(path: str = "/", body_length: int | None = None, /, **more: Text | None) -> dict[str, Text]:
    """Returns the vars of nginx for this path. A value of None leaves the var out."""
    path, _, query = path.partition("?")
    values: dict[str, Text | None] = {
        **NGINX_VARS,
        "PATH_INFO": path,
        "REQUEST_URI": path + ("?" + query if query else ""),
        "QUERY_STRING": query,
    }
    if body_length is not None:
        values["REQUEST_METHOD"] = "POST"
        values["CONTENT_LENGTH"] = str(body_length)
    values.update(more)
    return {key: value for key, value in values.items() if value is not None}


@dataclass
class Answer:
    """All bytes that a server sent on a connection, and how the connection ended."""

    raw: bytes
    # "closed": the end of the stream. "reset": the peer aborted it. "open": no end came in time.
    end: str
    status_line: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def __post_init__(self) -> None:
        head, separator, body = self.raw.partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.decode("latin-1").split("\r\n")
        self.status_line = lines[0]
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), f"invalid header line {line!r}"
            self.headers.append((name, value.strip(" \t")))
        self.body = body

    @property
    def status(self) -> str:
        """The status and the reason: `200 OK`. Empty where no whole head came."""
        if not self.status_line:
            return ""
        version, space, status = self.status_line.partition(" ")
        assert version in ("HTTP/1.1", "HTTP/1.0") and space, f"invalid status line {self.status_line!r}"
        return status

    @property
    def code(self) -> int:
        """The number of the status. 0 where no whole head came."""
        return int(self.status[:3]) if self.status else 0

    def all(self, name: str) -> list[str]:
        """Returns the values of the headers of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Returns the value of the only header of this name, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def is_whole(self) -> bool:
        """Whether a front end sees a whole answer: not reset, and as many bytes as Content-Length says."""
        length = self.header("Content-Length")
        return self.end == "closed" and bool(self.status_line) and length in (None, str(len(self.body)))


class Connection:
    """One connection to a server, at `unix:/path` or `host:port`."""

    def __init__(self, address: str, *, receive_buffer: int | None = None) -> None:
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            target: str | tuple[str, int] = address.removeprefix("unix:")
        elif address.startswith("@"):
            self.socket = socket.socket(socket.AF_UNIX)
            target = "\0" + address[1:]
        else:
            host, _, port = address.rpartition(":")
            self.socket = socket.socket(socket.AF_INET)
            target = (host, int(port))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(target)
        except OSError:
            self.socket.close()
            raise
        self.received = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_request(self, pairs: Pairs, body: bytes = b"") -> None:
        self.send(packet_of(pairs) + body)

    def send_pieces(self, pieces: Iterable[bytes], pause: float) -> None:
        """Sends each piece on its own. The pause lets the server read each piece before the next is there."""
        for piece in pieces:
            self.send(piece)
            time.sleep(pause)

    def end_sending(self) -> None:
        """Closes the sending half, so that the server sees the end of the stream."""
        self.socket.shutdown(socket.SHUT_WR)

    def receive_until(self, end: bytes, patience: float = PATIENCE) -> bytes:
        """Reads until these bytes have come, and returns all that has come on this connection."""
        deadline = time.monotonic() + patience
        while end not in self.received:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self.socket.recv(65536)
            if not piece:
                raise AssertionError(f"the connection ended before {end!r}: {self.received!r}")
            self.received += piece
        return self.received

    def receive_length(self, length: int) -> bytes:
        """Reads until this many bytes have come on this connection."""
        self.socket.settimeout(PATIENCE)
        while len(self.received) < length:
            piece = self.socket.recv(65536)
            if not piece:
                raise AssertionError(f"the connection ended after {len(self.received)} bytes")
            self.received += piece
        return self.received

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes in this time: no byte, no end."""
        self.socket.settimeout(seconds)
        try:
            self.received += self.socket.recv(65536)
            return False
        except TimeoutError:
            return True

    def receive_answer(self, patience: float = PATIENCE) -> Answer:
        """Reads to the end of the connection."""
        pieces, end = [self.received], "closed"
        deadline = time.monotonic() + patience
        while True:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                piece = self.socket.recv(1 << 20)
            except ConnectionResetError:
                end = "reset"
                break
            except TimeoutError:
                end = "open"
                break
            if not piece:
                break
            pieces.append(piece)
        self.received = b"".join(pieces)
        return Answer(self.received, end)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes the connection so that a TCP peer sees a reset."""
        if self.socket.family == socket.AF_INET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def exchange(address: str, pairs: Pairs, body: bytes = b"") -> Answer:
    """Sends one request with its body, and reads the answer to the end of the connection."""
    with Connection(address) as connection:
        connection.send_request(pairs, body)
        return connection.receive_answer()


def get(address: str, path: str = "/", /, **more: Text | None) -> Answer:
    """Sends a GET request for this path."""
    return exchange(address, vars_of(path, **more))


def post(address: str, path: str, body: bytes, /, **more: Text | None) -> Answer:
    """Sends a POST request for this path, with this body."""
    return exchange(address, vars_of(path, len(body), **more), body)


def open_descriptors(pid: int) -> int:
    """Returns how many descriptors the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
