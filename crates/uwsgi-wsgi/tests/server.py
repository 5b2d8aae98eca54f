"""Starts the server under test, collects what it writes, and stops it.

The variable UWSGI_WSGI_COMMAND names another server to run the tests against: a command in which `{app}` stands for the
application, `{unix}`, `{path}` and `{tcp}` for its two addresses: `unix:/path`, `/path` and `host:port`. The options of the test
are added at its end. The table of `other_servers.py` says which tests gunicorn and uWSGI fail.

    UWSGI_WSGI_COMMAND="gunicorn --protocol uwsgi -k gthread --keep-alive 0 --no-control-socket -b {unix} -b {tcp} {app}"
    UWSGI_WSGI_COMMAND="uwsgi --die-on-term --need-app --buffer-size 65535 --socket {path} --socket {tcp} --module {app}"
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

from client import PATIENCE, get

APPS = Path(__file__).parent / "apps"
# Compiled files are kept for the servers of later tests, and outside of the source.
BYTECODE = {"PYTHONPYCACHEPREFIX": os.path.join(tempfile.gettempdir(), f"uwsgi-wsgi-tests-{os.getuid()}")}
OUR_COMMAND = f"{shlex.quote(sys.executable)} -m uwsgi_wsgi {{app}} --bind {{unix}} --bind {{tcp}}"
COMMAND = os.environ.get("UWSGI_WSGI_COMMAND", OUR_COMMAND)
# The lines that tell that a server is ready: ours and gunicorn's, and uWSGI's.
READY = re.compile(r"listening at|spawned uWSGI worker", re.IGNORECASE)


def name_of_server() -> str:
    """Returns which server the tests run against: `ours`, `gunicorn` or `uwsgi`."""
    if "UWSGI_WSGI_COMMAND" not in os.environ:
        return "ours"
    return "gunicorn" if "gunicorn" in COMMAND else "uwsgi"


def status_after_sigterm() -> int:
    """Returns the exit status after SIGTERM: 0, but 30 with uWSGI 2.0 (UWSGI_END_CODE)."""
    return 30 if name_of_server() == "uwsgi" else 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Output:
    """What a process writes to one of its streams, kept as text."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._changed = threading.Condition()
        self._text = ""
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while piece := os.read(self._stream.fileno(), 65536):
            with self._changed:
                self._text += piece.decode("utf-8", "replace")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def text(self) -> str:
        with self._changed:
            return self._text

    def wait_for(self, pattern: str | re.Pattern[str], start: int = 0, patience: float = PATIENCE) -> re.Match[str]:
        """Waits until the text from this position on has a match."""
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                if match := re.compile(pattern).search(self._text, start):
                    return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process closed it" if self._ended else f"{patience} s have passed"
                    raise AssertionError(f"no {pattern!r} in the output, and {why}:\n{self._text[start:]}")
                self._changed.wait(left)

    def wait_for_end(self) -> str:
        """Waits until the process has closed the stream, and returns all of its text."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the process still holds the stream open"
        self._stream.close()
        return self.text


class Server:
    """A server that runs an application of the directory `apps`. It listens on a Unix socket and on TCP."""

    def __init__(
        self,
        directory: Path,
        app: str,
        *options: str,
        transport: str = "unix",
        env: Mapping[str, str] | None = None,
        ready: re.Pattern[str] | None = READY,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = str(directory / "server.sock")
        self.addresses = {"unix": f"unix:{path}", "tcp": f"127.0.0.1:{free_port()}"}
        # The address that the test uses.
        self.address = self.addresses[transport]
        names = {"app": app, "path": path, **self.addresses}
        command = [re.sub(r"\{(\w+)\}", lambda match: names[match[1]], part) for part in shlex.split(COMMAND)]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=APPS,
            env={**os.environ, "PYTHONPATH": str(APPS), "TMPDIR": str(directory), **BYTECODE, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # So that `kill` reaches the workers of other servers too.
            start_new_session=True,
        )
        assert self.process.stdout and self.process.stderr
        self.stdout = Output(self.process.stdout)
        self.stderr = Output(self.process.stderr)
        self._marks = 0
        self._log_start = 0
        if ready:
            try:
                # The import of a large application takes long on a machine that does other work too.
                self.stderr.wait_for(ready, patience=30)
            except AssertionError:
                self.kill()
                if name_of_server() != "ours":
                    pytest.skip(f"{name_of_server()} does not know an option of {options}")
                raise

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """The error log since the last call of `begin_log`."""
        return self.stderr.text[self._log_start :]

    def begin_log(self) -> None:
        """Forgets the log of earlier tests."""
        self._log_start = len(self.stderr.text)

    def wait_for_log(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """Waits for a match in the error log since the last call of `begin_log`."""
        return self.stderr.wait_for(pattern, self._log_start, patience)

    def settled_log(self) -> str:
        """Returns the error log once all requests before this call have written their lines.

        This works with one thread: the thread has finished all earlier requests when it writes the mark of this one.
        """
        self._marks += 1
        mark = f"mark {self._marks} of the test"
        answer = get(self.address, "/log", HTTP_X_TEXT=mark)
        assert answer.code == 200, f"the server does not serve any more: {answer}\n{self.log}"
        self.wait_for_log(mark)
        return self.log

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Sends a signal, waits for the end, and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.wait()

    def wait(self, patience: float = PATIENCE) -> int:
        """Waits for the end of the process, and returns its exit status."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end:\n{self.stderr.text}") from None
        self.stdout.wait_for_end()
        self.stderr.wait_for_end()
        return status

    def kill(self) -> None:
        """Ends the process at once, after a test has failed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.stdout.wait_for_end()
        self.stderr.wait_for_end()
