"""What another WSGI server in Rust gets wrong: granian 2.8.1, read in its source. Each test here fails with that behaviour.

| row | granian 2.8.1 | here |
|---|---|---|
| 1 | `readline` leaves the end of the line in its buffer (src/wsgi/types.rs:72) | `test_row_1` |
| 2 | `read`, `readline(n)` and `readlines` after a partial read ignore what is buffered (types.rs:108, 146) | `test_row_2` |
| 3 | a client that breaks off in the body looks like a whole body (types.rs:53, 117) | `test_row_3` |
| 4 | status and headers that a generator sets in its first step are lost (granian/wsgi.py:55) | `test_row_4` |
| 5 | `start_response` returns None, ignores exc_info, and drops the reason (granian/wsgi.py) | `test_row_5` |
| 6 | no `wsgi.file_wrapper` | `test_row_6` |
| 7 | the environment of the process is in each environ (granian/wsgi.py:35) | `test_row_7` |
| 8 | values above ASCII become empty, cookies are joined with ";", HTTP/1.0 is "HTTP/1" (src/wsgi/callbacks.rs:61) | `test_row_8` |
| 9 | answers that nobody reads grow in memory | `test_row_9` |
| 10 | no recycling of workers | a server of one process has none |
| 11 | endless answers take the threads of all others | `test_row_11` |
| 12 | uneven use of the workers | `test_row_12`, for threads |
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest

from client import Connection, get, packet_of, post, vars_of
from conftest import Events, Start
from input_apps import play
from server import Server


def random_body(generator: random.Random, length: int) -> bytes:
    """Lines of very different lengths."""
    body = bytearray()
    while len(body) < length:
        body += bytes(generator.choices(b"abc\r\0\xff", k=generator.choice([0, 1, 5, 80, 9000])))
        body += b"\n"
    return bytes(body[: length - generator.choice([0, 0, 1])])


def random_calls(generator: random.Random, methods: list[str]) -> list[list[Any]]:
    sizes = [0, 1, 2, 7, 100, 1000, 8192, 40_000]
    calls: list[list[Any]] = []
    for _ in range(generator.randint(5, 40)):
        method = generator.choice(methods)
        match method:
            case "readline":
                calls.append([method] if generator.random() < 0.5 else [method, generator.choice([-1, *sizes])])
            case "readinto" | "read":
                calls.append([method, generator.choice(sizes)])
            case "readlines":
                calls.append([method, generator.choice(sizes[1:])])
            case _:
                calls.append([method])
    # The rest, so that every byte is compared.
    return calls + [[generator.choice(["iterate", "readlines", "read"])], ["read"]]


def check_mix(server: Server, seed: int, methods: list[str]) -> None:
    """Plays a random mix of calls on the server and on io.BytesIO. The seed repeats a failure."""
    generator = random.Random(seed)
    body = random_body(generator, generator.choice([0, 1, 50, 5000, 60_000, 300_000]))
    calls = random_calls(generator, methods)
    expected = json.loads(json.dumps(play(io.BytesIO(body), calls)))
    with Connection(server.address) as connection:
        data = packet_of(vars_of("/calls", len(body), HTTP_X_CALLS=json.dumps(calls))) + body
        while data:
            size = generator.choice([10, 1000, 20_000, 100_000])
            connection.send(data[:size])
            data = data[size:]
        answer = connection.receive_answer()
    assert json.loads(answer.body) == expected, calls


@pytest.mark.parametrize("seed", range(10))
def test_row_1(seed: int, shared: Start) -> None:
    """Lines."""
    check_mix(shared(), seed, ["readline", "next"])


@pytest.mark.parametrize("seed", range(100, 140))
def test_row_2(seed: int, shared: Start) -> None:
    """Mixes of all methods."""
    check_mix(shared(), seed, ["readline", "read", "readinto", "readlines", "next"])


@pytest.mark.parametrize("ends", ["ends", "resets"])
def test_row_3(ends: str, shared: Start, events: Events) -> None:
    """A body that breaks off is an OSError in the application."""
    server = shared(transport="tcp")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/until_error", 100_000, HTTP_X_METHOD="read(1000)", HTTP_X_EVENTS=events.path))
        assert events.next() == "called"
        connection.send(b"x" * 50_500)
        if ends == "ends":
            connection.end_sending()
        else:
            connection.reset()
        assert events.next().startswith("OSError: ")


def test_row_4(shared: Start) -> None:
    told = {"status": "418 Late", "headers": [["Content-Type", "text/plain"], ["X-Late", "yes"]], "chunks": ["body"]}
    answer = get(shared().address, "/late", HTTP_X_ANSWER=json.dumps(told))
    assert (answer.status, answer.header("X-Late"), answer.body) == ("418 Late", "yes", b"body")


@pytest.mark.parametrize(
    ("app", "status", "body"),
    [
        ("write_then_iterate", "200 OK", b"w1 w2 i1 i2"),
        ("replace_before_body", "503 Replaced", b"replaced"),
        ("latin1_header", "200 Tr\xe8s bien", b"latin-1"),
    ],
)
def test_row_5(app: str, status: str, body: bytes, shared: Start) -> None:
    answer = get(shared().address, f"/{app}")
    assert (answer.status, answer.body) == (status, body)


def test_row_6(shared: Start, events: Events) -> None:
    answer = get(shared().address, "/file/wrapped", HTTP_X_FILE="small", HTTP_X_EVENTS=events.path)
    assert answer.body.startswith(b"line 0 of the file\nline 1 of the file\n")


def test_row_7(start: Start) -> None:
    server = start("environment:app", env={"UWSGI_TEST_SECRET": "hidden", "HTTP_PROXY": "http://proxy.example"})
    answer = get(server.address, "/")
    assert b"hidden" not in answer.body and b"UWSGI_TEST_SECRET" not in answer.body
    assert b"proxy.example" not in answer.body


def test_row_8(shared: Start) -> None:
    pairs = list(vars_of("/", SERVER_PROTOCOL="HTTP/1.0", HTTP_X_NAME="caf\xe9 \xff", HTTP_COOKIE="a=1").items())
    pairs += [("HTTP_COOKIE", "b=2"), ("HTTP_ACCEPT", "text/html"), ("HTTP_ACCEPT", "*/*")]
    with Connection(shared("environment:app").address) as connection:
        connection.send_request(pairs)
        strings = json.loads(connection.receive_answer().body)["strings"]
    assert strings["HTTP_X_NAME"] == "caf\xe9 \xff"
    assert strings["HTTP_COOKIE"] == "a=1; b=2"
    assert strings["HTTP_ACCEPT"] == "text/html, */*"
    assert strings["SERVER_PROTOCOL"] == "HTTP/1.0"


def resident(server: Server) -> int:
    """Returns the resident memory of the server process, in bytes."""
    with open(f"/proc/{server.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("kind", ["list", "generator"])
def test_row_9(kind: str, shared: Start) -> None:
    """200 MB that a client does not read stay where they are: the server copies none of them ahead."""
    server = shared()
    assert get(server.address, "/hello").code == 200
    before = resident(server)
    with Connection(server.address, receive_buffer=4096) as slow:
        slow.send_request(vars_of("/plain/large", HTTP_X_PIECES="2000", HTTP_X_AS=kind))
        slow.receive_until(b"\r\n\r\n")
        # The list is 2000 times the same bytes, so that the application needs no memory. The server gets the time in which
        # it could copy 200 MB: there is no event for what must not happen.
        time.sleep(0.3)
        during = resident(server)
        answer = slow.receive_answer()
    assert during - before < 20_000_000
    assert len(answer.body) == 200_000_000
    assert answer.is_whole


def test_row_11(shared: Start, events: Events) -> None:
    """Three of four threads stream without an end: the other serves. When the clients go, all do again."""
    server = shared("contract:app", "--threads", "4")
    endless = vars_of("/endless", HTTP_X_CHUNK="data: x", HTTP_X_EVENTS=events.path)
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stream = stack.enter_context(Connection(server.address))
                stream.send_request(endless)
                stream.receive_until(b"begun")
            for _ in range(20):
                assert get(server.address, "/hello").body == b"hello"
        for _ in range(3):
            assert events.next(2) == "close"


def test_row_11_slow_readers(shared: Start) -> None:
    """One thread, and 20 clients that do not read their answers of known bytes: others are served."""
    server = shared()
    slow = [Connection(server.address, receive_buffer=4096) for _ in range(20)]
    for connection in slow:
        connection.send_request(vars_of("/plain/large", HTTP_X_PIECES="20", HTTP_X_AS="one"))
        connection.receive_until(b"\r\n\r\n")
    begun = time.monotonic()
    for _ in range(20):
        assert get(server.address, "/hello").body == b"hello"
    assert time.monotonic() - begun < 2
    for connection in slow:
        assert len(connection.receive_answer().body) == 2_000_000
        connection.close()


def test_row_11_slow_senders(shared: Start) -> None:
    """One thread, and 50 clients that do not send the end of their head or of a small body: others are served."""
    server = shared()
    data = packet_of(vars_of("/digest", 1000)) + b"x" * 1000
    slow = [Connection(server.address) for _ in range(50)]
    for number, connection in enumerate(slow):
        connection.send(data[: 20 * (number + 1)])
    for _ in range(20):
        assert get(server.address, "/hello").body == b"hello"
    for number, connection in enumerate(slow):
        connection.send(data[20 * (number + 1) :])
        assert connection.receive_answer().body.startswith(b"1000 ")
        connection.close()


def test_row_12(shared: Start) -> None:
    """Four threads share the work of eight clients: none of them does less than half of its part."""
    server = shared("contract:app", "--threads", "4")
    seen: Counter[int] = Counter()

    def ask() -> None:
        for _ in range(25):
            # A call that waits a little, as for a database: so more than one thread has to work.
            answer = post(server.address, "/identity_with_wait", b"")
            seen[json.loads(answer.body)["ident"]] += 1

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sum(seen.values()) == 200
    assert len(seen) == 4
    assert min(seen.values()) >= 25, seen
