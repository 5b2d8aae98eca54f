"""Fixtures: servers that many tests share, and the sockets by which a test application tells what happens in it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import PATIENCE
from other_servers import Expectations
from server import APPS, Server, name_of_server, status_after_sigterm

# Some tests use what an application is made of: the content of its files, or the calls that it plays.
sys.path.append(str(APPS))

# For tests of the timeouts.
IMPATIENT = ["--header-timeout", "0.5", "--body-timeout", "0.5"]

Start = Callable[..., Server]


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background processes with SIGINT ignored, and the servers of the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if name_of_server() != "ours":
        config.pluginmanager.register(Expectations())


@pytest.fixture(scope="session")
def short_directory() -> Iterator[Path]:
    """A directory with a short name: the path of a Unix socket has at most 107 bytes (Linux, unix(7))."""
    with tempfile.TemporaryDirectory(prefix="uwsgi-wsgi-") as name:
        yield Path(name)


_outcome = {"failed": False}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # What is expected to fail (xfail) is a skipped test in the report.
    _outcome["failed"] |= report.when == "call" and not report.passed


def stop_all(servers: list[Server]) -> None:
    """Stops the servers, and checks their exit status after all of them have ended."""
    problems = []
    for server in servers:
        try:
            status = server.stop()
        except AssertionError as error:
            problems.append(str(error))
            continue
        if status != status_after_sigterm():
            problems.append(f"exit status {status}:\n{server.stderr.text}")
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def shared(short_directory: Path) -> Iterator[Start]:
    """Starts a server, or returns the one that an earlier test started with the same arguments.

    After a failed test, which can have left a request in the server, the next test gets a new one.
    """
    servers: dict[tuple[str, tuple[str, ...]], Server] = {}

    def start(app: str = "contract:app", *options: str, transport: str = "unix") -> Server:
        if _outcome["failed"]:
            for old in servers.values():
                old.kill()
            servers.clear()
            _outcome["failed"] = False
        # One thread is the default.
        options = () if options == ("--threads", "1") else options
        key = (app, options)
        server = servers.get(key)
        if server is None:
            directory = Path(tempfile.mkdtemp(dir=short_directory))
            server = servers[key] = Server(directory, app, *options)
        server.address = server.addresses[transport]
        server.begin_log()
        return server

    yield start
    if _outcome["failed"]:
        for server in servers.values():
            server.kill()
    else:
        stop_all(list(servers.values()))


@pytest.fixture
def start(short_directory: Path) -> Iterator[Start]:
    """Starts a server for one test. If the test does not end it, it is ended here, and its exit status checked."""
    servers: list[Server] = []

    def start(app: str = "contract:app", *options: str, **more: Any) -> Server:
        directory = Path(tempfile.mkdtemp(dir=short_directory))
        servers.append(Server(directory, app, *options, **more))
        return servers[-1]

    yield start
    stop_all([server for server in servers if server.process.returncode is None])


class Events:
    """A datagram socket. The application writes its events there: the request has the path in the header X-Events."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self.seen: list[str] = []

    def next(self, patience: float = PATIENCE) -> str:
        """Waits for the next event."""
        self._socket.settimeout(patience)
        try:
            event = self._socket.recv(65536).decode()
        except TimeoutError:
            raise AssertionError(f"no further event after {self.seen}") from None
        self.seen.append(event)
        return event

    def wait_for(self, event: str, patience: float = PATIENCE) -> None:
        """Waits until this event comes. Other events may come before it."""
        while self.next(patience) != event:
            pass

    def all(self) -> list[str]:
        """Returns all events that have come until now."""
        self._socket.setblocking(False)
        while True:
            try:
                self.seen.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return self.seen

    def close(self) -> None:
        self._socket.close()


class Gate:
    """A named pipe at which an application waits: the request has its path in the header X-Gate."""

    def __init__(self, path: str) -> None:
        self.path = path
        os.mkfifo(path)
        # Open for both, so that neither side waits for the other to open it.
        self._pipe = os.open(path, os.O_RDWR)

    def open(self, times: int = 1) -> None:
        """Lets the application pass this often."""
        os.write(self._pipe, b"." * times)

    def close(self) -> None:
        # An application that still waits, because a test has failed, goes on.
        os.write(self._pipe, b"." * 1000)
        os.close(self._pipe)


@pytest.fixture
def events(short_directory: Path) -> Iterator[Events]:
    directory = tempfile.mkdtemp(dir=short_directory)
    events = Events(f"{directory}/events")
    yield events
    events.close()


@pytest.fixture
def gate(short_directory: Path) -> Iterator[Gate]:
    directory = tempfile.mkdtemp(dir=short_directory)
    gate = Gate(f"{directory}/gate")
    yield gate
    gate.close()


@pytest.fixture(params=["unix", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    """Runs the test over a Unix socket and over TCP, where the end of a connection can look different."""
    return str(request.param)
