"""The end of the server: SIGTERM and SIGINT while requests are under way."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from client import Connection, packet_of, vars_of
from conftest import Events, Gate, Start
from file_apps import LARGE
from server import Server

ONLY_OURS = True


def begin_stop(server: Server, number: int = signal.SIGTERM) -> None:
    """Sends the signal, and waits until the server says that it stops."""
    server.process.send_signal(number)
    server.wait_for_log("stopping")


def wait_until_it_refuses(server: Server) -> None:
    """Waits until new connections are refused, or closed without an answer."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            with Connection(server.address) as connection:
                connection.send_request(vars_of("/hello"))
                if connection.receive_answer(1).raw == b"":
                    return
        except (ConnectionError, FileNotFoundError):
            return
    raise AssertionError("the server still serves new connections")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_request_under_way(number: int, transport: str, start: Start, events: Events, gate: Gate) -> None:
    """A request that has begun is finished, nobody new is served, and Python ends in its own way."""
    server = start("ending:app", "--threads", "2", transport=transport)
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/wait", HTTP_X_GATE=gate.path, HTTP_X_EVENTS=events.path))
        assert events.next() == "waiting"
        begin_stop(server, number)
        wait_until_it_refuses(server)
        assert connection.is_silent(0.05)
        gate.open()
        answer = connection.receive_answer()
    assert (answer.status, answer.body, answer.is_whole) == ("200 OK", b"waited", True)
    assert server.wait() == 0
    assert "atexit has run" in server.stdout.text
    assert "stopped" in server.stderr.text
    if transport == "unix":
        assert not Path(server.address.removeprefix("unix:")).exists(), "the file of the socket is still there"


def test_streamed_answer(start: Start, gate: Gate) -> None:
    """A generator goes on to its end after the signal."""
    server = start("ending:app")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/steps", HTTP_X_GATE=gate.path))
        gate.open()
        connection.receive_until(b"chunk 0 ")
        begin_stop(server)
        gate.open(4)
        answer = connection.receive_answer()
    assert answer.body == b"chunk 0 chunk 1 chunk 2 chunk 3 chunk 4 "
    assert server.wait() == 0


def test_upload(start: Start) -> None:
    """A body that has begun is read to its end after the signal."""
    server = start("ending:app")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/echo", 200_000), b"a" * 100_000)
        connection.receive_until(b"a" * 100_000)
        begin_stop(server)
        connection.send(b"b" * 100_000)
        answer = connection.receive_answer()
    assert answer.body == b"a" * 100_000 + b"b" * 100_000
    assert server.wait() == 0


@pytest.mark.parametrize("app", ["/file/wrapped", "/plain/large"])
def test_slow_reader(app: str, start: Start, events: Events) -> None:
    """An answer that the client reads slowly is sent to its end after the signal."""
    server = start("ending:app")
    more = {"HTTP_X_FILE": "large", "HTTP_X_EVENTS": events.path, "HTTP_X_PIECES": "300", "HTTP_X_AS": "one"}
    with Connection(server.address, receive_buffer=4096) as connection:
        connection.send_request(vars_of(app, **more))
        connection.receive_until(b"\r\n\r\n")
        begin_stop(server)
        answer = connection.receive_answer()
    assert len(answer.body) == (len(LARGE) if "file" in app else 30_000_000)
    assert answer.is_whole
    assert server.wait() == 0


def test_idle_connections(transport: str, start: Start) -> None:
    """Kept connections, and those without a first byte, are closed at once."""
    server = start("ending:app", "--keepalive", "30", "--header-timeout", "30", transport=transport)
    with Connection(server.address) as kept, Connection(server.address) as silent:
        for _ in range(3):
            kept.received = b""
            # A body of unknown length could follow an absent or empty CONTENT_LENGTH, so that only "0" is kept.
            kept.send_request(vars_of("/plain/hello", CONTENT_LENGTH="0"))
            kept.receive_until(b"hello")
            assert b"\r\nConnection: keep-alive\r\n" in kept.received
        begun = time.monotonic()
        begin_stop(server)
        assert kept.receive_answer().end == "closed"
        assert silent.receive_answer().end == "closed"
        assert server.wait() == 0
        assert time.monotonic() - begun < 2


def test_begun_head(start: Start) -> None:
    """A request whose head has begun is finished too."""
    server = start("ending:app")
    packet = packet_of(vars_of("/hello"))
    with Connection(server.address) as connection:
        connection.send(packet[:10])
        # Nothing tells that the server has read these bytes. Without the pause it could stop before.
        time.sleep(0.1)
        begin_stop(server)
        connection.send(packet[10:])
        answer = connection.receive_answer()
    assert answer.body == b"hello"
    assert server.wait() == 0


def test_graceful_timeout(start: Start, events: Events, gate: Gate) -> None:
    """A thread that is still at work after --graceful-timeout: the log tells where, and the process ends with status 1."""
    server = start("ending:app", "--threads", "2", "--graceful-timeout", "0.5")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/wait", HTTP_X_GATE=gate.path, HTTP_X_EVENTS=events.path))
        assert events.next() == "waiting"
        begin_stop(server)
        assert server.wait() == 1
    log = server.stderr.text
    assert "most recent call first" in log
    assert "registry.py" in log and "in wait" in log
    assert "atexit has run" not in server.stdout.text


def test_second_signal(start: Start, events: Events, gate: Gate) -> None:
    """A second signal ends the process at once."""
    server = start("ending:app")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/wait", HTTP_X_GATE=gate.path, HTTP_X_EVENTS=events.path))
        assert events.next() == "waiting"
        begin_stop(server)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 1
        assert not connection.receive_answer().is_whole


def test_background_threads(start: Start, events: Events) -> None:
    """Daemon threads of the application that are still running do not disturb the end."""
    server = start("ending:app")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/spin", HTTP_X_EVENTS=events.path))
        assert connection.receive_answer().body == b"started"
    assert events.next() == "spinning"
    assert server.stop() == 0
    assert "atexit has run" in server.stdout.text
    assert "Fatal Python error" not in server.stderr.text


def test_thread_that_python_waits_for(start: Start, events: Events, gate: Gate) -> None:
    """Python itself waits at its end for threads that are not daemons."""
    server = start("ending:app")
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/own_thread", HTTP_X_GATE=gate.path, HTTP_X_EVENTS=events.path))
        assert connection.receive_answer().body == b"started"
    begin_stop(server)
    server.wait_for_log("stopped")
    gate.open()
    assert server.wait() == 0
    assert events.next() == "own thread has ended"
