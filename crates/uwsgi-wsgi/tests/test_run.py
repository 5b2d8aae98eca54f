"""A stop that does not go well, with a server that the tests made up."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from uwsgi_wsgi import cli, run
from uwsgi_wsgi._native import ErrorLog
from uwsgi_wsgi.signals import StopSignals


class FakeServer:
    """Does what a test says. A thread leaves `serve` when the server is stopped, unless the test says otherwise."""

    def __init__(self, serve: Callable[[], None] | None = None, finish: bool = True) -> None:
        self.stopped = threading.Event()
        self._serve = serve
        self._finish = finish

    def serve(self) -> None:
        if self._serve:
            self._serve()
        self.stopped.wait()

    def stop(self) -> None:
        self.stopped.set()

    def finish(self, timeout: float) -> bool:
        return self._finish


def serve(directory: Path, server: FakeServer, signals: StopSignals) -> tuple[int, str]:
    """Returns the exit status, and the error log."""
    descriptor = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        logs = run.Logs(ErrorLog(descriptor), descriptor, None)
        config = cli.parse(["shop", "--threads", "2", "--graceful-timeout", "0"])
        status = run._Serving(server, config, logs, [], signals).run()  # type: ignore[arg-type]
    finally:
        os.close(descriptor)
    return status, (directory / "log").read_text()


def signals_with(received: signal.Signals | None) -> StopSignals:
    signals = StopSignals(lambda second: None)
    signals.received = received
    return signals


def test_a_thread_that_fails_stops_the_server(tmp_path: Path) -> None:
    def fail() -> None:
        if threading.current_thread().name == "uwsgi-wsgi-2":
            raise OSError("no epoll")

    status, log = serve(tmp_path, FakeServer(fail), signals_with(None))
    assert status == 1
    assert "[CRITICAL] an application thread failed:\nTraceback (most recent call last):\n" in log
    assert "OSError: no epoll\n" in log
    assert "stopping after the end of an application thread: what has begun is finished within 0 seconds\n" in log
    assert log.endswith("[INFO] stopped\n")


def test_answers_that_are_never_sent_are_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_CUT_OFF", 0.1)
    status, log = serve(tmp_path, FakeServer(finish=False), signals_with(signal.SIGTERM))
    assert status == 1
    assert "[ERROR] answers that were not sent within 0 seconds are cut off\n" in log


def test_connections_that_stay_open_end_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []
    released = threading.Event()

    class Ended(Exception):
        pass

    def end(status: int) -> None:
        statuses.append(status)
        raise Ended

    monkeypatch.setattr(run, "_CUT_OFF", 0.1)
    monkeypatch.setattr(run, "_MOMENT", 0.1)
    monkeypatch.setattr(os, "_exit", end)
    # No thread is at work, as if all of them waited in the native module.
    monkeypatch.setattr(run._Serving, "_threads_at_work", lambda self: [])
    server = FakeServer(lambda: None if released.wait() else None)
    with pytest.raises(Ended):
        serve(tmp_path, server, signals_with(signal.SIGTERM))
    released.set()
    assert statuses == [1]
    log = (tmp_path / "log").read_text()
    assert "[ERROR] connections are still open after 0 seconds; the tracebacks of all threads follow\n" in log
    assert log.count(" (most recent call first):\n") >= 3


def test_a_system_without_enough_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(Exception):
        pass

    def end(status: int) -> None:
        raise Ended(status)

    start = threading.Thread.start

    def start_one(thread: threading.Thread) -> None:
        if thread.name != "uwsgi-wsgi-1":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(threading.Thread, "start", start_one)
    server = FakeServer()
    with pytest.raises(Ended, match="1"):
        serve(tmp_path, server, signals_with(None))
    server.stop()
    text = "[CRITICAL] the system allows 1 of 2 threads: choose fewer with --threads\n"
    assert (tmp_path / "log").read_text().endswith(text)
    assert threading.stack_size() == 0


def test_a_wait_ends_when_it_is_woken() -> None:
    signals = signals_with(None)
    threading.Timer(0.05, signals.wake).start()
    signals.wait()
    # A full pipe is no error, and one wait empties it.
    for _ in range(70_000):
        signals.wake()
    for _ in range(20):
        signals.wait(0)
    signals.wait(0.01)


def test_options_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(run, "Settings", lambda **values: calls.append(values))
    options = "--threads 2 --max-connections 3 --uwsgi-allow-from 10.0.0.0/8 --max-body 4k --header-timeout 5 --body-timeout 6"
    options += " --write-timeout 7 --graceful-timeout 8 --keepalive 9"
    run._settings(cli.parse(["shop", *options.split()]))
    assert calls[-1] == {
        "threads": 2,
        "max_connections": 3,
        "allow_from": "10.0.0.0/8",
        "max_body": 4096,
        "header_timeout": 5,
        "body_timeout": 6,
        "write_timeout": 7,
        "graceful_timeout": 8,
        "keepalive": 9,
    }


def test_options_reach_the_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, int]]] = []

    class FakeListener:
        @staticmethod
        def bind(address: str, **values: int) -> list[str]:
            calls.append((address, values))
            return [address]

    monkeypatch.setattr(run, "Listener", FakeListener)
    config = cli.parse(["shop", "-b", ":1", "-b", "unix:s", "--socket-mode", "600", "--backlog", "7"])
    listeners: list[str] = []
    run._bind(config, run.Logs(ErrorLog(2), 2, None), listeners)  # type: ignore[arg-type]
    values = {"socket_mode": 0o600, "backlog": 7}
    assert calls == [(":1", values), ("unix:s", values)]
    assert listeners == [":1", "unix:s"]


def test_a_server_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("Too many open files (os error 24)")

    monkeypatch.setattr(run, "Server", fail)
    monkeypatch.setattr(run, "_load", lambda config: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    config = cli.parse(["shop", "--bind", f"unix:{tmp_path}/s"])
    try:
        with pytest.raises(run.StartError, match="cannot start the server: Too many open files"):
            run._serve(config, run._settings(config), run.Logs(ErrorLog(2), 2, None))
        # A signal now ends the process.
        assert {signal.getsignal(number) for number in before} == {signal.SIG_DFL}
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert not (tmp_path / "s").exists()
